"""`syncd issues`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("issues", help="What needs a person, why, and what to do about it.")
    def issues(
        context: typer.Context,
        number: Annotated[
            int | None,
            typer.Argument(min=1, max=2**31, help="Show only this issue, with its evidence."),
        ] = None,
        client: Annotated[
            str | None, typer.Option("--client", help="Only of this client, by id or name.")
        ] = None,
        connection: Annotated[
            str | None, typer.Option("--connection", help="Only of this connection.")
        ] = None,
        code: Annotated[
            str | None, typer.Option("--code", help="Only of this code, every one of them.")
        ] = None,
        everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    ) -> None:
        from syncd.cli.issues import Wanted, show_issue, show_issues
        from syncd.cli.output import run_async

        if number is not None:
            run_async(show_issue(cli_of(context), number))
            return
        wanted = Wanted(client=client, connection=connection, code=code, everything=everything)
        run_async(show_issues(cli_of(context), wanted))
