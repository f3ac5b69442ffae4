"""Late changes as rows: what a bill would have said, by the facts that arrived after it.

One current row per account and month; rows are closed and never edited but for their outcome.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.tables import LateChange


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLateChange:
    """One late change.

    Attributes:
        account_id: whose.
        period: the month.
        bill_id: the revision that stands.
        client_key: PSA client of that bill.
        currency: of the money.
        price_change: signed, what the bill should have had more; None where it is not known.
        cost_change: likewise.
        digest: tells the same facts from new ones.
        content: JSON, see `syncd.core.service.late_difference`.
        outcome: what a person decided, empty while nobody did.
    """

    account_id: int
    period: str
    bill_id: int
    client_key: str
    currency: str
    price_change: Decimal | None
    cost_change: Decimal | None
    digest: str
    content: str
    outcome: str = ""


async def current_late_changes(
    conn: AsyncConnection, account_ids: Collection[int], period: str
) -> dict[int, StoredLateChange]:
    """The current row of each account, by account id."""
    found: dict[int, StoredLateChange] = {}
    for chunk in chunks(account_ids):
        statement = select(LateChange).where(
            col(LateChange.account_id).in_(chunk),
            col(LateChange.period) == period,
            col(LateChange.closed_at).is_(None),
        )
        for row in await conn.execute(statement):
            found[row.account_id] = _stored(row)
    return found


async def was_decided(conn: AsyncConnection, account_id: int, period: str, digest: str) -> bool:
    """Whether a person gave exactly these facts an outcome before."""
    statement = select(col(LateChange.id)).where(
        col(LateChange.account_id) == account_id,
        col(LateChange.period) == period,
        col(LateChange.digest) == digest,
        col(LateChange.outcome) != "",
    )
    return (await conn.execute(statement.limit(1))).first() is not None


async def record_late_change(
    conn: AsyncConnection, change: StoredLateChange, *, now: datetime
) -> None:
    """Make this the current row of its account and month; the one before is closed."""
    await close_late_change(conn, change.account_id, change.period, now=now)
    await conn.execute(
        insert(LateChange).values(
            account_id=change.account_id,
            period=change.period,
            bill_id=change.bill_id,
            client_key=change.client_key,
            currency=change.currency,
            price_change=change.price_change,
            cost_change=change.cost_change,
            digest=change.digest,
            content=change.content,
            found_at=now,
            outcome="",
            decided_by="",
            decided_reason="",
        )
    )


async def close_late_change(
    conn: AsyncConnection, account_id: int, period: str, *, now: datetime
) -> bool:
    """Close the current row, since the facts and the bill agree again; False when none was open."""
    done = await conn.execute(
        update(LateChange)
        .where(
            col(LateChange.account_id) == account_id,
            col(LateChange.period) == period,
            col(LateChange.closed_at).is_(None),
        )
        .values(closed_at=now)
    )
    return bool(done.rowcount)


async def late_changes_of(
    conn: AsyncConnection, account_id: int, period: str
) -> list[StoredLateChange]:
    """Every row of the account and month, the newest first."""
    statement = (
        select(LateChange)
        .where(col(LateChange.account_id) == account_id, col(LateChange.period) == period)
        .order_by(col(LateChange.id).desc())
    )
    return [_stored(row) for row in await conn.execute(statement)]


def _stored(row: Any) -> StoredLateChange:
    return StoredLateChange(
        account_id=row.account_id,
        period=row.period,
        bill_id=row.bill_id,
        client_key=row.client_key,
        currency=row.currency,
        price_change=row.price_change,
        cost_change=row.cost_change,
        digest=row.digest,
        content=row.content,
        outcome=row.outcome,
    )
