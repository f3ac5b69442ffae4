"""Documents of ours that stand in the books, as they were confirmed and as they were last seen.

They are found by the books' id; what nobody of ours wrote or linked has no row and is no matter of
ours.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_documents import NOT_STANDING, DocumentItem, item_of, seen_values
from syncd.core.store.states import DocumentState
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry

STANDING: Final = (DocumentState.CONFIRMED, DocumentState.LINKED, DocumentState.DRIFTED)
"""States of a document that has a place in the books."""

_Row = LedgerDocumentRow


async def standing_remotes(conn: AsyncConnection, ledger_id: int, book_key: str) -> frozenset[str]:
    """The books' ids of every document of ours that stands."""
    statement = select(col(_Row.remote)).where(*_stands(ledger_id, book_key))
    return frozenset(one for one in (await conn.execute(statement)).scalars() if one)


async def standing_markers(conn: AsyncConnection, ledger_id: int, book_key: str) -> dict[str, str]:
    """Our markers -> the books' id of the document that bears it."""
    statement = select(col(_Row.marker), col(_Row.remote)).where(*_stands(ledger_id, book_key))
    return {row.marker: row.remote for row in await conn.execute(statement)}


async def our_contacts(conn: AsyncConnection, ledger_id: int, book_key: str) -> frozenset[str]:
    """The books' ids of the contacts that have documents of ours."""
    statement = select(col(_Row.contact_key)).where(*_stands(ledger_id, book_key)).distinct()
    return frozenset((await conn.execute(statement)).scalars())


async def standing_documents(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str | None = None,
    *,
    remotes: Collection[str] | None = None,
    number: str | None = None,
) -> list[DocumentItem]:
    """Documents of ours in a book; None is every book of the connection."""
    conditions = _stands(ledger_id, book_key)
    if remotes is not None:
        conditions.append(col(_Row.remote).in_(sorted(remotes)))
    if number is not None:
        conditions.append(col(_Row.number) == number)
    return await _documents(conn, select(_Row).where(*conditions).order_by(col(_Row.id)))


async def numbers_of(conn: AsyncConnection, ids: Collection[int]) -> dict[int, str]:
    """Numbers of ledger rows, whatever their state."""
    statement = select(col(_Row.id), col(_Row.number)).where(col(_Row.id).in_(sorted(ids)))
    return {row.id: row.number for row in await conn.execute(statement)}


async def long_unseen(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str,
    *,
    before: datetime,
    dated_from: date,
    most: int,
) -> list[DocumentItem]:
    """Documents that were not seen since a moment, those not seen for longest first."""
    seen = func.coalesce(col(_Row.seen_at), col(_Row.created_at))
    statement = (
        select(_Row)
        .where(
            *_stands(ledger_id, book_key),
            seen < before,
            col(_Row.dated) >= dated_from.isoformat(),
        )
        .order_by(seen, col(_Row.id))
        .limit(most)
    )
    return await _documents(conn, statement)


async def last_seen(
    conn: AsyncConnection, ledger_id: int, book_key: str, *, but: Collection[str], most: int
) -> list[DocumentItem]:
    """Documents that were there when they were last seen, those seen last first."""
    gone = [EntryStatus.VOIDED.value, EntryStatus.DELETED.value]
    statement = (
        select(_Row)
        .where(
            *_stands(ledger_id, book_key),
            col(_Row.seen_status).not_in(gone),
            col(_Row.remote).not_in(sorted(but)),
        )
        .order_by(col(_Row.seen_at).desc(), col(_Row.id).desc())
        .limit(most)
    )
    return await _documents(conn, statement)


async def others_called(
    conn: AsyncConnection, document: DocumentItem, remote: str, marker: str
) -> list[DocumentItem]:
    """Other rows of the book that are a document of this id, or bear this mark, if any."""
    named = col(_Row.remote) == remote
    statement = (
        select(_Row)
        .where(
            col(_Row.ledger_connection_id) == document.ledger_id,
            col(_Row.book_key) == document.book_key,
            col(_Row.id) != document.id,
            col(_Row.state).not_in([state.value for state in NOT_STANDING]),
            (named | (col(_Row.marker) == marker)) if marker else named,
        )
        .order_by(col(_Row.id))
    )
    return await _documents(conn, statement)


async def oldest_document(conn: AsyncConnection, ledger_id: int, book_key: str) -> datetime | None:
    """When the first document of ours in a book was made known; None where there is none."""
    statement = select(func.min(col(_Row.created_at))).where(*_stands(ledger_id, book_key))
    found: datetime | None = (await conn.execute(statement)).scalar_one()
    return found


async def see_document(
    conn: AsyncConnection,
    document: DocumentItem,
    now: LedgerEntry | None,
    *,
    at: datetime,
    state: DocumentState,
    code: str | None,
    detail: str,
    confirm: bool,
) -> bool:
    """Keep what was seen of a document; False if somebody moved its row meanwhile.

    Args:
        conn: of a writer.
        document: as it was read.
        now: as the books hold it, None for one that is gone.
        at: UTC.
        state: where it goes.
        code: why it is drifted, None where it is not.
        detail: one sentence.
        confirm: what was seen is what is confirmed from now on.
    """
    values: dict[str, Any] = {"state": state.value, "code": code, "detail": detail, "seen_at": at}
    if now is None:
        values |= {"seen_status": EntryStatus.DELETED.value, "seen_balance": Decimal(0)}
    else:
        values |= seen_values(now, at)
        if not confirm:
            del values["seen"]
    statement = (
        update(_Row)
        .where(col(_Row.id) == document.id, col(_Row.state) == document.state.value)
        .values(**values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def take_source(conn: AsyncConnection, document_id: int, digest: str) -> None:
    """A person said that the document stays as it is, whatever the PSA shows now."""
    statement = update(_Row).where(col(_Row.id) == document_id).values(source_digest=digest)
    await conn.execute(statement)


def _stands(ledger_id: int, book_key: str | None) -> list[Any]:
    conditions = [
        col(_Row.ledger_connection_id) == ledger_id,
        col(_Row.state).in_([state.value for state in STANDING]),
        col(_Row.remote).is_not(None),
    ]
    if book_key is not None:
        conditions.append(col(_Row.book_key) == book_key)
    return conditions


async def _documents(conn: AsyncConnection, statement: Select[Any]) -> list[DocumentItem]:
    return [item_of(row) for row in (await conn.execute(statement)).all()]
