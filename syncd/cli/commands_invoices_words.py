"""`syncd invoices release|settle|show`: options and help of a person's word on documents."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.context import cli_of

_WHY = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; kept for good.")]
_BY = Annotated[
    str | None, typer.Option("--by", help="Who decides; without it the login name.", metavar="NAME")
]


def add_to(group: typer.Typer) -> None:
    group.command("release")(release)
    group.command("settle")(settle)
    group.command("show")(show)


def release(
    context: typer.Context,
    plan: Annotated[str, typer.Argument(help="Id of the plan, or `latest`.")],
    rows: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ROW...",
            help="Numbers or keys; without them all that waits for approval alone.",
        ),
    ] = None,
    why: _WHY = "",
    by: _BY = None,
) -> None:
    """Let held documents be written, with a reason that is kept."""
    from syncd.cli.invoices_words import release as release_rows
    from syncd.cli.output import run_async

    run_async(release_rows(cli_of(context), plan, rows=rows or [], reason=why, by=by))


def settle(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(help="Number of the document, or the key that an issue names.")
    ],
    why: _WHY = "",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Close it as not written, without looking it up.")
    ] = False,
    adopt: Annotated[
        str, typer.Option("--adopt", metavar="REMOTE", help="It is this document of the books.")
    ] = "",
    by: _BY = None,
) -> None:
    """Look a document in doubt up once more, say which one it is, or give it up."""
    from syncd.cli.invoices_words import settle as settle_document
    from syncd.cli.output import run_async

    code = run_async(
        settle_document(cli_of(context), what, reason=why, give_up=give_up, adopt=adopt, by=by)
    )
    raise typer.Exit(code)


def show(
    context: typer.Context,
    invoice: Annotated[str, typer.Argument(help="Number, id in the PSA, or id in the books.")],
) -> None:
    """Explain one invoice: what the PSA shows, what was predicted, what stands, every try."""
    from syncd.cli.invoices_words import show as show_invoice
    from syncd.cli.output import run_async

    run_async(show_invoice(cli_of(context), invoice))
