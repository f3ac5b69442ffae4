"""`syncd runs`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("runs", help="What ran, when, and how it ended; the newest first.")
    def runs(
        context: typer.Context,
        subject: Annotated[
            str | None, typer.Argument(help="Only this connection.", show_default=False)
        ] = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.runs import show_runs

        run_async(show_runs(cli_of(context), subject=subject, limit=limit))
