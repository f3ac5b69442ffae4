"""`syncd pull`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("pull", help="Read the sources and record what was proven.")
    def pull(
        context: typer.Context,
        names: Annotated[
            list[str] | None,
            typer.Argument(metavar="[NAME]...", help="Connections; all sources without one."),
        ] = None,
        period: Annotated[
            str | None,
            typer.Option(
                "--period",
                metavar="YYYY-MM",
                help="Only the facts of this month: a correction, or one that was missed.",
            ),
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.pull import pull_all

        raise typer.Exit(run_async(pull_all(cli_of(context), names or [], period=period)))
