"""What planning and posting need to know of stored invoices: which may go, and whether they moved.

Read in the transaction that acts upon it, so that an edit in the PSA is seen before a document is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_documents import NOT_STANDING
from syncd.core.store.ledger_golive import load_ledger_golive
from syncd.core.store.outbox import chunks
from syncd.core.store.tables import ConnectionRow
from syncd.core.store.tables.books import InvoiceRow, LedgerGoLive
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.invoice_records import PsaInvoice


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredInvoice:
    """An invoice as it was last read.

    Attributes:
        invoice: whole.
        digest: of what its document shows.
        read_at: when it was read.
        gone: the PSA does not know it any more.
    """

    invoice: PsaInvoice
    digest: str
    read_at: datetime
    gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GoLiveFact:
    """A person's word that a book is live.

    Attributes:
        book_key: the organisation it was said of.
        from_day: earlier invoices are never posted.
    """

    book_key: str
    from_day: date


async def unposted_invoices(
    conn: AsyncConnection, psa_id: int, ledger_id: int, *, in_no_book: bool = False
) -> list[StoredInvoice]:
    """Finished invoices without a document that may stand in this book, the oldest first.

    With `in_no_book` those that may stand in another one are left out as well.
    """
    here = () if in_no_book else (col(LedgerDocumentRow.ledger_connection_id) == ledger_id,)
    standing = (
        select(col(LedgerDocumentRow.id))
        .where(
            *here,
            col(LedgerDocumentRow.psa_connection_id) == col(InvoiceRow.psa_connection_id),
            col(LedgerDocumentRow.invoice_key) == col(InvoiceRow.key),
            col(LedgerDocumentRow.state).not_in([state.value for state in NOT_STANDING]),
        )
        .exists()
    )
    statement = (
        select(InvoiceRow)
        .where(
            col(InvoiceRow.psa_connection_id) == psa_id,
            col(InvoiceRow.finalised),
            col(InvoiceRow.voided).is_(False),
            col(InvoiceRow.gone_at).is_(None),
            ~standing,
        )
        .order_by(col(InvoiceRow.dated), col(InvoiceRow.number), col(InvoiceRow.key))
    )
    return [_stored(row) for row in await conn.execute(statement)]


async def invoices_of_keys(
    conn: AsyncConnection, psa_id: int, keys: Collection[str]
) -> dict[str, StoredInvoice]:
    """Invoices by the PSA's id."""
    found: dict[str, StoredInvoice] = {}
    for chunk in chunks(sorted(keys)):
        statement = select(InvoiceRow).where(
            col(InvoiceRow.psa_connection_id) == psa_id, col(InvoiceRow.key).in_(chunk)
        )
        found.update({row.key: _stored(row) for row in await conn.execute(statement)})
    return found


async def invoices_called(conn: AsyncConnection, psa_id: int, wanted: str) -> list[StoredInvoice]:
    """Invoices of this number or id."""
    statement = select(InvoiceRow).where(
        col(InvoiceRow.psa_connection_id) == psa_id,
        (col(InvoiceRow.number) == wanted) | (col(InvoiceRow.key) == wanted),
    )
    return [_stored(row) for row in await conn.execute(statement)]


async def client_names(conn: AsyncConnection, psa_id: int) -> dict[str, str]:
    """Names of clients as their invoices have them."""
    statement = (
        select(col(InvoiceRow.client_key), col(InvoiceRow.client_name))
        .where(col(InvoiceRow.psa_connection_id) == psa_id, col(InvoiceRow.client_name) != "")
        .distinct()
    )
    return {row.client_key: row.client_name for row in await conn.execute(statement)}


async def golive_of(conn: AsyncConnection, psa_id: int, ledger_id: int) -> GoLiveFact | None:
    """Whether a book is live; None while it is only linked."""
    word = await load_ledger_golive(conn, psa_id, ledger_id)
    if word is None or not word.live or word.from_day is None:
        return None
    return GoLiveFact(book_key=word.book_key, from_day=word.from_day)


async def live_books(conn: AsyncConnection, psa_id: int) -> set[tuple[str, str]]:
    """Books that invoices of a PSA are carried into: (name of the connection, organisation)."""
    statement = (
        select(col(ConnectionRow.name), col(LedgerGoLive.book_key))
        .join(ConnectionRow, col(ConnectionRow.id) == col(LedgerGoLive.ledger_connection_id))
        .where(
            col(LedgerGoLive.psa_connection_id) == psa_id,
            col(LedgerGoLive.live),
            col(LedgerGoLive.superseded_at).is_(None),
        )
    )
    return {(row.name, row.book_key) for row in await conn.execute(statement)}


def _stored(row: Any) -> StoredInvoice:
    return StoredInvoice(
        invoice=msgspec.json.decode(row.content, type=PsaInvoice),
        digest=row.digest,
        read_at=row.read_at,
        gone=row.gone_at is not None,
    )
