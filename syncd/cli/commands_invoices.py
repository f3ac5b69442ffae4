"""`syncd invoices`: options and help of what is done with finished invoices beside posting them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of

Book = Annotated[str, typer.Argument(metavar="NAME", help="Connection of the book.")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Finished invoices on their way into the books.", no_args_is_help=True)
    group.command("read")(read)
    group.command("link")(link)
    group.command("list")(list_all)
    group.command("attest")(attest)
    from syncd.cli.commands_invoices_words import add_to as add_words
    from syncd.cli.invoices_after import add_to as add_what_follows

    add_words(group)
    add_what_follows(group)
    app.add_typer(group, name="invoices")


def read(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(help="Only this connection: the PSA, or a book.", show_default=False),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Every invoice, not only what changed since.")
    ] = False,
) -> None:
    """Read invoices of the PSA, and the catalogues of books."""
    from syncd.cli.invoices import read_all
    from syncd.cli.output import run_async

    raise typer.Exit(run_async(read_all(cli_of(context), name, whole=whole)))


def link(
    context: typer.Context,
    name: Book,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every row here as well.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, max=3660, help="How far back; else [invoices] history_days."),
    ] = None,
    no_read: Annotated[
        bool, typer.Option("--no-read", help="Take the stored invoices as they are.")
    ] = False,
) -> None:
    """Match documents that stand in a book to invoices; writes nothing to the book."""
    from syncd.cli.invoices_link import link as link_book
    from syncd.cli.output import run_async

    run_async(link_book(cli_of(context), name, read=not no_read, csv=csv, days=days))


def list_all(
    context: typer.Context,
    client: Annotated[
        str | None, typer.Option("--client", help="Only this client, by id or exact name.")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="Only this state, e.g. held.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Posted, linked and ignored ones too.")
    ] = False,
) -> None:
    """Show where each invoice stands, and why."""
    from syncd.cli.invoices import list_invoices, require_state
    from syncd.cli.output import run_async

    async def shown() -> None:
        await list_invoices(cli_of(context), client=client, state=require_state(state), every=every)

    run_async(shown())


def attest(
    context: typer.Context,
    name: Book,
    why: Annotated[
        str, typer.Option("--why", metavar="TEXT", help="How you know; kept for good.")
    ] = "",
    by: Annotated[
        str | None,
        typer.Option("--by", help="Who vouches; without it the login name.", metavar="NAME"),
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take that word back.")] = False,
) -> None:
    """Vouch that nobody else carries invoices into a book, where the PSA cannot rule it out."""
    from syncd.cli.invoices import vouch
    from syncd.cli.output import run_async

    run_async(vouch(cli_of(context), name, reason=why, by=by, withdraw=withdraw))
