"""Purchases that nothing bills, as one issue per client with what they cost in the month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from syncd.core.service.issue_book import IssueBook
from syncd.core.service.reconciliation import Reconciled, Reconciliation, Status
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from syncd.core.store.database import Database

PURCHASE_NOT_BILLED: Final = "PURCHASE_NOT_BILLED"
_LISTED = 5


async def sync_purchase_issues(
    database: Database, found: Reconciliation, *, clock: Callable[[], datetime], log: EventLog
) -> None:
    """Open and close what a reconciliation of all clients says of the last finished month.

    What is not known opens nothing and closes nothing.
    """
    lost: dict[str, list[Reconciled]] = defaultdict(list)
    unclear: set[str] = set()
    for row in found.rows:
        if row.status is Status.NOT_BILLED and row.client:
            lost[row.client].append(row)
        elif row.status is Status.UNKNOWN:
            unclear.add(row.client)
    async with database.writer() as conn:
        book = IssueBook(conn, "", clock())
        await book.replace(
            PURCHASE_NOT_BILLED,
            {client: _finding(rows, found.period) for client, rows in lost.items()},
            keep=unclear,
        )
    book.speak(log)


def _finding(rows: Sequence[Reconciled], period: str) -> Finding:
    first = rows[0]
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        for currency, amount in (row.cost or {}).items():
            cost[currency] += amount
    money = " and ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(cost.items()))
    unknown = any(row.cost is None for row in rows)
    if unknown:
        money = f"at least {money}" if money else "a cost that is not known yet"
    listed = ", ".join(
        row.name if row.bought is None else f"{row.bought:,} x {row.name}" for row in rows[:_LISTED]
    )
    more = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return Finding(
        message=f"{first.client_name} ({first.client}) has purchases that no bill of {period} "
        f"holds: {listed}{more}; they cost {money} in the month.",
        remedy=f"`syncd reconcile {period} --client {first.client}` shows them; bill them through "
        "`syncd map configurations --export FILE`, or end them at the vendor.",
        severity=IssueSeverity.WARNING,
        evidence={
            "period": period,
            "client": first.client,
            "cost": {currency: str(amount) for currency, amount in sorted(cost.items())},
            "purchases": [
                {"sku": row.sku, "bought": row.bought, "subscriptions": list(row.subscriptions)}
                for row in rows
            ],
        },
    )
