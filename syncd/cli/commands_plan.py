"""`syncd plan`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    plan = typer.Typer(
        no_args_is_help=True, help="What would be written, and what it changes in money."
    )
    app.add_typer(plan, name="plan")

    @plan.command("billing", help="Plan the bills of a finished month; nothing is written.")
    def billing(
        context: typer.Context,
        period: Annotated[
            str | None,
            typer.Option(
                "--period", metavar="YYYY-MM", help="The month; without it the last finished one."
            ),
        ] = None,
        client: Annotated[
            list[str] | None,
            typer.Option("--client", help="Only this client, by id or name; may be repeated."),
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.plan import plan_month

        code = run_async(plan_month(cli_of(context), period=period, clients=client or []))
        raise typer.Exit(code)

    @plan.command("invoices", help="Plan what books would get; nothing is written.")
    def invoices(
        context: typer.Context,
        name: Annotated[
            str | None,
            typer.Argument(help="Connection of the book; without it every one.", metavar="NAME"),
        ] = None,
        every: Annotated[bool, typer.Option("--all", help="Print every row.")] = False,
    ) -> None:
        from syncd.cli.invoice_plan import plan_books
        from syncd.cli.output import run_async

        raise typer.Exit(run_async(plan_books(cli_of(context), name, every=every)))
