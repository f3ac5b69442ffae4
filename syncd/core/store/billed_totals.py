"""What was billed, as sums per account and month: without lines, since a year of them is large."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.billing.bill_life import BillKind
from syncd.core.store.tables import Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledTotal:
    """The final bill of an account and month.

    Attributes:
        account_id: whose bill.
        client_key: client it was made out to.
        period: month billed.
        currency: of the money.
        total_price: None where the PSA set a price that is not known.
        total_cost: likewise.
    """

    account_id: int
    client_key: str
    period: str
    currency: str
    total_price: Decimal | None
    total_cost: Decimal | None


async def billed_totals(conn: AsyncConnection, periods: Collection[str]) -> list[BilledTotal]:
    """The newest final bill of every account and month; records of a running month are none."""
    statement = (
        select(
            col(Bill.account_id),
            col(Bill.client_key),
            col(Bill.period),
            col(Bill.currency),
            col(Bill.total_price),
            col(Bill.total_cost),
        )
        .where(
            col(Bill.period).in_(list(periods)),
            col(Bill.kind) != BillKind.TEMPORARY.value,
            col(Bill.completed_at).is_not(None),
        )
        .order_by(col(Bill.revision))
    )
    found: dict[tuple[int, str], BilledTotal] = {}
    for row in (await conn.execute(statement)).mappings():
        found[row["account_id"], row["period"]] = BilledTotal(**row)
    return list(found.values())
