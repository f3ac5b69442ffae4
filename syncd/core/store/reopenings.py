"""The words of people that a final bill may be made again, each kept for good.

A word counts for the revision that it names: the next complete revision ends it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.tables import AccountRow, Bill, BillReopening, ConnectionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """One word.

    Attributes:
        bill_id: the revision that it makes changeable.
        by: who said it.
        reason: why.
        at: when, UTC.
    """

    bill_id: int
    by: str
    reason: str
    at: datetime


async def reopenings_of(conn: AsyncConnection, bill_id: int) -> list[Reopening]:
    """Who reopened this revision of a bill, when, and why; the oldest first."""
    statement = (
        select(BillReopening)
        .where(col(BillReopening.bill_id) == bill_id)
        .order_by(col(BillReopening.id))
    )
    return [
        Reopening(bill_id=row.bill_id, by=row.reopened_by, reason=row.reason, at=row.reopened_at)
        for row in await conn.execute(statement)
    ]


async def record_reopening(conn: AsyncConnection, word: Reopening) -> None:
    """Keep a word."""
    await conn.execute(
        insert(BillReopening).values(
            bill_id=word.bill_id, reopened_by=word.by, reason=word.reason, reopened_at=word.at
        )
    )


async def reopened_months(
    conn: AsyncConnection, account_ids: Collection[int]
) -> dict[int, frozenset[str]]:
    """Months by account whose newest complete bill was reopened; accounts without one are absent.

    What is asked of the database grows with the words that were ever said, not with the bills.
    """
    found: dict[int, set[str]] = {}
    for chunk in chunks(account_ids):
        said = (
            select(col(Bill.account_id), col(Bill.period), col(Bill.revision))
            .join(BillReopening, col(BillReopening.bill_id) == col(Bill.id))
            .where(col(Bill.account_id).in_(chunk))
        )
        for account_id, period, revision in (await conn.execute(said)).all():
            newest = await conn.scalar(
                select(func.max(col(Bill.revision))).where(
                    col(Bill.account_id) == account_id,
                    col(Bill.period) == period,
                    col(Bill.completed_at).is_not(None),
                )
            )
            if newest == revision:
                found.setdefault(account_id, set()).add(period)
    return {account_id: frozenset(periods) for account_id, periods in found.items()}


async def names_of_account(conn: AsyncConnection, account_id: int) -> tuple[str, str]:
    """Name of the account's connection, and the vendor's id of the account."""
    statement = (
        select(col(ConnectionRow.name), col(AccountRow.key))
        .select_from(AccountRow)
        .join(ConnectionRow, col(AccountRow.connection_id) == col(ConnectionRow.id))
        .where(col(AccountRow.id) == account_id)
    )
    name, key = (await conn.execute(statement)).one()
    return name, key
