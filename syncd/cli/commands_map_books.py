"""`syncd map books`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of


def books(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="Connection of the book; needed with two of them.", show_default=False),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Read the book's catalogues first.")
    ] = False,
    propose: Annotated[
        bool,
        typer.Option("--propose", help="Show, or with --export fill in, what fits and why."),
    ] = False,
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
        bool, typer.Option("--prune", help="End every mapping of the book that the file lacks.")
    ] = False,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="Why; kept with each mapping.")
    ] = "",
    by: Annotated[
        str | None,
        typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME"),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask after the effect was shown.")
    ] = False,
) -> None:
    """Contacts, items, accounts and taxes of a book. Export to CSV, edit, import."""
    from syncd.cli.map_books import export_book, import_book, show_book_mappings
    from syncd.cli.output import run_async

    if export is not None and source is not None:
        raise typer.BadParameter("give either --export FILE or --import FILE")
    if source is None and (dry_run or prune or yes or why or by):
        raise typer.BadParameter("--dry-run, --prune, --why, --by and --yes go with --import")
    cli = cli_of(context)
    if export is not None:
        run_async(export_book(cli, name, export, refresh=refresh, fill=propose))
    elif source is not None:
        if propose:
            raise typer.BadParameter("--propose goes with --export, or alone")
        run_async(
            import_book(
                cli,
                name,
                source,
                refresh=refresh,
                dry_run=dry_run,
                prune=prune,
                reason=why,
                by=by,
                yes=yes,
            )
        )
    else:
        run_async(show_book_mappings(cli, name, refresh=refresh, propose=propose))
