"""`syncd map`: options and help of everything that people decide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of

_SHEETS = {
    "links": "Accounts and the clients that are billed for them.",
    "products": "Products and their asset types in the PSA.",
    "configurations": "Named sets of products with the mode of their lines.",
    "rates": "Cost and price of products, from a day on.",
    "rules": "How counts become quantities: included, minimum, blocks.",
    "billing": "Accounts that are billed automatically, from when and until when.",
    "exclusions": "Units that are kept out of every count, each with the reason.",
}

Connection = Annotated[str, typer.Argument(help="Connection of the account.")]
Account = Annotated[str, typer.Argument(help="The vendor's id of the account.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        help="What people decide: links, asset types, rates, rules.",
        no_args_is_help=True,
    )
    group.command("refresh")(refresh)
    group.command("propose")(propose)
    group.command("link")(link)
    group.command("unlink")(unlink)
    group.command("unmapped")(unmapped)
    for name, words in _SHEETS.items():
        _add_sheet(group, name, words)
    from syncd.cli.commands_map_books import books

    group.command("books")(books)
    app.add_typer(group, name="map")


def refresh(context: typer.Context) -> None:
    """Read the PSA's clients, sites, asset types and suppliers."""
    from syncd.cli.map import refresh_lists
    from syncd.cli.output import run_async

    run_async(refresh_lists(cli_of(context)))


def propose(
    context: typer.Context,
    accept_ids: Annotated[
        bool, typer.Option("--accept-ids", help="Link what an id proves; names never.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write them as a file of links to review."),
    ] = None,
) -> None:
    """Show which clients unlinked accounts may belong to, and why."""
    from syncd.cli.map import propose_links
    from syncd.cli.output import run_async

    run_async(propose_links(cli_of(context), accept_ids=accept_ids, export=export))


def link(
    context: typer.Context,
    connection: Connection,
    account: Account,
    client: Annotated[str, typer.Argument(help="PSA client: its id, or a name that is unique.")],
    site: Annotated[str, typer.Option("--site", help="PSA site; else the main site.")] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Even if the account has another client.")
    ] = False,
) -> None:
    """Link one account to the client that is billed for it."""
    from syncd.cli.map import link_account
    from syncd.cli.output import run_async

    run_async(
        link_account(
            cli_of(context),
            connection=connection,
            account=account,
            client=client,
            site=site,
            replace=replace,
        )
    )


def unlink(context: typer.Context, connection: Connection, account: Account) -> None:
    """End the link of one account; its lines in the PSA stay."""
    from syncd.cli.map import unlink_account
    from syncd.cli.output import run_async

    run_async(unlink_account(cli_of(context), connection=connection, account=account))


def unmapped(context: typer.Context) -> None:
    """Show what is counted and cannot be billed yet."""
    from syncd.cli.map import show_unmapped
    from syncd.cli.output import run_async

    run_async(show_unmapped(cli_of(context)))


def _add_sheet(group: typer.Typer, name: str, words: str) -> None:
    @group.command(name, help=f"{words} Export to CSV, edit, import.")
    def sheet(
        context: typer.Context,
        export: Annotated[
            Path | None,
            typer.Option("--export", metavar="FILE", help="Write a CSV; - is the terminal."),
        ] = None,
        source: Annotated[
            Path | None,
            typer.Option("--import", metavar="FILE", help="Read a CSV; - is the standard input."),
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show what an import would change.")
        ] = False,
        prune: Annotated[
            bool,
            typer.Option("--prune", help="End what the file lacks, of connections it names."),
        ] = False,
        yes: Annotated[
            bool, typer.Option("--yes", help="Do not ask after the effect was shown.")
        ] = False,
        no_effect: Annotated[
            bool, typer.Option("--no-effect", help="Do not reckon what it does to bills.")
        ] = False,
    ) -> None:
        from syncd.cli.map_files import export_file, import_file
        from syncd.cli.output import run_async

        if (export is None) == (source is None):
            raise typer.BadParameter("give either --export FILE or --import FILE")
        if export is not None:
            if dry_run or prune or yes or no_effect:
                raise typer.BadParameter("options other than --export go with --import")
            run_async(export_file(cli_of(context), name, export))
        if source is not None:
            options = {"dry_run": dry_run, "prune": prune, "yes": yes, "reckons": not no_effect}
            run_async(import_file(cli_of(context), name, source, **options))
