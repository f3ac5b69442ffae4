"""What documents of ours still have to be paid, as the books showed it when they were last seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.standing_documents import STANDING
from syncd.core.store.tables.books import InvoiceRow
from syncd.core.store.tables.ledger import LedgerDocumentRow
from syncd.sdk.invoice_records import DocumentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BookBalance:
    """One document.

    Attributes:
        number: of it.
        kind: invoice or credit note.
        client: PSA client.
        client_name: for people.
        currency: ISO code.
        dated: of the document.
        due: None where it has none.
        total: to be paid at first, by the books where they were seen.
        balance: still to be paid; None if the books never told.
        status: where it stood.
        seen_at: when that was, None if never.
    """

    number: str
    kind: DocumentKind
    client: str
    client_name: str
    currency: str
    dated: date
    due: date | None
    total: Decimal
    balance: Decimal | None
    status: str
    seen_at: datetime | None


class _Seen(msgspec.Struct):
    """Where the books compute tax, only they know what is to be paid."""

    total: Decimal | None = None


async def book_balances(conn: AsyncConnection, ledger_id: int) -> list[BookBalance]:
    """Every document of ours that stands in a book, posted or linked, by client and day."""
    row, invoice = LedgerDocumentRow, InvoiceRow
    columns: list[Any] = [
        col(row.number),
        col(row.kind),
        col(row.client_key),
        col(row.currency),
        col(row.dated),
        col(row.due),
        col(row.total),
        col(row.seen_balance),
        col(row.seen_status),
        col(row.seen_at),
        col(row.seen),
        col(invoice.client_name),
    ]
    statement = (
        select(*columns)
        .select_from(row)
        .outerjoin(
            invoice,
            and_(
                col(invoice.psa_connection_id) == col(row.psa_connection_id),
                col(invoice.key) == col(row.invoice_key),
            ),
        )
        .where(
            col(row.ledger_connection_id) == ledger_id,
            col(row.state).in_([state.value for state in STANDING]),
        )
        .order_by(col(row.client_key), col(row.dated), col(row.id))
    )
    return [
        BookBalance(
            number=one.number,
            kind=DocumentKind(one.kind),
            client=one.client_key,
            client_name=one.client_name or one.client_key,
            currency=one.currency,
            dated=date.fromisoformat(one.dated),
            due=None if one.due is None else date.fromisoformat(one.due),
            total=_total(one),
            balance=one.seen_balance,
            status=one.seen_status,
            seen_at=one.seen_at,
        )
        for one in await conn.execute(statement)
    ]


def _total(row: Any) -> Decimal:
    seen = msgspec.json.decode(row.seen or "{}", type=_Seen).total
    total: Decimal = row.total if seen is None else seen
    return total
