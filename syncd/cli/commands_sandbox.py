"""The command `sandbox`: the simulated vendors, to play with by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(cli: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="Simulated vendors on loopback, to play with.", no_args_is_help=True)
    group.command("up")(up)
    cli.add_typer(group, name="sandbox")


def up(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option("--dir", help="Where the configuration is written.")
    ] = Path("sandbox"),
    world: Annotated[str, typer.Option(help="Which world: demo or small.")] = "demo",
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 7,
) -> None:
    """Start the simulators and write a configuration for them; Ctrl-C stops them."""
    from syncd.cli.context import cli_of
    from syncd.cli.sandbox import up as start

    start(cli_of(context), folder=folder, world=world, seed=seed)
