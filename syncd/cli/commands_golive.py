"""`syncd shadow` and `syncd golive`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("shadow", help="What we would bill beside what the PSA bills today, and why.")
    def shadow(
        context: typer.Context,
        period: Annotated[
            str | None,
            typer.Argument(
                metavar="PERIOD",
                help="The month, YYYY-MM; without it the last one.",
                show_default=False,
            ),
        ] = None,
        clients: Annotated[
            list[str] | None,
            typer.Option("--client", help="Only this client, by id or name; may be repeated."),
        ] = None,
        csv: Annotated[
            Path | None, typer.Option("--csv", help="Write every row here instead.", metavar="FILE")
        ] = None,
        every: Annotated[
            bool, typer.Option("--all", help="Show lines on which both agree as well.")
        ] = False,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.shadow import show_shadow

        run_async(
            show_shadow(cli_of(context), period=period, clients=clients or [], csv=csv, every=every)
        )

    @app.command(
        "golive",
        help="Let clients be billed or invoices be posted, or put them back; alone: who is live.",
    )
    def golive(
        context: typer.Context,
        clients: Annotated[
            list[str] | None,
            typer.Argument(
                help="Clients by id or exact name, or the connection of a book.", show_default=False
            ),
        ] = None,
        start: Annotated[
            str | None,
            typer.Option(
                "--from",
                help="First month that is billed, YYYY-MM; first day of a book, YYYY-MM-DD.",
                metavar="PERIOD",
            ),
        ] = None,
        file: Annotated[
            str | None,
            typer.Option(
                "--file", help="A CSV list: client, and from, reason where rows differ; - is stdin."
            ),
        ] = None,
        back: Annotated[
            bool,
            typer.Option(
                "--back", help="Put the clients back to shadow, or the book back to linking."
            ),
        ] = False,
        forget: Annotated[
            bool,
            typer.Option(
                "--forget",
                help="What stands in a book that is not configured any more counts nowhere.",
            ),
        ] = False,
        reason: Annotated[
            str, typer.Option("--reason", "--why", help="Why; kept for good.", metavar="TEXT")
        ] = "",
        by: Annotated[
            str | None,
            typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME"),
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        from syncd.cli.golive import decide_golive
        from syncd.cli.output import run_async

        raise typer.Exit(
            run_async(
                decide_golive(
                    cli_of(context),
                    clients or [],
                    start=start,
                    file=file,
                    back=back,
                    forget=forget,
                    reason=reason,
                    by=by,
                    yes=yes,
                )
            )
        )
