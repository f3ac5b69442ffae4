"""`syncd assets`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    @app.command(
        "assets", help="Plan counted units as assets of the PSA; writes nothing without --apply."
    )
    def assets(
        context: typer.Context,
        names: Annotated[
            list[str] | None,
            typer.Argument(help="Source connections; without any, all with export_assets."),
        ] = None,
        client: Annotated[
            list[str] | None,
            typer.Option("--client", help="Only this client, by id or name; may be repeated."),
        ] = None,
        link: Annotated[
            list[str] | None,
            typer.Option(
                "--link",
                metavar="UNIT=ASSET",
                help="Name the asset of a unit by their ids, or 'new'; may be repeated.",
            ),
        ] = None,
        apply: Annotated[
            bool, typer.Option("--apply", help="Write at once what nobody has to look at.")
        ] = False,
    ) -> None:
        from syncd.cli.assets import export
        from syncd.cli.output import run_async

        code = run_async(
            export(
                cli_of(context), names or [], clients=client or [], links=link or [], apply=apply
            )
        )
        raise typer.Exit(code)
