"""What clients owe by the books, how late it is, and how long money takes.

Days sales outstanding is `outstanding / invoiced in the last 90 days x 90`, per client and
currency; invoices and credit notes that are only drafts are no sales and owe nothing. Where the
history is shorter than 90 days, its length takes the place of 90. It rests on documents that syncd
posted or linked, not on others in the books.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

from syncd.core.store.book_balances import BookBalance, book_balances
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

DSO_DAYS: Final = 90
DSO_FORMULA: Final = f"outstanding / invoiced in the last {DSO_DAYS} days x {DSO_DAYS}"

AGES: Final = ("not due", "1-30", "31-60", "61-90", "over 90")
"""Days overdue."""

_OUT: Final = frozenset(
    {EntryStatus.DRAFT.value, EntryStatus.VOIDED.value, EntryStatus.DELETED.value}
)
"""What is not in the books, or no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """What one client owes in one currency.

    Attributes:
        client: PSA client, empty for a total.
        client_name: for people.
        currency: ISO code.
        documents: of which something is left.
        outstanding: invoices less credit notes.
        ages: of that by days overdue, in the order of `AGES`; credit notes are not due.
        overdue: of that, what is past its day.
        invoiced: in the span of the formula, invoices less credit notes, before any payment.
        days: days sales outstanding, one decimal; None where nothing was invoiced.
    """

    client: str
    client_name: str
    currency: str
    documents: int
    outstanding: Decimal
    ages: tuple[Decimal, ...]
    overdue: Decimal
    invoiced: Decimal
    days: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutstandingReport:
    """What clients owe.

    Attributes:
        day: on which it is looked at.
        rows: per client and currency with something open, the largest first.
        totals: per currency, of all clients.
        documents: behind the rows, those with something left.
        seen_from: when the document that was not seen for longest was seen; None without any.
        drafts: documents that are not in the books yet.
        unknown: documents of which the books never told what is left.
        formula: of the days.
    """

    day: date
    rows: tuple[Outstanding, ...]
    totals: tuple[Outstanding, ...]
    documents: tuple[BookBalance, ...]
    seen_from: datetime | None
    drafts: int
    unknown: int
    formula: str = DSO_FORMULA


async def read_outstanding(
    database: Database, ledgers: Sequence[ConnectionRef], *, day: date, client: str | None = None
) -> OutstandingReport:
    """What is outstanding in these books, by what is stored; nobody is asked.

    Args:
        database: where documents are.
        ledgers: connections of the books.
        day: on which it is looked at.
        client: only this one, by id or exact name; None is all.
    """
    found: list[BookBalance] = []
    async with database.reader() as conn:
        for ledger in ledgers:
            found += await book_balances(conn, ledger.id)
    wanted = (client or "").strip().casefold()
    chosen = [
        one
        for one in found
        if not wanted or wanted in {one.client.casefold(), one.client_name.casefold()}
    ]
    return outstanding(chosen, day)


def outstanding(documents: Sequence[BookBalance], day: date) -> OutstandingReport:
    """The report over these documents."""
    drafts = sum(one.status == EntryStatus.DRAFT.value for one in documents)
    counted = [one for one in documents if one.status not in _OUT]
    known = [one for one in counted if one.balance is not None]
    by_client: dict[tuple[str, str], list[BookBalance]] = defaultdict(list)
    by_currency: dict[str, list[BookBalance]] = defaultdict(list)
    for one in known:
        by_client[one.client, one.currency].append(one)
        by_currency[one.currency].append(one)
    rows = [
        _row(client, held[-1].client_name, currency, held, day)
        for (client, currency), held in by_client.items()
    ]
    rows = [one for one in rows if one.documents]
    rows.sort(key=lambda one: (one.currency, -one.outstanding, one.client))
    open_now = [one for one in known if one.balance]
    return OutstandingReport(
        day=day,
        rows=tuple(rows),
        totals=tuple(_row("", "all", name, by_currency[name], day) for name in sorted(by_currency)),
        documents=tuple(open_now),
        seen_from=min((one.seen_at for one in open_now if one.seen_at), default=None),
        drafts=drafts,
        unknown=len(counted) - len(known),
    )


def _row(
    client: str, name: str, currency: str, documents: Sequence[BookBalance], day: date
) -> Outstanding:
    ages = [Decimal(0)] * len(AGES)
    left = 0
    for one in documents:
        assert one.balance is not None  # only those are handed in
        if one.balance:
            ages[_age(one, day)] += _signed(one, one.balance)
            left += 1
    span = _span(documents, day)
    first = day - timedelta(days=span)
    invoiced = sum(
        (_signed(one, one.total) for one in documents if first < one.dated <= day), Decimal(0)
    )
    owed = sum(ages, Decimal(0))
    days = None
    if invoiced > 0:
        days = (owed / invoiced * span).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return Outstanding(
        client=client,
        client_name=name,
        currency=currency,
        documents=left,
        outstanding=owed,
        ages=tuple(ages),
        overdue=sum(ages[1:], Decimal(0)),
        invoiced=invoiced,
        days=days,
    )


def _span(documents: Sequence[BookBalance], day: date) -> int:
    """Days of the formula: 90, or as long as there has been anything."""
    oldest = min((one.dated for one in documents), default=day)
    return max(1, min(DSO_DAYS, (day - oldest).days + 1))


def _age(one: BookBalance, day: date) -> int:
    if one.kind is DocumentKind.CREDIT:
        return 0
    late = (day - (one.due or one.dated)).days
    return 0 if late <= 0 else min(1 + (late - 1) // 30, len(AGES) - 1)


def _signed(one: BookBalance, amount: Decimal) -> Decimal:
    return amount if one.kind is DocumentKind.INVOICE else -amount
