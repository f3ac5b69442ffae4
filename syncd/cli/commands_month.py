"""`syncd month` and `syncd month close`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command(
        "month",
        help=(
            "The page for the 1st at nine: what was sent, what waits and why the total moved; exit "
            "3 while anything is held. `syncd month close` seals a month once nothing of it is "
            "open."
        ),
    )
    def month(
        context: typer.Context,
        words: Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[close] [PERIOD]",
                help="The month, YYYY-MM; without it the last one that is over.",
                show_default=False,
            ),
        ] = None,
        csv: Annotated[
            Path | None,
            typer.Option("--csv", metavar="FILE", help="Write a row per client as CSV."),
        ] = None,
        reason: Annotated[
            str, typer.Option("--reason", help="Of `close`: kept with the month.")
        ] = "",
        by: Annotated[
            str | None,
            typer.Option("--by", help="Of `close`: who seals it; without it the login name."),
        ] = None,
    ) -> None:
        from syncd.cli.month import show_or_close
        from syncd.cli.output import run_async

        work = show_or_close(cli_of(context), words or [], csv=csv, reason=reason, by=by)
        raise typer.Exit(run_async(work))
