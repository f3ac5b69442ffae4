"""The ledger of documents: what we wrote, or found, in which book for which invoice.

Every change of state names the state it expects. An index of the database allows one row per
invoice and book that may stand, so that no race can write a second document.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.states import DocumentState
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry, Totals
from syncd.sdk.ledger_writes import LedgerDocument
from syncd.sdk.records import canonical_json

NOT_STANDING: Final = (DocumentState.REFUSED, DocumentState.VOIDED)
WAITING: Final = (DocumentState.PENDING, DocumentState.SENDING, DocumentState.UNKNOWN)


class DocumentPayload(msgspec.Struct, frozen=True, kw_only=True):
    """What shall be written, and what its end is judged by.

    Attributes:
        document: as it is sent.
        totals: its prediction.
        client_name: for people.
        source_total: what the client's document shows.
        delegated: the books compute the tax.
        replaces: row id of the document that it credits, or None.
    """

    document: LedgerDocument
    totals: Totals
    client_name: str = ""
    source_total: Decimal = Decimal(0)
    delegated: bool = False
    replaces: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentItem:
    """One ledger row as it stands.

    Attributes:
        id: row id; ascending in the order of posting.
        key: our key, also the outcome's.
        psa_id: connection of the PSA.
        ledger_id: connection of the book.
        book_key: the organisation.
        plan_id: the plan that intended it, None for a linked one.
        invoice: the PSA's id.
        kind: invoice or credit note.
        issue: which document of the invoice it is.
        number: of the document.
        marker: ours.
        client: PSA client.
        contact: of the book.
        currency: ISO code.
        dated: of the document.
        due: likewise, or None.
        net: predicted, or as found for a linked one.
        tax: likewise.
        total: likewise.
        payload: None for a linked one.
        digest: of the document.
        source_digest: of the invoice when it was planned or linked.
        generation: grows when a look-up proved that it had not arrived.
        state: where it stands.
        remote: the books' id.
        seen: the document as it was last seen and accepted, or None.
        seen_at: when.
        attempts: how often it was sent.
        available_at: not touched before.
        code: why it stands where it stands, or None.
        detail: one sentence.
        created_at: when it was queued.
        sent_at: start of the last sending.
        settled_at: when it ended, or None.
        seen_status: how it stood when it was last seen, accepted or not; empty before.
        seen_balance: what was open of it then, or None.
    """

    id: int
    key: str
    psa_id: int
    ledger_id: int
    book_key: str
    plan_id: str | None
    invoice: str
    kind: DocumentKind
    issue: int
    number: str
    marker: str
    client: str
    contact: str
    currency: str
    dated: date
    due: date | None
    net: Decimal
    tax: Decimal
    total: Decimal
    payload: DocumentPayload | None
    digest: str
    source_digest: str
    generation: int
    state: DocumentState
    remote: str | None
    seen: LedgerEntry | None
    seen_at: datetime | None
    attempts: int
    available_at: datetime
    code: str | None
    detail: str
    created_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    seen_status: str = ""
    seen_balance: Decimal | None = None

    @property
    def client_name(self) -> str:
        return self.payload.client_name if self.payload is not None else self.client


async def document_of_id(conn: AsyncConnection, row_id: int) -> DocumentItem | None:
    """One row, or None."""
    found = await _rows(conn, col(LedgerDocumentRow.id) == row_id)
    return found[0] if found else None


async def document_of_key(conn: AsyncConnection, key: str) -> DocumentItem | None:
    """One row, or None."""
    found = await _rows(conn, col(LedgerDocumentRow.key) == key)
    return found[0] if found else None


async def documents_of_invoices(
    conn: AsyncConnection, psa_id: int, invoices: Collection[str], *, ledger_id: int | None = None
) -> dict[str, list[DocumentItem]]:
    """Every row of these invoices, the oldest first, by the PSA's id."""
    found: dict[str, list[DocumentItem]] = {}
    for chunk in chunks(sorted(invoices)):
        conditions = [
            col(LedgerDocumentRow.psa_connection_id) == psa_id,
            col(LedgerDocumentRow.invoice_key).in_(chunk),
        ]
        if ledger_id is not None:
            conditions.append(col(LedgerDocumentRow.ledger_connection_id) == ledger_id)
        for item in await _rows(conn, *conditions):
            found.setdefault(item.invoice, []).append(item)
    return found


async def documents_of_plan(conn: AsyncConnection, plan_id: str) -> list[DocumentItem]:
    """Rows that a plan intended."""
    return await _rows(conn, col(LedgerDocumentRow.plan_id) == plan_id)


async def find_documents_by(conn: AsyncConnection, wanted: str) -> list[DocumentItem]:
    """Rows whose number, key, remote or invoice is exactly this text."""
    table = LedgerDocumentRow
    names = (table.number, table.key, table.remote, table.invoice_key)
    either = col(names[0]) == wanted
    for name in names[1:]:
        either = either | (col(name) == wanted)
    return await _rows(conn, either)


