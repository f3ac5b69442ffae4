"""`syncd invoices outstanding|payments|drift`: options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.context import cli_of

Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; kept for good.")]
By = Annotated[
    str | None, typer.Option("--by", help="Who says so; else the login name.", metavar="NAME")
]
Book = Annotated[
    str | None, typer.Option("--in", metavar="NAME", help="Only this book.", show_default=False)
]


def add_to(group: typer.Typer) -> None:
    """Add these commands to `syncd invoices`."""
    group.command("outstanding")(outstanding)
    group.command("payments")(payments)
    group.command("drift")(drift)


def outstanding(
    context: typer.Context,
    client: Annotated[
        str | None, typer.Argument(help="Only this client, by id or name.", show_default=False)
    ] = None,
    book: Book = None,
    documents: Annotated[bool, typer.Option("--documents", help="Each document.")] = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
    ] = None,
) -> None:
    """What clients owe by the books, how late it is, and the days that money takes."""
    from syncd.cli.invoice_reports import show_outstanding
    from syncd.cli.output import run_async

    run_async(show_outstanding(cli_of(context), client, book=book, documents=documents, csv=csv))


def payments(
    context: typer.Context,
    book: Book = None,
    held: Annotated[bool, typer.Option("--held", help="Only those that wait for you.")] = False,
    record: Annotated[
        int | None,
        typer.Option("--record", metavar="ID", help="It is none that the PSA has: record it."),
    ] = None,
    dismiss: Annotated[
        int | None, typer.Option("--dismiss", metavar="ID", help="Leave the PSA as it is.")
    ] = None,
    why: Why = "",
    by: By = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the rows as CSV.")
    ] = None,
) -> None:
    """Payments of the books and what became of them in the PSA; or answer one that waits."""
    from syncd.cli.invoice_reports import answer, show_payments
    from syncd.cli.output import run_async
    from syncd.sdk.errors import ConfigError

    if record is not None and dismiss is not None:
        message = "a payment is recorded or dismissed, not both"
        raise ConfigError(message, remedy="give one of --record and --dismiss")
    part = record if record is not None else dismiss
    if part is None:
        run_async(show_payments(cli_of(context), book=book, held=held, csv=csv))
    else:
        said = answer(cli_of(context), part, book=book, record=record is not None, why=why, by=by)
        run_async(said)


def drift(
    context: typer.Context,
    book: Book = None,
    keep: Annotated[
        str | None,
        typer.Option("--keep", metavar="NUMBER", help="It stays as it is in the books."),
    ] = None,
    again: Annotated[
        str | None,
        typer.Option("--again", metavar="NUMBER", help="It is gone there: plan it anew."),
    ] = None,
    void: Annotated[
        str | None,
        typer.Option("--void", metavar="NUMBER", help="The PSA moved: void it, and reissue."),
    ] = None,
    credit: Annotated[
        str | None,
        typer.Option("--credit", metavar="NUMBER", help="The PSA moved: write a credit note."),
    ] = None,
    why: Why = "",
    by: By = None,
) -> None:
    """What moved after it was posted, in the books or in the PSA; or say what follows."""
    from syncd.cli.invoice_drift import say, show_drift
    from syncd.cli.output import run_async
    from syncd.sdk.errors import ConfigError

    given = {"keep": keep, "again": again, "void": void, "credit": credit}
    chosen = [(word, number) for word, number in given.items() if number is not None]
    if len(chosen) > 1:
        message = "one document and one word at a time"
        raise ConfigError(message, remedy="give one of --keep, --again, --void and --credit")
    if not chosen:
        run_async(show_drift(cli_of(context), book=book))
        return
    word, number = chosen[0]
    run_async(say(cli_of(context), word, number, book=book, why=why, by=by))
