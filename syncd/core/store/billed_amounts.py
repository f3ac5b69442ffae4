"""Cost and price of every line of a month, as billed: what margins are added up from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased
from sqlmodel import col

from syncd.core.store.plans import PlanKind
from syncd.core.store.tables import Bill, BillLine, PlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """The money of a line.

    Attributes:
        period: month billed.
        client: PSA client.
        currency: of the money.
        price: None where the PSA's own price applies.
        cost: likewise.
        basis: JSON of the line, empty where it was not asked for.
    """

    period: str
    client: str
    currency: str
    price: Decimal | None
    cost: Decimal | None
    basis: str = ""


async def billed_lines(
    conn: AsyncConnection,
    periods: Collection[str],
    *,
    client: str | None = None,
    with_basis: bool = False,
) -> AsyncIterator[BilledLine]:
    """Lines of the newest revision of every bill of these months, one by one.

    Args:
        conn: a reader's connection.
        periods: months.
        client: only of this PSA client.
        with_basis: with the basis of each, which tells its products.
    """
    other = aliased(Bill)
    newest = (
        select(func.max(col(other.revision)))
        .where(col(other.account_id) == col(Bill.account_id), col(other.period) == col(Bill.period))
        .scalar_subquery()
    )
    columns: list[Any] = [
        col(Bill.period),
        col(Bill.client_key),
        col(Bill.currency),
        col(BillLine.total_price),
        col(BillLine.total_cost),
        *([col(BillLine.basis)] if with_basis else []),
    ]
    statement = (
        select(*columns)
        .join(Bill, col(Bill.id) == col(BillLine.bill_id))
        .where(col(Bill.period).in_(list(periods)), col(Bill.revision) == newest)
    )
    if client is not None:
        statement = statement.where(col(Bill.client_key) == client)
    rows = await conn.stream(statement)
    row: Any
    async for row in rows:
        yield BilledLine(
            period=row[0],
            client=row[1],
            currency=row[2],
            price=row[3],
            cost=row[4],
            basis=row[5] if with_basis else "",
        )


async def last_billed_month(conn: AsyncConnection) -> str:
    """The newest month that was billed when it was over; empty before the first."""
    statement = (
        select(func.max(col(Bill.period)))
        .join(PlanRow, col(PlanRow.id) == col(Bill.plan_id))
        .where(col(PlanRow.kind) != PlanKind.RUNNING.value)
    )
    return (await conn.scalar(statement)) or ""


async def billed_accounts(conn: AsyncConnection, period: str) -> set[int]:
    """Row ids of the accounts that have a bill of the month."""
    return set(
        (await conn.scalars(select(col(Bill.account_id)).where(col(Bill.period) == period))).all()
    )
