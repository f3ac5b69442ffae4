"""`syncd bill`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    bill = typer.Typer(
        no_args_is_help=True, help="The life of bills: send them by hand, reopen final ones."
    )
    app.add_typer(bill, name="bill")

    @bill.callback()
    def life() -> None:
        """The life of bills: send them by hand, reopen final ones."""

    @bill.command("send", help="Make the bills of the month before and of the running month.")
    def send(
        context: typer.Context,
        clients: Annotated[
            list[str] | None,
            typer.Argument(help="Clients by id or name; without any, all of them."),
        ] = None,
        yes: Annotated[
            bool, typer.Option("--yes", help="Do not ask; held bills stay held all the same.")
        ] = False,
    ) -> None:
        from syncd.cli.bill import send_bills
        from syncd.cli.output import run_async

        raise typer.Exit(run_async(send_bills(cli_of(context), clients or [], yes=yes)))

    @bill.command("reopen", help="Make a final bill changeable again; the next plan makes it.")
    def reopen(
        context: typer.Context,
        client: Annotated[str, typer.Argument(help="The client, by id or name.")],
        reason: Annotated[
            str, typer.Option("--reason", help="Why; kept for good.", metavar="TEXT")
        ],
        period: Annotated[
            str | None,
            typer.Option(
                "--period", metavar="YYYY-MM", help="The month; without it the last finished one."
            ),
        ] = None,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
        by: Annotated[
            str | None,
            typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME"),
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.reopen import reopen_bill

        code = run_async(
            reopen_bill(cli_of(context), client, period=period, reason=reason, by=by, yes=yes)
        )
        raise typer.Exit(code)
