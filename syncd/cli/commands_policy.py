"""`syncd policy`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of


def register(app: typer.Typer) -> None:
    policy = typer.Typer(no_args_is_help=True, help="Try other rules and rates on past months.")
    app.add_typer(policy, name="policy")

    @policy.callback()
    def trying() -> None:
        """Try other rules and rates on past months."""

    @policy.command("simulate")
    def simulate(
        context: typer.Context,
        last: Annotated[
            int, typer.Option("--last", metavar="N", min=1, max=60, help="Finished months.")
        ] = 3,
        clients: Annotated[
            list[str] | None,
            typer.Option("--client", metavar="CLIENT", help="Only this one, by id or name."),
        ] = None,
        settings: Annotated[
            list[str] | None,
            typer.Option(
                "--set",
                metavar="'PRODUCT: PART=VALUE, …'",
                help="Change parts of the rules of a product, e.g. 'device:server: included=5'.",
            ),
        ] = None,
        rules: Annotated[
            Path | None, typer.Option("--rules", metavar="FILE", help="A CSV of rules.")
        ] = None,
        rates: Annotated[
            Path | None, typer.Option("--rates", metavar="FILE", help="A CSV of rates.")
        ] = None,
        csv: Annotated[
            Path | None,
            typer.Option("--csv", metavar="FILE", help="Write all months; - is the terminal."),
        ] = None,
    ) -> None:
        """Show what the last months would have cost under another policy; nothing is written."""
        from syncd.cli.output import run_async
        from syncd.cli.policy import simulate_policy

        if not (settings or rules or rates):
            raise typer.BadParameter("give another policy: --set, --rules or --rates")
        run_async(
            simulate_policy(
                cli_of(context),
                last=last,
                clients=clients or [],
                settings=settings or [],
                rules=rules,
                rates=rates,
                csv=csv,
            )
        )
