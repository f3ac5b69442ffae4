"""Ledger rows of documents that were there before us: found, kept, and never written again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.invoicing.identity import ledger_key, marker_of
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.ledger_documents import NOT_STANDING
from syncd.core.store.outbox import chunks
from syncd.core.store.states import DocumentState
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry

_Row = LedgerDocumentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedDocument:
    """A document that is an invoice's.

    Attributes:
        invoice: the PSA's id.
        client: PSA client.
        source_digest: of what the invoice shows.
        entry: the document as it was found.
        code: what is not equal, or None.
        detail: in words.
    """

    invoice: str
    client: str
    source_digest: str
    entry: LedgerEntry
    code: str | None = None
    detail: str = ""


async def link_documents(
    conn: AsyncConnection,
    psa: ConnectionRef,
    ledger: ConnectionRef,
    book_key: str,
    documents: Sequence[LinkedDocument],
    *,
    now: datetime,
) -> int:
    """Keep rows of state `linked`; how many were new.

    An invoice that has a document by now is left alone.
    """
    keys = [one.invoice for one in documents]
    issues, standing = await _rows_of(conn, psa.id, ledger.id, book_key, keys)
    rows: list[dict[str, Any]] = []
    for one in documents:
        which = one.invoice, one.entry.kind
        if which in standing:
            continue
        standing.add(which)
        issue = issues.get(which, 0) + 1
        rows.append(_values(psa, ledger, book_key, one, issue, now))
    if rows:
        await conn.execute(insert(_Row), rows)
    return len(rows)


async def settle_linked(
    conn: AsyncConnection, row_id: int, entry: LedgerEntry, source_digest: str, *, now: datetime
) -> None:
    """Take a linked document as it is now: it says what its invoice says."""
    statement = (
        update(_Row)
        .where(col(_Row.id) == row_id, col(_Row.state) == DocumentState.LINKED.value)
        .values(
            net=entry.net,
            tax=entry.tax,
            total=entry.total,
            source_digest=source_digest,
            seen=msgspec.json.encode(entry, order="deterministic").decode(),
            seen_status=entry.status.value,
            seen_balance=entry.balance,
            seen_at=now,
            code=None,
            detail="",
        )
    )
    await conn.execute(statement)


async def invoices_with_documents(
    conn: AsyncConnection, psa_id: int, ledger_id: int, book_key: str
) -> set[str]:
    """PSA ids of invoices of which a document may stand in the organisation."""
    statement = select(col(_Row.invoice_key)).where(
        col(_Row.psa_connection_id) == psa_id,
        col(_Row.ledger_connection_id) == ledger_id,
        col(_Row.book_key) == book_key,
        col(_Row.state).not_in([state.value for state in NOT_STANDING]),
    )
    return set((await conn.execute(statement)).scalars())


async def document_states(
    conn: AsyncConnection, psa_id: int
) -> dict[str, tuple[str, int, str, str | None]]:
    """By PSA invoice: state, connection of the book, number there and code of the newest row."""
    statement = (
        select(
            col(_Row.invoice_key),
            col(_Row.state),
            col(_Row.ledger_connection_id),
            col(_Row.number),
            col(_Row.code),
        )
        .where(col(_Row.psa_connection_id) == psa_id)
        .order_by(col(_Row.id))
    )
    return {
        row.invoice_key: (row.state, row.ledger_connection_id, row.number, row.code)
        for row in await conn.execute(statement)
    }


async def count_states(conn: AsyncConnection, ledger_id: int) -> dict[str, int]:
    """How many documents of a book are in each state."""
    statement = (
        select(col(_Row.state), func.count())
        .where(col(_Row.ledger_connection_id) == ledger_id)
        .group_by(col(_Row.state))
        .order_by(col(_Row.state))
    )
    return {row[0]: row[1] for row in await conn.execute(statement)}


async def _rows_of(
    conn: AsyncConnection, psa_id: int, ledger_id: int, book_key: str, keys: Collection[str]
) -> tuple[dict[tuple[str, DocumentKind], int], set[tuple[str, DocumentKind]]]:
    """The highest issue of each invoice, and those of which a document may stand."""
    issues: dict[tuple[str, DocumentKind], int] = {}
    standing: set[tuple[str, DocumentKind]] = set()
    for chunk in chunks(sorted(keys)):
        statement = select(
            col(_Row.invoice_key), col(_Row.kind), col(_Row.issue), col(_Row.state)
        ).where(
            col(_Row.psa_connection_id) == psa_id,
            col(_Row.ledger_connection_id) == ledger_id,
            col(_Row.book_key) == book_key,
            col(_Row.invoice_key).in_(chunk),
        )
        for row in await conn.execute(statement):
            which = row.invoice_key, DocumentKind(row.kind)
            issues[which] = max(issues.get(which, 0), row.issue)
            if DocumentState(row.state) not in NOT_STANDING:
                standing.add(which)
    return issues, standing


def _values(
    psa: ConnectionRef,
    ledger: ConnectionRef,
    book_key: str,
    one: LinkedDocument,
    issue: int,
    now: datetime,
) -> dict[str, Any]:
    entry = one.entry
    key = ledger_key(
        ledger_uid=ledger.uid,
        book_key=book_key,
        psa_uid=psa.uid,
        invoice=one.invoice,
        kind=entry.kind,
        issue=issue,
    )
    return {
        "key": key,
        "psa_connection_id": psa.id,
        "ledger_connection_id": ledger.id,
        "book_key": book_key,
        "invoice_key": one.invoice,
        "kind": entry.kind.value,
        "issue": issue,
        "number": entry.number,
        "marker": marker_of(key),
        "client_key": one.client,
        "contact_key": entry.contact,
        "currency": entry.currency,
        "dated": entry.dated.isoformat(),
        "due": None if entry.due is None else entry.due.isoformat(),
        "net": entry.net,
        "tax": entry.tax,
        "total": entry.total,
        "payload": "{}",
        "digest": "",
        "source_digest": one.source_digest,
        "generation": 1,
        "state": DocumentState.LINKED.value,
        "remote": entry.remote,
        "seen": msgspec.json.encode(entry, order="deterministic").decode(),
        "seen_status": entry.status.value,
        "seen_balance": entry.balance,
        "seen_at": now,
        "attempts": 0,
        "available_at": now,
        "code": one.code,
        "detail": one.detail,
        "created_at": now,
        "settled_at": now,
    }
