"""`syncd corrections`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of

_HELP = "Facts that came after a final bill: bill the difference, or put it aside."
_HIGHEST = 2**31 - 1

_Ids = Annotated[
    list[int], typer.Argument(help="Numbers of corrections.", min=1, max=_HIGHEST, metavar="ID...")
]
_Reason = Annotated[str, typer.Option("--reason", help="Why; kept for good.", metavar="TEXT")]
_By = Annotated[
    str | None,
    typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME"),
]


def register(app: typer.Typer) -> None:
    corrections = typer.Typer(no_args_is_help=True, help=_HELP)
    app.add_typer(corrections, name="corrections")

    @corrections.callback()
    def late() -> None:
        """Facts that came after a final bill: bill the difference, or put it aside."""

    @corrections.command("list", help="Show what waits for a word or for a bill.")
    def show_all(
        context: typer.Context,
        clients: Annotated[
            list[str] | None, typer.Argument(help="Clients by id or name; without any, all.")
        ] = None,
        everything: Annotated[
            bool, typer.Option("--all", help="Also those billed, dismissed or withdrawn.")
        ] = False,
    ) -> None:
        from syncd.cli.corrections import list_them
        from syncd.cli.output import run_async

        run_async(list_them(cli_of(context), clients or [], everything=everything))

    @corrections.command("show", help="Show one with its units and pulls.")
    def show(
        context: typer.Context,
        number: Annotated[
            int, typer.Argument(help="Number of the correction.", min=1, max=_HIGHEST, metavar="ID")
        ],
    ) -> None:
        from syncd.cli.corrections import show_one
        from syncd.cli.output import run_async

        run_async(show_one(cli_of(context), number))

    @corrections.command("accept", help="Put the difference on the account's next bill.")
    def accept(context: typer.Context, ids: _Ids, reason: _Reason, by: _By = None) -> None:
        from syncd.cli.corrections import accept_them
        from syncd.cli.output import run_async

        run_async(accept_them(cli_of(context), ids, reason=reason, by=by))

    @corrections.command("dismiss", help="Leave the bill; the same facts are not raised again.")
    def dismiss(context: typer.Context, ids: _Ids, reason: _Reason, by: _By = None) -> None:
        from syncd.cli.corrections import dismiss_them
        from syncd.cli.output import run_async

        run_async(dismiss_them(cli_of(context), ids, reason=reason, by=by))

    @corrections.command("settle", help="Say that one on no recurring line was billed by hand.")
    def settle(context: typer.Context, ids: _Ids, reason: _Reason, by: _By = None) -> None:
        from syncd.cli.corrections import settle_them
        from syncd.cli.output import run_async

        run_async(settle_them(cli_of(context), ids, reason=reason, by=by))
