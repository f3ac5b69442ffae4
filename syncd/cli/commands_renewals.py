"""`syncd renewals`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("renewals", help="Which commitments end soon, and what happens then.")
    def renewals(
        context: typer.Context,
        within: Annotated[
            int, typer.Option("--within", min=1, max=3650, metavar="DAYS", help="How far ahead.")
        ] = 90,
        client: Annotated[
            str | None, typer.Option("--client", help="Only this client, by id or name.")
        ] = None,
        connection: Annotated[
            str | None, typer.Option("--connection", help="Only of this connection.")
        ] = None,
        not_monthly: Annotated[
            bool,
            typer.Option("--not-monthly", help="Only what is charged otherwise than monthly."),
        ] = False,
        rolling: Annotated[
            bool,
            typer.Option("--rolling", help="Also months that renew by themselves."),
        ] = False,
        csv: Annotated[
            Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.renewals import show_renewals
        from syncd.core.service.renewal_list import Asked

        asked = Asked(within=within, client=client, rolling=rolling)
        run_async(
            show_renewals(
                cli_of(context), asked, connection=connection, not_monthly=not_monthly, csv=csv
            )
        )
