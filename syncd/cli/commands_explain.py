"""`syncd explain`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("explain", help="Why a billed number is what it is, down to the device.")
    def explain(
        context: typer.Context,
        client: Annotated[str, typer.Argument(help="The client, by id or name.")],
        product: Annotated[
            str | None,
            typer.Argument(help="Only this product, by key or name.", show_default=False),
        ] = None,
        period: Annotated[
            str | None,
            typer.Option(
                "--period", metavar="YYYY-MM", help="The month; without it the one billed last."
            ),
        ] = None,
    ) -> None:
        from syncd.cli.explain import explain_number
        from syncd.cli.output import run_async

        run_async(explain_number(cli_of(context), client, product, period=period))
