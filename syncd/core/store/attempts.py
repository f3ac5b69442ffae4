"""The history of an outbox row: each try to send it or to look it up; append-only.

Kept apart from the states, since it is only ever written and printed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import OutboxItem, chunks
from syncd.core.store.tables import DeliveryAttempt


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """One try to be recorded.

    Attributes:
        item: the row of the outbox.
        what: `send`, `find`, `recover` after a crash, or `decide` for a person's word.
        outcome: how it ended.
        started_at: UTC.
        finished_at: UTC.
        request_id: the vendor's name for the exchange.
        detail: one sentence.
    """

    item: OutboxItem
    what: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    request_id: str | None = None
    detail: str = ""


async def record_attempts(conn: AsyncConnection, tries: Sequence[NewAttempt]) -> None:
    """Append tries to the history of their rows."""
    rows = [
        {
            "outbox_id": one.item.id,
            "n": one.item.attempts,
            "what": one.what,
            "started_at": one.started_at,
            "finished_at": one.finished_at,
            "outcome": one.outcome,
            "request_id": one.request_id,
            "detail": one.detail,
        }
        for one in tries
    ]
    if rows:
        await conn.execute(insert(DeliveryAttempt), rows)


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
