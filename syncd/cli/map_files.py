"""`syncd map links|products|configurations|rates|rules`: files for spreadsheets, out and in."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.output import table
from syncd.cli.person import current_person
from syncd.core.service.mapping_csv import (
    Edit,
    Import,
    SheetChange,
    export_sheet,
    import_sheet,
)
from syncd.core.service.sheets import SHEETS
from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from syncd.cli.context import Cli
    from syncd.cli.output import Output

_STANDARD = Path("-")
_SHOWN = 200


async def export_file(cli: Cli, name: str, file: Path) -> None:
    """Write what holds now, with rows for what is still to be decided.

    Raises:
        ConfigError: the file cannot be written, or no PSA is configured.
    """
    async with App.start(cli.config) as app:
        psa = await app.connection(app.psa_name())
        text = await export_sheet(
            app.database, SHEETS[name], psa=psa, currency=app.settings.billing.currency
        )
    write_file(file, text)
    if file == _STANDARD:
        return
    count = sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) - 1
    output = cli.output()
    output.emit(
        {"file": str(file), "rows": count},
        lambda _console: output.say(
            f"{count:,} rows of {SHEETS[name].title} in {file}; edit them, then "
            f"`syncd map {name} --import {file}`"
        ),
    )


async def import_file(cli: Cli, name: str, file: Path, *, dry_run: bool, prune: bool) -> None:
    """Take what a file decides, and print what changed.

    Raises:
        ConfigError: the file cannot be read, or no PSA is configured.
        BadFile: it has mistakes; nothing was stored.
    """
    content = _content(file)
    async with App.start(cli.config) as app:
        change = await import_sheet(
            app.database,
            SHEETS[name],
            content,
            Import(
                file="standard input" if file == _STANDARD else str(file),
                psa=await app.connection(app.psa_name()),
                currency=app.settings.billing.currency,
                confirmed_by=current_person(),
                dry_run=dry_run,
                prune=prune,
            ),
            now=app.clock(),
            log=app.log,
        )
    output = cli.output()
    output.emit(change, lambda _console: _show(output, change))


def write_file(file: Path, text: str) -> None:
    """Write a file of mappings; `-` is the standard output.

    Raises:
        ConfigError: it cannot be written.
    """
    if file == _STANDARD:
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise ConfigError(message, remedy="name a file in a folder you may write") from error


def _content(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == _STANDARD else file.read_bytes()
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
        raise ConfigError(message, remedy="check its name and your rights") from error


def _show(output: Output, change: SheetChange) -> None:
    edits = [
        *(("added", edit) for edit in change.added),
        *(("changed", edit) for edit in change.changed),
        *(("ended", edit) for edit in change.ended),
    ]
    if edits:
        output.console.print(
            table("", "what", "before", "now", rows=[_cells(*edit) for edit in edits[:_SHOWN]])
        )
    if len(edits) > _SHOWN:
        output.say(f"and {len(edits) - _SHOWN:,} more; `--json` shows all")
    _show_kept(output, change.sheet, change.kept)
    for note in change.notes[:_SHOWN]:
        output.say(f"note: {note}")
    did = "would be " if change.dry_run else ""
    output.say(
        f"{did}added {len(change.added):,}, {did}changed {len(change.changed):,}, "
        f"{did}ended {len(change.ended):,}, unchanged {change.unchanged:,}, "
        f"left open {change.undecided:,}"
    )
    if change.edits and not change.dry_run:
        output.say("plans made before this are refused; make a new one: `syncd plan billing`")


def _cells(what: str, edit: Edit) -> tuple[str, str, str | None, str | None]:
    return what, edit.subject, edit.before, edit.after


def _show_kept(output: Output, sheet: str, kept: Sequence[str]) -> None:
    if kept:
        output.say(
            f"{len(kept):,} that the file lacks, or leaves empty, hold on; `--prune` ends them, "
            f"`syncd map {sheet} --import … --prune --dry-run` lists them. The first: {kept[0]}"
        )
