"""From when a read goes on: the start of the last whole one, by connection and name.

A watermark only moves in the commit that keeps what was read, so that a crash repeats the read.
"""

from __future__ import annotations

from datetime import datetime
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
    " WHERE watermark.moment < :moment"
)


async def watermark(conn: AsyncConnection, connection_id: int, name: str) -> datetime | None:
    """The moment, or None before the first whole read."""
    values = {"connection": connection_id, "name": name}
    found = (await conn.execute(_READ, values)).scalar_one_or_none()
    return None if found is None else from_micros(found)


async def move_watermark(
    conn: AsyncConnection, connection_id: int, name: str, moment: datetime, *, run_id: str = ""
) -> None:
    """Move it forward; it never goes back."""
    values = {
        "connection": connection_id,
        "name": name,
        "moment": to_micros(moment),
        "run": run_id,
    }
    await conn.execute(_MOVE, values)
