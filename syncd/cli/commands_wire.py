"""`syncd wire`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("wire", help="Propose which recurring lines bill our records; writes nothing.")
    def wire(
        context: typer.Context,
        clients: Annotated[
            list[str] | None,
            typer.Argument(help="Clients by id or name; without any, all of them."),
        ] = None,
        period: Annotated[
            str | None,
            typer.Option(
                "--period", metavar="YYYY-MM", help="The plan's month; without it the last one."
            ),
        ] = None,
        link: Annotated[
            list[str] | None,
            typer.Option(
                "--link",
                metavar="RECORD=LINE",
                help="Name the recurring line of a record by their ids; may be repeated.",
            ),
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.wire import propose

        run_async(propose(cli_of(context), clients or [], period=period, links=link or []))
