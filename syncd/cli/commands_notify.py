"""`syncd notify`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    notify = typer.Typer(no_args_is_help=True, help="Who is told what runs left to do.")
    app.add_typer(notify, name="notify")

    @notify.command("list", help="Messages of all notifiers, the newest first, and their states.")
    def listed(
        context: typer.Context,
        limit: Annotated[int, typer.Option("--limit", min=1, help="Most messages.")] = 20,
    ) -> None:
        from syncd.cli.notify import list_messages
        from syncd.cli.output import run_async

        run_async(list_messages(cli_of(context), limit))

    @notify.command("test", help="Send a test message now; it says nothing about any client.")
    def test(
        context: typer.Context,
        name: Annotated[str, typer.Argument(metavar="NAME", help="Of the notifier.")],
    ) -> None:
        from syncd.cli.notify import send_test
        from syncd.cli.output import run_async

        run_async(send_test(cli_of(context), name))
