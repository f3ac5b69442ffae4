"""`syncd plans`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of

_PLAN = Annotated[str, typer.Argument(help="Id of the plan, or `latest`.")]
_REASON = Annotated[str, typer.Option("--reason", help="Why; kept for good.", metavar="TEXT")]
_BY = Annotated[
    str | None, typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME")
]


def register(app: typer.Typer) -> None:
    plans = typer.Typer(
        invoke_without_command=True, help="Plans that were made; release what is held."
    )
    app.add_typer(plans, name="plans")

    @plans.callback()
    def every(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            _list(context, 20)

    @plans.command("list", help="Plans that were made, the newest first.")
    def listed(
        context: typer.Context,
        limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many.")] = 20,
    ) -> None:
        _list(context, limit)

    @plans.command("show", help="A plan with the fate of each bill and what holds it.")
    def show(context: typer.Context, plan: _PLAN) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.plans import show_plan

        run_async(show_plan(cli_of(context), plan))

    @plans.command("release", help="Let held bills be sent, with a reason that is kept.")
    def release(
        context: typer.Context,
        plan: _PLAN,
        reason: _REASON,
        client: Annotated[
            list[str] | None,
            typer.Option("--client", help="Only this client, by id or name; may be repeated."),
        ] = None,
        by: _BY = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.plans import release

        run_async(release(cli_of(context), plan, reason=reason, clients=client or [], by=by))

    @plans.command("settle", help="Look a write in doubt up again, once it was mended in the PSA.")
    def settle(
        context: typer.Context,
        key: Annotated[str, typer.Argument(help="External key, as `syncd issues` names it.")],
        reason: _REASON,
        give_up: Annotated[
            bool,
            typer.Option("--give-up", help="Close it as not written, without looking it up."),
        ] = False,
        by: _BY = None,
    ) -> None:
        from syncd.cli.output import run_async
        from syncd.cli.plans import settle

        code = run_async(settle(cli_of(context), key, reason=reason, give_up=give_up, by=by))
        raise typer.Exit(code)


def _list(context: typer.Context, limit: int) -> None:
    from syncd.cli.output import run_async
    from syncd.cli.plans import list_all

    run_async(list_all(cli_of(context), limit=limit))
