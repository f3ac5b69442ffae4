"""How commands print: tables for people, JSON for programs, errors as a sentence and a remedy.

Data goes to stdout, everything else to stderr. rich is imported only to draw on a terminal.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from syncd.cli.context import current_cli
from syncd.cli.grid import Grid, PlainConsole
from syncd.sdk.errors import SyncdError

if TYPE_CHECKING:
    from rich.console import Console

ResultT = TypeVar("ResultT")

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells report it."""


class Output:
    """Where one command prints.

    Attributes:
        json: data is printed as JSON and nothing else reaches stdout.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self._console: Console | None = None

    @property
    def console(self) -> Console:
        """A console without markup, so that a client called `[red]` prints as it is named."""
        if self._console is None:
            if sys.stdout.isatty():
                from rich.console import Console

                self._console = Console(markup=False, emoji=False, highlight=False)
            else:
                self._console = cast("Console", PlainConsole())
        return self._console

    def emit(self, data: object, render: Callable[[Console], None]) -> None:
        """Print the result of a command.

        Args:
            data: what `--json` prints: structs, dataclasses, mappings, lists; Decimal as text.
            render: draws the same for people.
        """
        if self.json:
            write_json(data)
        else:
            render(self.console)

    def say(self, text: str) -> None:
        """Print a line for people on stdout; nothing with `--json`."""
        if not self.json:
            print(clean(text))  # noqa: T201 - this is the door to the terminal

    def note(self, text: str) -> None:
        """Print a line beside the data, on stderr; nothing with `--json`."""
        if not self.json:
            print(clean(text), file=sys.stderr)  # noqa: T201 - the door to the terminal

    def warn(self, text: str, remedy: str = "") -> None:
        """Print a warning on stderr, also with `--json`, since stdout stays clean."""
        _sentence("warning", text, remedy)

    @contextmanager
    def progress(self, label: str, unit: str = "units") -> Iterator[Callable[[int], None]]:
        """A counter on one line of a terminal; silent elsewhere.

        The function it gives takes the number reached so far.
        """
        if self.json or not sys.stderr.isatty():
            yield lambda _reached: None
            return
        try:
            yield lambda reached: _overwrite(f"{label}: {reached:,} {unit}")
        finally:
            _overwrite("")


def table(*columns: str | tuple[str, str], rows: Iterable[Sequence[object]]) -> Grid:
    """A table that fits its place: cells fold, nothing is cut off.

    Args:
        columns: headings; a tuple `(heading, "right")` aligns numbers.
        rows: cells; None prints as a dash, text is cleaned of control characters.
    """
    return Grid(
        tuple(column if isinstance(column, str) else column[0] for column in columns),
        frozenset(
            n
            for n, column in enumerate(columns)
            if isinstance(column, tuple) and column[1] == "right"
        ),
        tuple(tuple(_cell(cell) for cell in row) for row in rows),
    )


def write_json(data: object) -> None:
    """Print data as indented JSON with a final newline."""
    import msgspec

    encoded = msgspec.json.format(msgspec.json.encode(data, enc_hook=str), indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def clean(text: str) -> str:
    """The text without control characters: a vendor's name must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char in "\n\t" or unicodedata.category(char)[0] != "C" else "\ufffd"
        for char in text
    )


def print_error(error: SyncdError, *, json: bool) -> None:
    """Print an error as a sentence and what to do, or as `{"error": …}`."""
    problems = getattr(error, "problems", ())
    if json:
        body: dict[str, Any] = {
            "code": error.code,
            "message": str(error),
            "remedy": error.remedy,
            "exit_code": error.exit_code,
        }
        if problems:
            body["problems"] = problems
        if connection := getattr(error, "connection", ""):
            body["connection"] = connection
        write_json({"error": body})
        return
    _sentence("error", str(error), error.remedy)


def run_async(coroutine: Coroutine[Any, Any, ResultT], *, json: bool | None = None) -> ResultT:
    """Run a command's work; an error is printed and becomes the exit code.

    Args:
        coroutine: the work.
        json: print errors as JSON; None takes it from the running command.

    Raises:
        typer.Exit: with the error's exit code, after it was printed.
    """
    import asyncio

    import typer

    try:
        return asyncio.run(coroutine)
    except SyncdError as error:
        print_error(error, json=_json_wanted() if json is None else json)
        raise typer.Exit(error.exit_code) from error
    except BaseExceptionGroup as group:
        first = _only_error(group)
        print_error(first, json=_json_wanted() if json is None else json)
        raise typer.Exit(first.exit_code) from group


def _only_error(group: BaseExceptionGroup[BaseException]) -> SyncdError:
    """The first of our errors in a group of nothing but ours; otherwise the group goes on."""
    known, other = group.split(SyncdError)
    if known is None or other is not None:
        raise group
    first: BaseException = known
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, SyncdError)
    return first


def _json_wanted() -> bool:
    running = current_cli.get()
    return running is not None and running.json


def _sentence(kind: str, text: str, remedy: str) -> None:
    lines = f"{kind}: {clean(text)}\n"
    if remedy:
        lines += f"  what to do: {clean(remedy)}\n"
    sys.stderr.write(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return clean(str(value))


def _overwrite(text: str) -> None:
    sys.stderr.write(f"\r\x1b[2K{text}")
    sys.stderr.flush()
