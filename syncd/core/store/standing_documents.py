"""Documents of ours that stand in the books, as they were confirmed and as they were last seen.

They are found by the books' id; what nobody of ours wrote or linked has no row and is no matter of
ours.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry

CONFIRMED: Final = "confirmed"
LINKED: Final = "linked"
DRIFTED: Final = "drifted"
VOIDED: Final = "voided"

STANDING: Final = (CONFIRMED, LINKED, DRIFTED)
"""States of a document that has a place in the books."""

_Row = LedgerDocumentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingDocument:
    """One document.

    Attributes:
        id: row id.
        key: of the ledger row.
        psa_connection_id: whose invoice it is.
        book_key: organisation it stands in.
        invoice_key: the PSA's id.
        kind: invoice or credit note.
        issue: counts reissues.
        number: in the books, as it was confirmed.
        marker: ours.
        client_key: PSA client.
        contact_key: the books' contact.
        currency: ISO code.
        dated: of the document.
        due: None where it has none.
        net: as it was sent.
        tax: likewise.
        total: likewise.
        payload: JSON of what was sent, `{}` for one that was linked.
        source_digest: digest of the PSA invoice that it was made from.
        state: one of `STANDING`.
        ours: we wrote it; False for one that was there before us.
        remote: the books' id.
        confirmed: as it was confirmed or last accepted; None where nothing was kept.
        seen_status: where it stood when it was last seen.
        seen_balance: what was left to be paid then, None if unknown.
        seen_at: when that was.
        code: why it is drifted, or None.
        detail: one sentence.
        created_at: when the row was made.
    """

    id: int
    key: str
    psa_connection_id: int
    book_key: str
    invoice_key: str
    kind: DocumentKind
    issue: int
    number: str
    marker: str
    client_key: str
    contact_key: str
    currency: str
    dated: date
    due: date | None
    net: Decimal
    tax: Decimal
    total: Decimal
    payload: str
    source_digest: str
    state: str
    ours: bool
    remote: str
    confirmed: LedgerEntry | None
    seen_status: str
    seen_balance: Decimal | None
    seen_at: datetime | None
    code: str | None
    detail: str
    created_at: datetime

    @property
    def title(self) -> str:
        return f"{'credit note' if self.kind is DocumentKind.CREDIT else 'invoice'} {self.number}"


async def standing_remotes(conn: AsyncConnection, ledger_id: int, book_key: str) -> frozenset[str]:
    """The books' ids of every document of ours that stands."""
    statement = select(col(_Row.remote)).where(*_stands(ledger_id, book_key))
    return frozenset(one for one in (await conn.execute(statement)).scalars() if one)


async def standing_markers(conn: AsyncConnection, ledger_id: int, book_key: str) -> dict[str, str]:
    """Our markers -> the books' id of the document that bears it."""
    statement = select(col(_Row.marker), col(_Row.remote)).where(*_stands(ledger_id, book_key))
    return {row.marker: row.remote for row in await conn.execute(statement)}


async def standing_documents(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str | None = None,
    *,
    remotes: Collection[str] | None = None,
    number: str | None = None,
) -> list[StandingDocument]:
    """Documents of ours in a book; None is every book of the connection."""
    conditions = _stands(ledger_id, book_key)
    if remotes is not None:
        conditions.append(col(_Row.remote).in_(sorted(remotes)))
    if number is not None:
        conditions.append(col(_Row.number) == number)
    return await _documents(conn, select(_Row).where(*conditions).order_by(col(_Row.id)))


async def long_unseen(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str,
    *,
    before: datetime,
    dated_from: date,
    most: int,
) -> list[StandingDocument]:
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


async def oldest_document(conn: AsyncConnection, ledger_id: int, book_key: str) -> datetime | None:
    """When the first document of ours in a book was made known; None where there is none."""
    statement = select(func.min(col(_Row.created_at))).where(*_stands(ledger_id, book_key))
    found: datetime | None = (await conn.execute(statement)).scalar_one()
    return found


async def see_document(
    conn: AsyncConnection,
    document: StandingDocument,
    now: LedgerEntry | None,
    *,
    at: datetime,
    state: str,
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
        state: one of `STANDING`, or `VOIDED`.
        code: why it is drifted, None where it is not.
        detail: one sentence.
        confirm: what was seen is what is confirmed from now on.
    """
    values: dict[str, Any] = {"state": state, "code": code, "detail": detail, "seen_at": at}
    values["seen_status"] = "deleted" if now is None else now.status.value
    values["seen_balance"] = Decimal(0) if now is None else now.balance
    if confirm and now is not None:
        values["seen"] = msgspec.json.encode(now, order="sorted").decode()
    statement = (
        update(_Row)
        .where(col(_Row.id) == document.id, col(_Row.state) == document.state)
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
        col(_Row.state).in_(STANDING),
        col(_Row.remote).is_not(None),
    ]
    if book_key is not None:
        conditions.append(col(_Row.book_key) == book_key)
    return conditions


async def _documents(conn: AsyncConnection, statement: Select[Any]) -> list[StandingDocument]:
    return [_document(row) for row in (await conn.execute(statement)).all()]


def _document(row: Any) -> StandingDocument:
    return StandingDocument(
        id=row.id,
        key=row.key,
        psa_connection_id=row.psa_connection_id,
        book_key=row.book_key,
        invoice_key=row.invoice_key,
        kind=DocumentKind(row.kind),
        issue=row.issue,
        number=row.number,
        marker=row.marker,
        client_key=row.client_key,
        contact_key=row.contact_key,
        currency=row.currency,
        dated=date.fromisoformat(row.dated),
        due=None if row.due is None else date.fromisoformat(row.due),
        net=row.net,
        tax=row.tax,
        total=row.total,
        payload=row.payload,
        source_digest=row.source_digest,
        state=row.state,
        ours=row.plan_id is not None,
        remote=row.remote,
        confirmed=None if row.seen in ("", "{}") else _entry(row.seen),
        seen_status=row.seen_status,
        seen_balance=row.seen_balance,
        seen_at=row.seen_at,
        code=row.code,
        detail=row.detail,
        created_at=row.created_at,
    )


def _entry(text: str) -> LedgerEntry:
    return msgspec.json.decode(text, type=LedgerEntry)
