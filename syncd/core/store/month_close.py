"""Months that a person sealed: the page as it stood, who closed it, and when; append-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.types import from_micros, to_micros

_READ = text(
    "SELECT period, content, digest, closed_by, reason, closed_at FROM month_close"
    " WHERE psa_connection_id = :psa AND period = :period"
)
_ALL = text("SELECT period FROM month_close WHERE psa_connection_id = :psa ORDER BY period")
_WRITE = text(
    "INSERT INTO month_close"
    " (psa_connection_id, period, content, digest, closed_by, reason, closed_at)"
    " VALUES (:psa, :period, :content, :digest, :closed_by, :reason, :closed_at)"
    " ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMonth:
    """A sealed month.

    Attributes:
        period: the month.
        content: JSON of the page as it stood.
        digest: SHA-256 of the content.
        closed_by: name of the person.
        reason: in their words, may be empty.
        closed_at: UTC.
    """

    period: str
    content: str
    digest: str
    closed_by: str
    reason: str
    closed_at: datetime


async def closed_month(conn: AsyncConnection, psa_id: int, period: str) -> ClosedMonth | None:
    """The month as it was sealed, None while it is open."""
    row = (await conn.execute(_READ, {"psa": psa_id, "period": period})).one_or_none()
    if row is None:
        return None
    return ClosedMonth(
        period=row[0],
        content=row[1],
        digest=row[2],
        closed_by=row[3],
        reason=row[4],
        closed_at=from_micros(row[5]),
    )


async def is_closed(conn: AsyncConnection, psa_id: int, period: str) -> bool:
    return (await conn.execute(_READ, {"psa": psa_id, "period": period})).first() is not None


async def closed_months(conn: AsyncConnection, psa_id: int) -> list[str]:
    """Every sealed month, the oldest first."""
    return list((await conn.scalars(_ALL, {"psa": psa_id})).all())


async def seal(conn: AsyncConnection, psa_id: int, month: ClosedMonth) -> bool:
    """Seal a month; False when somebody was first."""
    done = await conn.execute(
        _WRITE,
        {
            "psa": psa_id,
            "period": month.period,
            "content": month.content,
            "digest": month.digest,
            "closed_by": month.closed_by,
            "reason": month.reason,
            "closed_at": to_micros(month.closed_at),
        },
    )
    return bool(done.rowcount)
