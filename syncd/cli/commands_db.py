"""`syncd db`: options and help."""

from __future__ import annotations

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="The database: its tables, its health."
    )
    app.add_typer(group, name="db")

    @group.command("upgrade", help="Make the tables, or bring them to this version of syncd.")
    def upgrade(context: typer.Context) -> None:
        from syncd.cli.db import upgrade_database

        upgrade_database(cli_of(context))

    @group.command("check", help="Read the whole database and say whether it is sound.")
    def check(context: typer.Context) -> None:
        from syncd.cli.db import check_database
        from syncd.cli.output import run_async

        run_async(check_database(cli_of(context)))
