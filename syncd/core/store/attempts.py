"""The history of an outbox row: each try to send it or to look it up; append-only.

Kept apart from the states, since it is only ever written and printed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import OutboxItem, chunks
from syncd.core.store.tables import DeliveryAttempt


async def record_attempt(
    conn: AsyncConnection,
    item: OutboxItem,
    *,
    what: str,
    outcome: str,
    started_at: datetime,
    finished_at: datetime,
    request_id: str | None = None,
    detail: str = "",
) -> None:
    """Append one try to the history of a row.

    Args:
        conn: a writer's connection.
        item: the row.
        what: `send`, `find`, `recover` after a crash, or `decide` for a person's word.
        outcome: how it ended.
        started_at: UTC.
        finished_at: UTC.
        request_id: the vendor's name for the exchange.
        detail: one sentence.
    """
    await conn.execute(
        insert(DeliveryAttempt).values(
            outbox_id=item.id,
            n=item.attempts,
            what=what,
            started_at=started_at,
            finished_at=finished_at,
            outcome=outcome,
            request_id=request_id,
            detail=detail,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to send or to look up."""

    n: int
    what: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    request_id: str | None
    detail: str


async def attempts(conn: AsyncConnection, item_ids: Collection[int]) -> dict[int, list[Attempt]]:
    """The history of these rows, the oldest try first."""
    found: dict[int, list[Attempt]] = {}
    for chunk in chunks(item_ids):
        statement = (
            select(DeliveryAttempt)
            .where(col(DeliveryAttempt.outbox_id).in_(chunk))
            .order_by(col(DeliveryAttempt.id))
        )
        for row in await conn.execute(statement):
            found.setdefault(row.outbox_id, []).append(
                Attempt(
                    n=row.n,
                    what=row.what,
                    outcome=row.outcome,
                    started_at=row.started_at,
                    finished_at=row.finished_at,
                    request_id=row.request_id,
                    detail=row.detail,
                )
            )
    return found
