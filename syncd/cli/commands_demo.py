"""The command `demo`: a whole month end against simulated vendors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(cli: typer.Typer) -> None:
    """Add the command."""
    cli.command("demo")(demo)


def demo(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where configuration and database are left.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another fleet.")] = 7,
) -> None:
    """A whole month end against simulated vendors on loopback; no account needed."""
    from syncd.cli.context import cli_of
    from syncd.cli.demo import demonstrate

    demonstrate(cli_of(context), folder=folder, seed=seed)
