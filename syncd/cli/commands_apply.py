"""`syncd apply`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("apply", help="Send a plan: every change once, held bills left out.")
    def apply(
        context: typer.Context,
        plan: Annotated[str, typer.Argument(help="Id of the plan, or `latest`.")],
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Check everything and write nothing.")
        ] = False,
    ) -> None:
        from syncd.cli.apply import apply_one
        from syncd.cli.output import run_async

        raise typer.Exit(run_async(apply_one(cli_of(context), plan, dry_run=dry_run)))
