"""`syncd login`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command("login", help="Sign in at a vendor in a browser, for connections that need it.")
    def login(
        context: typer.Context,
        name: Annotated[
            str | None, typer.Argument(help="The connection.", show_default=False)
        ] = None,
        paste: Annotated[
            bool,
            typer.Option("--paste", help="The browser runs elsewhere: paste where it ended."),
        ] = False,
        by: Annotated[
            str | None,
            typer.Option("--by", help="Who signs in; without it the login name.", metavar="NAME"),
        ] = None,
        minutes: Annotated[
            int, typer.Option("--wait", min=1, max=60, help="Minutes to wait for the browser.")
        ] = 10,
        fresh: Annotated[
            bool, typer.Option("--new-key", help="Print a new key for token_key, nothing else.")
        ] = False,
        reseal: Annotated[
            bool,
            typer.Option("--reseal", help="Encrypt all stored tokens with the first key now."),
        ] = False,
    ) -> None:
        from syncd.cli.login import seal_anew, show_new_key, sign_in
        from syncd.cli.output import run_async
        from syncd.sdk.errors import ConfigError

        cli = cli_of(context)
        if [name is not None, fresh, reseal].count(True) != 1:
            message = "name one connection, or give one of --new-key and --reseal"
            raise ConfigError(message, remedy="write `syncd login NAME`")
        if fresh:
            show_new_key(cli)
        elif reseal:
            run_async(seal_anew(cli))
        else:
            assert name is not None
            run_async(sign_in(cli, name, paste=paste, by=by, minutes=minutes))
