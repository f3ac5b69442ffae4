"""Whether facts of a billed month were recorded after its bills: one query, no counting.

A pull taken before the end of the month, a pull of that month, or the voiding of one of these can
change what a bill should have said; later pulls cannot, except where the first pull after the
month stands for it. Written as SQL text because every pull asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.types import to_micros
from syncd.sdk.period import Period, day_start, last_finished

LATE_DAYS: Final = 3
"""Local days after the month within which its first pull may stand for it."""

_BILLED = text("""
SELECT b.connection_id, MIN(p.made_at), MAX(p.made_at), MAX(b.completed_at)
  FROM bill b JOIN plan p ON p.id = b.plan_id
 WHERE b.period = :period AND b.completed_at IS NOT NULL AND b.kind <> 'TEMPORARY'
 GROUP BY b.connection_id ORDER BY b.connection_id
""")
# The last pull that a late bill can rest on: earlier ones recorded since would take its place.
_HORIZON = text("""
SELECT MAX(taken_at) FROM pull
 WHERE connection_id = :connection AND period = ''
   AND taken_at >= :end AND taken_at < :late AND recorded_at <= :last_made
""")
_PULLS = text("""
SELECT MAX(id) FROM pull
 WHERE connection_id = :connection AND recorded_at > :first_made
   AND (period = :period OR (period = '' AND taken_at < :horizon))
""")
_VOIDS = text("""
SELECT MAX(v.id) FROM pull_void v JOIN pull p ON p.id = v.pull_id
 WHERE p.connection_id = :connection AND v.voided_at > :first_made
   AND (p.period = :period OR (p.period = '' AND p.taken_at < :late))
""")
_OPEN = text("""
SELECT COUNT(*) FROM late_change l JOIN account a ON a.id = l.account_id
 WHERE a.connection_id = :connection AND l.period = :period AND l.closed_at IS NULL
""")
_CHECKED = text("""
SELECT pull_id, void_id, completed_at FROM late_check
 WHERE connection_id = :connection AND period = :period
""")
_CHECK = text("""
INSERT INTO late_check (connection_id, period, pull_id, void_id, completed_at)
VALUES (:connection, :period, :pull, :void, :completed)
ON CONFLICT (connection_id, period)
DO UPDATE SET pull_id = :pull, void_id = :void, completed_at = :completed
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class LateFacts:
    """A billed month of a connection about which something may have become known since.

    Attributes:
        connection_id: the source.
        period: the month.
        pull_id: newest pull recorded since that can matter, 0 for none.
        void_id: newest voiding since that can matter, 0 for none.
        completed_at: when the newest of its bills was complete, as stored.
    """

    connection_id: int
    period: Period
    pull_id: int
    void_id: int
    completed_at: int


def watched_months(now: datetime, zone: ZoneInfo, months: int) -> list[Period]:
    """The last finished months, as many as are watched, the newest first."""
    found = []
    period = last_finished(now, zone)
    for _ in range(months):
        found.append(period)
        period = period.previous()
    return found


async def late_facts(
    conn: AsyncConnection, periods: Sequence[Period], zone: ZoneInfo
) -> list[LateFacts]:
    """Which months have to be compared with their bills, the oldest first.

    Args:
        conn: a reader.
        periods: finished months that are watched.
        zone: of billing.
    """
    found = []
    for period in sorted(periods):
        late = day_start(period.following().first_day + timedelta(days=LATE_DAYS), zone)
        end, until = to_micros(period.end(zone)), to_micros(late)
        billed = (await conn.execute(_BILLED, {"period": str(period)})).all()
        for connection_id, first_made, last_made, completed in billed:
            own = {"connection": connection_id, "period": str(period)}
            since = own | {"first_made": first_made, "late": until}
            window = {
                "connection": connection_id, "end": end, "late": until, "last_made": last_made,
            }  # fmt: skip
            horizon = await conn.scalar(_HORIZON, window) or end
            facts = LateFacts(
                connection_id=connection_id,
                period=period,
                pull_id=await conn.scalar(
                    _PULLS, own | {"first_made": first_made, "horizon": horizon}
                )
                or 0,
                void_id=await conn.scalar(_VOIDS, since) or 0,
                completed_at=completed,
            )
            if await _unseen(conn, facts, own):
                found.append(facts)
    return found


async def checked(conn: AsyncConnection, facts: LateFacts) -> None:
    """Write that the month was compared with what was known."""
    await conn.execute(
        _CHECK,
        {
            "connection": facts.connection_id,
            "period": str(facts.period),
            "pull": facts.pull_id,
            "void": facts.void_id,
            "completed": facts.completed_at,
        },
    )


async def _unseen(conn: AsyncConnection, facts: LateFacts, own: dict[str, object]) -> bool:
    """Whether there is something that the last comparison did not see."""
    row = (await conn.execute(_CHECKED, own)).one_or_none()
    pull_id, void_id, completed_at = row if row is not None else (0, 0, -1)
    if facts.pull_id > pull_id or facts.void_id > void_id:
        return True
    if facts.completed_at <= completed_at:
        return False
    return bool(facts.pull_id or facts.void_id or await conn.scalar(_OPEN, own))
