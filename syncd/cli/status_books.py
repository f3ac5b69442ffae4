"""What `syncd status` says of books: until when they are known, whether live, what is under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from syncd.cli.moments import moment, span
from syncd.cli.output import table
from syncd.core.service.invoice_reading import KIND
from syncd.core.store.connections import find_connection
from syncd.core.store.ledger_golive import linked_at, load_ledger_golive
from syncd.core.store.ledger_references import load_book, references_read_at
from syncd.core.store.linked_documents import count_states
from syncd.core.store.watermarks import watermark

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.bootstrap import App
    from syncd.cli.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class BookStanding:
    """How a book stands.

    Attributes:
        name: of its connection.
        organisation: for people, empty before it was read.
        live_from: first day whose invoices are written; None while it is only linked.
        linked_at: when the last finished linking pass began.
        read_at: when its catalogues were last read.
        invoices_until: invoices of the PSA that changed before this moment are known.
        documents: how many are in each state.
    """

    name: str
    organisation: str = ""
    live_from: date | None = None
    linked_at: datetime | None = None
    read_at: datetime | None = None
    invoices_until: datetime | None = None
    documents: dict[str, int] = field(default_factory=dict)


async def book_standings(app: App) -> list[BookStanding]:
    """Every configured book, read from the database alone."""
    if not app.settings.ledgers:
        return []
    async with app.database.reader() as conn:
        return [await _standing(conn, app, name) for name in app.settings.ledgers]


def show_books(output: Output, app: App, standings: Sequence[BookStanding], now: datetime) -> None:
    """The same as a table."""
    if not standings:
        return
    zone = app.settings.timezone

    def ago(at: datetime | None) -> str | None:
        return None if at is None else f"{moment(at, zone)} ({span(now - at)} ago)"

    output.say("")
    output.console.print(
        table(
            "book", "state", "invoices known until", "catalogues read", "documents",
            rows=[
                (
                    f"{one.name}: {one.organisation}" if one.organisation else one.name,
                    _state(one),
                    ago(one.invoices_until),
                    ago(one.read_at),
                    ", ".join(
                        f"{count:,} {state.replace('_', ' ')}"
                        for state, count in one.documents.items()
                    )
                    or None,
                )
                for one in standings
            ],
        )
    )  # fmt: skip


def _state(one: BookStanding) -> str:
    if one.live_from is not None:
        return f"live from {one.live_from}"
    return "only linked" if one.linked_at is not None else "not linked yet"


async def _standing(conn: AsyncConnection, app: App, name: str) -> BookStanding:
    psa = await find_connection(conn, app.settings.invoices.psa or "")
    ledger = await find_connection(conn, name)
    known = None if psa is None else await watermark(conn, psa.id, KIND)
    if psa is None or ledger is None:
        return BookStanding(name=name, invoices_until=known)
    book = await load_book(conn, ledger.id)
    word = await load_ledger_golive(conn, psa.id, ledger.id)
    live = word is not None and word.live and (book is None or book.key == word.book_key)
    return BookStanding(
        name=name,
        organisation="" if book is None else book.name,
        live_from=word.from_day if word is not None and live else None,
        linked_at=None if book is None else await linked_at(conn, ledger.id, book.key),
        read_at=await references_read_at(conn, ledger.id),
        invoices_until=known,
        documents=await count_states(conn, ledger.id),
    )
