"""`syncd reconcile`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("reconcile", help="What was bought, used and billed in a month, side by side.")
    def reconcile(
        context: typer.Context,
        period: Annotated[
            str | None,
            typer.Argument(
                metavar="PERIOD",
                help="The month, YYYY-MM; without it the last finished one.",
                show_default=False,
            ),
        ] = None,
        client: Annotated[
            str | None, typer.Option("--client", help="Only this client, by id or name.")
        ] = None,
        product: Annotated[
            str | None,
            typer.Option("--product", metavar="SKU", help="Only this, by the vendor's id or name."),
        ] = None,
        lines: Annotated[
            bool,
            typer.Option(
                "--lines", help="With --client: by subscription and charge, and the units in use."
            ),
        ] = False,
        everything: Annotated[bool, typer.Option("--all", help="Also what agrees.")] = False,
        unbilled: Annotated[
            bool,
            typer.Option(
                "--unbilled",
                help="By what the vendor has not invoiced yet; without PERIOD of this month.",
            ),
        ] = False,
        fresh: Annotated[
            bool, typer.Option("--fresh", help="Read the vendor's lines again.")
        ] = False,
        csv: Annotated[
            Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.reconcile import Wanted, show_reconciliation

        wanted = Wanted(
            period=period,
            client=client,
            product=product,
            lines=lines,
            everything=everything,
            unbilled=unbilled,
            fresh=fresh,
            csv=csv,
        )
        raise typer.Exit(run_async(show_reconciliation(cli_of(context), wanted)))
