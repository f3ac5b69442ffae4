"""Late changes as rows: what a bill would have said, by the facts that arrived after it.

One current row per account and month; rows are closed and never edited but for their outcome.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.tables import Correction, LateChange

ACCEPTED: Final = "accepted"
DISMISSED: Final = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLateChange:
    """One late change.

    Attributes:
        id: row id, by which people call it; 0 before it is stored.
        account_id: whose.
        period: the month.
        bill_id: the revision that stands.
        client_key: PSA client of that bill.
        currency: of the money.
        price_change: signed, what the bill should have had more; None where it is not known.
        cost_change: likewise.
        digest: tells the same facts from new ones.
        content: JSON, see `syncd.core.service.late_difference`.
        found_at: UTC, None before it is stored.
        closed_at: when it ended: decided, followed by other facts, or none any more.
        outcome: what a person decided, empty while nobody did.
        by: who decided.
        reason: why.
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
    id: int = 0
    found_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str = ""
    by: str = ""
    reason: str = ""


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


async def accepted_late_changes(
    conn: AsyncConnection, account_ids: Collection[int], period: str
) -> dict[int, list[StoredLateChange]]:
    """What a person accepted as corrections of the month, by account, the oldest first.

    Those that the month's own bill holds since it was made again are none any more.
    """
    absorbed = exists().where(
        col(Correction.late_change_id) == col(LateChange.id), col(Correction.billed_in) == period
    )
    found: dict[int, list[StoredLateChange]] = {}
    for chunk in chunks(account_ids):
        statement = (
            select(LateChange)
            .where(
                col(LateChange.account_id).in_(chunk),
                col(LateChange.period) == period,
                col(LateChange.outcome) == ACCEPTED,
                ~absorbed,
            )
            .order_by(col(LateChange.id))
        )
        for row in await conn.execute(statement):
            found.setdefault(row.account_id, []).append(_stored(row))
    return found


async def dismissed_before(
    conn: AsyncConnection, account_id: int, period: str, digest: str
) -> StoredLateChange | None:
    """The row in which a person dismissed exactly these facts, None where nobody did."""
    statement = (
        select(LateChange)
        .where(
            col(LateChange.account_id) == account_id,
            col(LateChange.period) == period,
            col(LateChange.digest) == digest,
            col(LateChange.outcome) == DISMISSED,
        )
        .order_by(col(LateChange.id).desc())
    )
    row = (await conn.execute(statement.limit(1))).one_or_none()
    return None if row is None else _stored(row)


async def record_late_change(
    conn: AsyncConnection,
    change: StoredLateChange,
    *,
    now: datetime,
    word: StoredLateChange | None = None,
) -> StoredLateChange:
    """Make this the current row of its account and month; the one before is closed.

    Args:
        conn: a writer's connection.
        change: what was found.
        now: UTC.
        word: the row in which a person dismissed the same facts before.
    """
    await close_late_change(conn, change.account_id, change.period, now=now)
    if word is not None:
        change = replace(change, outcome=word.outcome, by=word.by, reason=word.reason)
    made = await conn.execute(
        insert(LateChange)
        .values(
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
            outcome=change.outcome,
            decided_by=change.by,
            decided_reason=change.reason,
        )
        .returning(col(LateChange.id))
    )
    return replace(change, id=int(made.scalar_one() or 0), found_at=now)


async def decide_late_change(
    conn: AsyncConnection,
    late_change_id: int,
    *,
    outcome: str,
    by: str,
    reason: str,
    closed_at: datetime | None,
) -> bool:
    """Keep a person's word for a row that waits for one; False when it does not any more.

    Args:
        conn: a writer's connection.
        late_change_id: which.
        outcome: `ACCEPTED` or `DISMISSED`.
        by: who.
        reason: why.
        closed_at: now for one that ends with it; a dismissed one stays the current row, so that
            the same facts are not raised again.
    """
    done = await conn.execute(
        update(LateChange)
        .where(
            col(LateChange.id) == late_change_id,
            col(LateChange.outcome) == "",
            col(LateChange.closed_at).is_(None),
        )
        .values(outcome=outcome, decided_by=by, decided_reason=reason, closed_at=closed_at)
    )
    return bool(done.rowcount)


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


async def late_changes(
    conn: AsyncConnection, *, ids: Collection[int] = (), clients: Collection[str] = ()
) -> list[StoredLateChange]:
    """Rows by id, of some clients, or all of them, the newest first."""
    statement = select(LateChange).order_by(col(LateChange.id).desc())
    if ids:
        statement = statement.where(col(LateChange.id).in_(list(ids)))
    if clients:
        statement = statement.where(col(LateChange.client_key).in_(list(clients)))
    return [_stored(row) for row in await conn.execute(statement)]


def _stored(row: Any) -> StoredLateChange:
    return StoredLateChange(
        id=row.id,
        account_id=row.account_id,
        period=row.period,
        bill_id=row.bill_id,
        client_key=row.client_key,
        currency=row.currency,
        price_change=row.price_change,
        cost_change=row.cost_change,
        digest=row.digest,
        content=row.content,
        found_at=row.found_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        by=row.decided_by,
        reason=row.decided_reason,
    )
