"""`syncd init`: options and help."""

from __future__ import annotations

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("init", help="Write a commented example configuration.")
    def init(context: typer.Context) -> None:
        from syncd.cli.init import write_example

        write_example(cli_of(context))
