"""`syncd status`: options and help."""

from __future__ import annotations

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("status", help="What is fresh, what waits, and what to do next.")
    def status(context: typer.Context) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.status import show_status

        run_async(show_status(cli_of(context)))
