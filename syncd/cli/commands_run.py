"""`syncd run`: options and help."""

from __future__ import annotations

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("run", help="Run the daemon: pulls and bills by schedule until it is stopped.")
    def run(context: typer.Context) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.run import run_daemon

        run_async(run_daemon(cli_of(context)))
