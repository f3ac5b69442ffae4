"""Intended documents: how a row comes into the ledger, and the history of its tries.

A row is made once per document; one that was refused is intended anew in place, so that its key and
marker stay those under which it may be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_documents import DocumentItem, DocumentPayload, move_document
from syncd.core.store.states import DocumentState
from syncd.core.store.tables.ledger import LedgerAttempt, LedgerDocumentRow
from syncd.sdk.records import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A row to be made; meanings as in `DocumentItem`."""

    key: str
    psa_id: int
    ledger_id: int
    book_key: str
    plan_id: str | None
    invoice: str
    issue: int
    client: str
    payload: DocumentPayload
    digest: str
    source_digest: str


async def insert_document(conn: AsyncConnection, new: NewDocument, *, now: datetime) -> int:
    """Add a row in `pending`; returns its id.

    Raises:
        IntegrityError: a document that may stand exists for this invoice already.
    """
    statement = insert(LedgerDocumentRow).values(_row_values(new, now))
    row_id = (await conn.execute(statement.returning(col(LedgerDocumentRow.id)))).scalar_one()
    assert row_id is not None  # a stored row has an id
    return row_id


async def insert_documents(
    conn: AsyncConnection, new: Sequence[NewDocument], *, now: datetime
) -> None:
    """Add rows in `pending`, the first one first.

    Raises:
        IntegrityError: a document that may stand exists for one of these invoices already.
    """
    if new:
        await conn.execute(insert(LedgerDocumentRow), [_row_values(one, now) for one in new])


def _row_values(new: NewDocument, now: datetime) -> dict[str, Any]:
    return {
        "key": new.key,
        "psa_connection_id": new.psa_id,
        "ledger_connection_id": new.ledger_id,
        "book_key": new.book_key,
        "invoice_key": new.invoice,
        "issue": new.issue,
        "client_key": new.client,
        "created_at": now,
        **intent_values(new, generation=1, now=now),
    }


def intent_values(new: NewDocument, *, generation: int, now: datetime) -> dict[str, Any]:
    """Columns that say what shall be written, for a new row and for one that is tried anew."""
    document = new.payload.document
    return {
        "plan_id": new.plan_id,
        "kind": document.kind.value,
        "number": document.number,
        "marker": document.marker,
        "contact_key": document.contact,
        "currency": document.currency,
        "dated": document.dated.isoformat(),
        "due": None if document.due is None else document.due.isoformat(),
        "net": new.payload.totals.net,
        "tax": new.payload.totals.tax,
        "total": new.payload.totals.total,
        "payload": canonical_json(new.payload).decode(),
        "digest": new.digest,
        "source_digest": new.source_digest,
        "generation": generation,
        "state": DocumentState.PENDING.value,
        "attempts": 0,
        "available_at": now,
        "code": None,
        "detail": "",
    }


async def intend_again(
    conn: AsyncConnection, item: DocumentItem, new: NewDocument, *, now: datetime
) -> bool:
    """Intend a refused document anew, perhaps otherwise; False if it is not refused any more."""
    values = intent_values(new, generation=item.generation + 1, now=now)
    del values["state"]
    return await move_document(
        conn,
        item.id,
        expected=(DocumentState.REFUSED,),
        to=DocumentState.PENDING,
        **values,
        created_at=now,
        settled_at=None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTry:
    """One try to send or to look up a document or another write.

    Attributes:
        what: `send`, `find`, `recover` after a crash, or `decide` for a person's word.
        n: which sending.
        outcome: how it ended.
        started_at: UTC.
        finished_at: UTC.
        document_id: row of the document, or None.
        action_id: row of the other write, or None.
        request_id: the vendor's name for the exchange.
        detail: one sentence.
    """

    what: str
    n: int
    outcome: str
    started_at: datetime
    finished_at: datetime
    document_id: int | None = None
    action_id: int | None = None
    request_id: str | None = None
    detail: str = ""


async def record_tries(conn: AsyncConnection, tries: Sequence[LedgerTry]) -> None:
    """Append tries to the history."""
    rows = [
        {
            "document_id": one.document_id,
            "action_id": one.action_id,
            "n": one.n,
            "what": one.what,
            "started_at": one.started_at,
            "finished_at": one.finished_at,
            "outcome": one.outcome,
            "request_id": one.request_id or None,
            "detail": one.detail,
        }
        for one in tries
    ]
    if rows:
        await conn.execute(insert(LedgerAttempt), rows)


async def tries_of(
    conn: AsyncConnection, *, document_id: int | None = None, action_id: int | None = None
) -> list[LedgerTry]:
    """The history of a document or of another write, the oldest try first."""
    statement = select(LedgerAttempt).order_by(col(LedgerAttempt.id))
    if document_id is not None:
        statement = statement.where(col(LedgerAttempt.document_id) == document_id)
    if action_id is not None:
        statement = statement.where(col(LedgerAttempt.action_id) == action_id)
    return [
        LedgerTry(
            what=row.what,
            n=row.n,
            outcome=row.outcome,
            started_at=row.started_at,
            finished_at=row.finished_at,
            document_id=row.document_id,
            action_id=row.action_id,
            request_id=row.request_id,
            detail=row.detail,
        )
        for row in await conn.execute(statement)
    ]
