"""The PSA's invoices behind documents of ours, as far as a payment for them needs it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import msgspec
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.tables.books import InvoiceRow
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus

_GONE: Final = frozenset({EntryStatus.VOIDED.value, EntryStatus.DELETED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInvoice:
    """One of them.

    Attributes:
        document_id: ledger row.
        book_key: organisation of the document.
        invoice_key: the PSA's id.
        kind: invoice or credit note.
        number: as printed.
        client_name: for people.
        currency: of the document in the books.
        total: to be paid; where tax is left to the books, by the document as they keep it.
        stands: the PSA still has it, and not voided.
        settled: how much of the document is settled in the books, as it was last seen; None if
            they never told.
    """

    document_id: int
    book_key: str
    invoice_key: str
    kind: DocumentKind
    number: str
    client_name: str
    currency: str
    total: Decimal
    stands: bool
    settled: Decimal | None = None


async def paid_invoices(
    conn: AsyncConnection, psa_id: int, document_ids: Collection[int]
) -> dict[int, PaidInvoice]:
    """By ledger row; a document of another PSA is absent."""
    document, invoice = LedgerDocumentRow, InvoiceRow
    columns: list[Any] = [
        col(document.id),
        col(document.book_key),
        col(document.invoice_key),
        col(document.kind),
        col(document.number),
        col(document.currency),
        col(document.total),
        col(document.payload),
        col(document.seen),
        col(document.seen_status),
        col(document.seen_balance),
        col(invoice.content),
        col(invoice.client_name),
        col(invoice.total).label("invoice_total"),
        col(invoice.voided),
        col(invoice.gone_at),
    ]
    statement = (
        select(*columns)
        .select_from(document)
        .outerjoin(
            invoice,
            and_(
                col(invoice.psa_connection_id) == col(document.psa_connection_id),
                col(invoice.key) == col(document.invoice_key),
            ),
        )
        .where(
            col(document.psa_connection_id) == psa_id, col(document.id).in_(sorted(document_ids))
        )
    )
    return {
        row.id: PaidInvoice(
            document_id=row.id,
            book_key=row.book_key,
            invoice_key=row.invoice_key,
            kind=DocumentKind(row.kind),
            number=row.number,
            client_name=row.client_name or "",
            currency=row.currency,
            total=_total(row),
            stands=row.invoice_total is not None and not row.voided and row.gone_at is None,
            settled=_settled(row),
        )
        for row in await conn.execute(statement)
    }


class _Tax(msgspec.Struct):
    """Who computes tax, in what was sent and in the invoice."""

    delegated: bool = False
    delegated_tax: bool = False


class _Seen(msgspec.Struct):
    """What is to be paid, as the books showed it and it was accepted."""

    total: Decimal = Decimal(0)


def _total(row: Any) -> Decimal:
    """The PSA may show a net where tax is left to the books; the client pays what they ask for."""
    shown: Decimal = row.total if row.invoice_total is None else abs(row.invoice_total)
    sent = msgspec.json.decode(row.payload or "{}", type=_Tax)
    source = msgspec.json.decode(row.content or "{}", type=_Tax)
    if not (sent.delegated or source.delegated_tax):
        return shown
    return max(shown, msgspec.json.decode(row.seen or "{}", type=_Seen).total)


def _settled(row: Any) -> Decimal | None:
    if row.seen_status in _GONE:
        return Decimal(0)
    if row.seen_balance is None:
        return None
    settled: Decimal = msgspec.json.decode(row.seen or "{}", type=_Seen).total - row.seen_balance
    return settled
