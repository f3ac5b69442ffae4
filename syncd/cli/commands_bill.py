"""`syncd bill`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    bill = typer.Typer(no_args_is_help=True, help="The life of bills: send them by hand.")
    app.add_typer(bill, name="bill")

    @bill.callback()
    def life() -> None:
        """The life of bills: send them by hand."""

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
