"""`syncd margin` and `syncd leaks`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of

_PERIOD = typer.Argument(
    metavar="PERIOD", help="The month, YYYY-MM; without it the last one.", show_default=False
)


def register(app: typer.Typer) -> None:
    @app.command("margin", help="Cost, price and margin of a month, as billed.")
    def margin(
        context: typer.Context,
        period: Annotated[str | None, _PERIOD] = None,
        client: Annotated[
            str | None, typer.Option("--client", help="Only this client, by id or name.")
        ] = None,
        by: Annotated[
            str, typer.Option("--by", metavar="client|product", help="What a row stands for.")
        ] = "client",
        csv: Annotated[
            Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
        ] = None,
    ) -> None:
        from syncd.cli.margin import show_margin
        from syncd.cli.output import run_async

        run_async(show_margin(cli_of(context), period=period, client=client, by=by, csv=csv))

    @app.command(
        "leaks",
        help="What is counted and billed nowhere, or billed and no longer counted; exit 6 if any.",
    )
    def leaks(
        context: typer.Context,
        period: Annotated[str | None, _PERIOD] = None,
        connection: Annotated[
            str | None, typer.Option("--connection", help="Only of this connection.")
        ] = None,
    ) -> None:
        from syncd.cli.leaks import show_leaks
        from syncd.cli.output import run_async

        raise typer.Exit(
            run_async(show_leaks(cli_of(context), period=period, connection=connection))
        )
