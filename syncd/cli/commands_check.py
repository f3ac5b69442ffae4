"""`syncd check`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("check", help="Try configuration, database and credentials; changes nothing.")
    def check(
        context: typer.Context,
        name: Annotated[
            str | None, typer.Argument(help="Only this connection.", show_default=False)
        ] = None,
    ) -> None:
        from syncd.cli.check import check_all
        from syncd.cli.output import run_async

        raise typer.Exit(run_async(check_all(cli_of(context), name)))
