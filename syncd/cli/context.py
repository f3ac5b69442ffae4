"""What every command knows from the options that stand before or after its name."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer

    from syncd.cli.output import Output


@dataclass(frozen=True, slots=True)
class Cli:
    """The global options.

    Attributes:
        config: path of the configuration file; it need not exist.
        json: print data as JSON.
        verbose: print log lines of level info on stderr.
    """

    config: Path
    json: bool = False
    verbose: bool = False

    def output(self) -> Output:
        """Where the command prints."""
        from syncd.cli.output import Output

        return Output(json=self.json)


def cli_of(context: typer.Context) -> Cli:
    """The global options of a running command."""
    found = context.find_root().obj
    if not isinstance(found, Cli):  # pragma: no cover - the root callback always sets it
        message = "the command line was not set up"
        raise TypeError(message)
    return found


current_cli: ContextVar[Cli | None] = ContextVar("syncd_cli", default=None)
"""The global options of the command that runs, for errors that are printed far from it."""
