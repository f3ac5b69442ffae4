"""`syncd adopt`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of

_HELP = (
    "Let records that the PSA holds already carry our lines: shows what fits, and makes a plan of "
    "what is accepted. Adopting writes our key on the record and nothing else, so it changes no "
    "bill and may be done in shadow; the record keeps its id, price and links."
)


def register(app: typer.Typer) -> None:
    @app.command("adopt", help=_HELP)
    def adopt(
        context: typer.Context,
        clients: Annotated[
            list[str] | None,
            typer.Argument(help="Clients by id or name; without any, all of them."),
        ] = None,
        period: Annotated[
            str | None,
            typer.Option(
                "--period",
                metavar="YYYY-MM",
                help="The month whose lines are meant; without it the last finished one.",
            ),
        ] = None,
        export: Annotated[
            Path | None,
            typer.Option("--export", metavar="FILE", help="Write the proposals; `-` prints them."),
        ] = None,
        import_: Annotated[
            Path | None,
            typer.Option(
                "--import", metavar="FILE", help="Accept the rows of a file that name a record."
            ),
        ] = None,
        accept: Annotated[
            bool, typer.Option("--accept", help="Accept what rests on our key or on a SKU.")
        ] = False,
        accept_names: Annotated[
            bool,
            typer.Option(
                "--accept-names", help="Accept what rests on a name as well; asks at a terminal."
            ),
        ] = False,
        apply: Annotated[
            bool, typer.Option("--apply", help="Apply the plan at once, which is your yes to it.")
        ] = False,
        by: Annotated[
            str | None,
            typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME"),
        ] = None,
    ) -> None:
        from syncd.cli.adopt import Wish, adopt_records
        from syncd.cli.output import run_async

        wish = Wish(
            clients=clients or [],
            period=period,
            export=export,
            file=import_,
            accept=accept,
            accept_names=accept_names,
            apply=apply,
            by=by,
        )
        raise typer.Exit(run_async(adopt_records(cli_of(context), wish)))
