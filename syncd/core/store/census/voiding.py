"""Pulls in a list, and a person's word that a complete one was wrong all the same; append-only.

A voided pull proves nothing from then on. Nothing of the census is erased: what was known before
is still known for that time, and bills that rest on the pull are compared again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.types import from_micros, to_micros

_LIST = text("""
SELECT c.name, p.id, p.seq, p.period, p.taken_at, p.state, p.seen, p.opened, p.closed,
       (SELECT count(*) FROM pull_gap g WHERE g.pull_id = p.id AND g.account_id IS NOT NULL),
       v.voided_at, v.voided_by, v.reason
  FROM pull p JOIN connection c ON c.id = p.connection_id
  LEFT JOIN pull_void v ON v.id = (SELECT min(f.id) FROM pull_void f WHERE f.pull_id = p.id)
 WHERE (:name = '' OR c.name = :name) AND (:seq = 0 OR p.seq = :seq)
 ORDER BY p.taken_at DESC, p.id DESC LIMIT :limit
""")
_VOID = text(
    "INSERT INTO pull_void (pull_id, voided_at, voided_by, reason)"
    " VALUES (:pull, :at, :by, :reason)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullEntry:
    """One pull in a list.

    Attributes:
        connection: name of the source.
        id: row id.
        seq: its number within the connection.
        period: month it asked for, empty for what stands.
        taken_at: start of the read, UTC.
        state: complete, partial or unknown.
        seen: units read.
        opened: units that were new or changed.
        closed: units that were gone or changed.
        unproven: accounts that it did not prove.
        voided_at: when a person called it wrong, None while nobody did.
        voided_by: who.
        reason: in their words.
    """

    connection: str
    id: int
    seq: int
    period: str
    taken_at: datetime
    state: str
    seen: int
    opened: int
    closed: int
    unproven: int
    voided_at: datetime | None
    voided_by: str
    reason: str


async def list_pulls(
    conn: AsyncConnection, *, connection: str = "", seq: int = 0, limit: int = 20
) -> list[PullEntry]:
    """Pulls of one connection or of all, the newest first.

    Args:
        conn: a reader.
        connection: name, empty for all.
        seq: only this number, 0 for all.
        limit: how many.
    """
    rows = await conn.execute(_LIST, {"name": connection, "seq": seq, "limit": limit})
    return [
        PullEntry(
            connection=row[0],
            id=row[1],
            seq=row[2],
            period=row[3],
            taken_at=from_micros(row[4]),
            state=row[5],
            seen=row[6],
            opened=row[7],
            closed=row[8],
            unproven=row[9],
            voided_at=None if row[10] is None else from_micros(row[10]),
            voided_by=row[11] or "",
            reason=row[12] or "",
        )
        for row in rows.fetchall()
    ]


async def void_pull(
    conn: AsyncConnection, pull_id: int, *, by: str, reason: str, now: datetime
) -> None:
    """Record that the pull was wrong."""
    await conn.execute(_VOID, {"pull": pull_id, "at": to_micros(now), "by": by, "reason": reason})
