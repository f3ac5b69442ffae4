"""From when a read goes on: the start of the last whole one, by connection and name.

A watermark only moves in the commit that keeps what was read, so that a crash repeats the read. One
of the future was set while the machine's clock was ahead: what happened since was never asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.micros import from_micros, to_micros

_READ: Final = text(
    "SELECT moment FROM watermark WHERE connection_id = :connection AND name = :name"
)
_MOVE: Final = text(
    "INSERT INTO watermark (connection_id, name, moment, run_id)"
    " VALUES (:connection, :name, :moment, :run)"
    " ON CONFLICT (connection_id, name) DO UPDATE SET moment = :moment, run_id = :run"
    " WHERE watermark.moment < :moment OR watermark.moment > :ahead"
)
_NEVER: Final = 2**63 - 1

FAR_BACK: Final = timedelta(days=60)
"""How far back to ask where the watermark is of the future."""


async def watermark(conn: AsyncConnection, connection_id: int, name: str) -> datetime | None:
    """The moment, or None before the first whole read."""
    values = {"connection": connection_id, "name": name}
    found = (await conn.execute(_READ, values)).scalar_one_or_none()
    return None if found is None else from_micros(found)


async def move_watermark(
    conn: AsyncConnection,
    connection_id: int,
    name: str,
    moment: datetime,
    *,
    run_id: str = "",
    ahead: datetime | None = None,
) -> None:
    """Move it forward; it goes back only from a moment that lies ahead.

    Args:
        conn: a writer's connection.
        connection_id: whose.
        name: of the watermark.
        moment: where it is to be.
        run_id: of the run that read.
        ahead: later moments are of the future, and are not kept; None where nobody asked.
    """
    values = {
        "connection": connection_id,
        "name": name,
        "moment": to_micros(moment),
        "run": run_id,
        "ahead": _NEVER if ahead is None else to_micros(ahead),
    }
    await conn.execute(_MOVE, values)
