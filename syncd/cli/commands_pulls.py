"""`syncd pulls`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    pulls = typer.Typer(
        invoke_without_command=True, help="Pulls that were recorded; void one that was wrong."
    )
    app.add_typer(pulls, name="pulls")

    @pulls.callback()
    def every(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            _list(context, None, 20)

    @pulls.command("list", help="Pulls of one connection or of all, the newest first.")
    def listed(
        context: typer.Context,
        name: Annotated[
            str | None, typer.Argument(help="Only this connection.", show_default=False)
        ] = None,
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    ) -> None:
        _list(context, name, limit)

    @pulls.command(
        "void",
        help=(
            "Say that a complete pull was wrong: it proves nothing from now on. Bills that rest on "
            "it are compared at the next planning; what differs becomes a late change."
        ),
    )
    def void(
        context: typer.Context,
        name: Annotated[str, typer.Argument(help="The connection.")],
        number: Annotated[
            int, typer.Argument(min=1, max=2**31, help="Of the pull, as `syncd pulls` shows it.")
        ],
        reason: Annotated[str, typer.Option("--reason", help="Why; kept with the pull.")],
        by: Annotated[
            str | None, typer.Option("--by", help="Who says so; without it the login name.")
        ] = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.pulls import void_one

        run_async(void_one(cli_of(context), name, number, reason=reason, by=by))


def _list(context: typer.Context, name: str | None, limit: int) -> None:
    from syncd.cli.output import run_async
    from syncd.cli.pulls import list_all

    run_async(list_all(cli_of(context), name=name, limit=limit))
