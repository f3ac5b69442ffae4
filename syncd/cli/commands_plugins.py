"""`syncd plugins`: options and help."""

from __future__ import annotations

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("plugins", help="List plugins and connectors, the broken ones with the reason.")
    def plugins(context: typer.Context) -> None:
        from syncd.cli.plugins import list_plugins

        list_plugins(cli_of(context))
