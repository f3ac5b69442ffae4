"""Which organisation a connection's decisions and documents belong to.

Ids of contacts, items, tax codes and documents mean something in one organisation only, so that
everything kept under a connection rests on the organisation that it was read from.
"""

from __future__ import annotations

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_references import load_book
from syncd.core.store.tables.books import LedgerGoLive, LedgerMapping
from syncd.core.store.tables.ledger import LedgerDocumentRow


async def bound_organisations(conn: AsyncConnection, connection_id: int) -> dict[str, str]:
    """Names of the organisations that something of a connection rests on, by their keys.

    Empty while nothing does: what was only read may be read of another one. A name is empty where
    another organisation was read since.
    """
    document, word = LedgerDocumentRow, LedgerGoLive
    statement = union(
        select(col(document.book_key))
        .where(col(document.ledger_connection_id) == connection_id)
        .distinct(),
        select(col(word.book_key)).where(
            col(word.ledger_connection_id) == connection_id,
            col(word.live),
            col(word.superseded_at).is_(None),
        ),
    )
    keys = set((await conn.execute(statement)).scalars())
    book = await load_book(conn, connection_id)
    if book is not None and await _mapped(conn, connection_id):
        keys.add(book.key)
    return {key: book.name if book is not None and book.key == key else "" for key in sorted(keys)}


async def _mapped(conn: AsyncConnection, connection_id: int) -> bool:
    statement = (
        select(col(LedgerMapping.id))
        .where(
            col(LedgerMapping.ledger_connection_id) == connection_id,
            col(LedgerMapping.superseded_at).is_(None),
        )
        .limit(1)
    )
    return (await conn.execute(statement)).scalars().first() is not None
