"""`syncd explain`: options and help."""

from __future__ import annotations

from pathlib import Path
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
        month: Annotated[
            str | None,
            typer.Argument(
                metavar="PERIOD",
                help="The month, YYYY-MM; without it the one billed last.",
                show_default=False,
            ),
        ] = None,
        period: Annotated[
            str | None,
            typer.Option("--period", metavar="YYYY-MM", help="The month, as an option."),
        ] = None,
        as_of: Annotated[
            str | None,
            typer.Option(
                "--as-of",
                metavar="DATE",
                help="What was known at the end of that day, or at a moment (2026-12-03T14:00).",
            ),
        ] = None,
        csv: Annotated[
            Path | None,
            typer.Option(
                "--csv",
                metavar="PATH",
                help="Write CSV files for the client: into a new folder, or one file ending .zip.",
            ),
        ] = None,
        internal: Annotated[
            bool,
            typer.Option("--internal", help="With --csv: with costs, reasons and ids of ours."),
        ] = False,
    ) -> None:
        from syncd.cli.explain import explain_number
        from syncd.cli.output import run_async

        run_async(
            explain_number(
                cli_of(context),
                client,
                [word for word in (product, month) if word is not None],
                period=period,
                as_of=as_of,
                csv=csv,
                internal=internal,
            )
        )
