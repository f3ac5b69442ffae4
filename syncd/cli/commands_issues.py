"""`syncd issues`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("issues", help="What needs a person, why, and what to do about it.")
    def issues(
        context: typer.Context,
        everything: Annotated[
            bool, typer.Option("--all", help="Closed ones too, and every row of a long list.")
        ] = False,
    ) -> None:
        from syncd.cli.issues import show_issues
        from syncd.cli.output import run_async

        run_async(show_issues(cli_of(context), everything=everything))