async def documents_in(
    conn: AsyncConnection,
    ledger_id: int,
    states: Collection[DocumentState],
    *,
    due: datetime | None = None,
    limit: int | None = None,
    book_key: str | None = None,
) -> list[DocumentItem]:
    """Rows of a book in these states; with `due` only those that may be touched then.

    With `book_key` only those of that organisation.
    """
    conditions = [
        col(LedgerDocumentRow.ledger_connection_id) == ledger_id,
        col(LedgerDocumentRow.state).in_([state.value for state in states]),
    ]
    if due is not None:
        conditions.append(col(LedgerDocumentRow.available_at) <= due)
    if book_key is not None:
        conditions.append(col(LedgerDocumentRow.book_key) == book_key)
    return await _rows(conn, *conditions, limit=limit)


async def documents_of_numbers(
    conn: AsyncConnection,
    ledger_id: int,
    numbers: Collection[str],
    states: Collection[DocumentState],
) -> list[DocumentItem]:
    """Rows of a book that have one of these numbers and states."""
    found = []
    for chunk in chunks(sorted(numbers)):
        found += await _rows(
            conn,
            col(LedgerDocumentRow.ledger_connection_id) == ledger_id,
            col(LedgerDocumentRow.number).in_(chunk),
            col(LedgerDocumentRow.state).in_([state.value for state in states]),
        )
    return found


async def documents_waiting(
    conn: AsyncConnection,
    ledger_id: int,
    *,
    book_key: str | None = None,
    states: Collection[DocumentState] = WAITING,
) -> tuple[int, datetime | None]:
    """How many rows are still to be sent or looked up, and when the next may be touched."""
    statement = select(func.count(), func.min(col(LedgerDocumentRow.available_at))).where(
        col(LedgerDocumentRow.ledger_connection_id) == ledger_id,
        col(LedgerDocumentRow.state).in_([state.value for state in states]),
    )
    if book_key is not None:
        statement = statement.where(col(LedgerDocumentRow.book_key) == book_key)
    count, due = (await conn.execute(statement)).one()
    return count, due


async def move_document(
    conn: AsyncConnection,
    row_id: int,
    *,
    expected: Sequence[DocumentState],
    to: DocumentState,
    **values: Any,
) -> bool:
    """Change the state if it is still an expected one; False when somebody else moved it."""
    statement = (
        update(LedgerDocumentRow)
        .where(
            col(LedgerDocumentRow.id) == row_id,
            col(LedgerDocumentRow.state).in_([state.value for state in expected]),
        )
        .values(state=to.value, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


def seen_values(entry: LedgerEntry, now: datetime) -> dict[str, Any]:
    """Columns that keep a document as the books show it."""
    return {
        "remote": entry.remote,
        "seen": canonical_json(entry).decode(),
        "seen_status": entry.status.value,
        "seen_balance": entry.balance,
        "seen_at": now,
    }


async def _rows(
    conn: AsyncConnection, *conditions: Any, limit: int | None = None
) -> list[DocumentItem]:
    statement = select(LedgerDocumentRow).where(*conditions).order_by(col(LedgerDocumentRow.id))
    if limit is not None:
        statement = statement.limit(limit)
    return [item_of(row) for row in await conn.execute(statement)]


def item_of(row: Any) -> DocumentItem:
    """A row of the table as a value."""
    written = row.payload not in {"", "{}"}
    seen = row.seen not in {"", "{}"}
    return DocumentItem(
        id=row.id,
        key=row.key,
        psa_id=row.psa_connection_id,
        ledger_id=row.ledger_connection_id,
        book_key=row.book_key,
        plan_id=row.plan_id,
        invoice=row.invoice_key,
        kind=DocumentKind(row.kind),
        issue=row.issue,
        number=row.number,
        marker=row.marker,
        client=row.client_key,
        contact=row.contact_key,
        currency=row.currency,
        dated=date.fromisoformat(row.dated),
        due=None if row.due is None else date.fromisoformat(row.due),
        net=row.net,
        tax=row.tax,
        total=row.total,
        payload=msgspec.json.decode(row.payload, type=DocumentPayload) if written else None,
        digest=row.digest,
        source_digest=row.source_digest,
        generation=row.generation,
        state=DocumentState(row.state),
        remote=row.remote,
        seen=msgspec.json.decode(row.seen, type=LedgerEntry) if seen else None,
        seen_at=row.seen_at,
        attempts=row.attempts,
        available_at=row.available_at,
        code=row.code,
        detail=row.detail,
        created_at=row.created_at,
        sent_at=row.sent_at,
        settled_at=row.settled_at,
        seen_status=row.seen_status,
        seen_balance=row.seen_balance,
    )
