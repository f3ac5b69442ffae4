"""Whether a connection works, since when, and why not; SQL text, since every pull writes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.types import from_micros, to_micros

_FAIL = text(
    "UPDATE connection SET status = 'unavailable', status_since = :now, status_detail = :detail "
    "WHERE id = :id AND status <> 'unavailable'"
)
_FAIL_AGAIN = text("UPDATE connection SET status_detail = :detail WHERE id = :id")
_SINCE = text("SELECT status_since FROM connection WHERE id = :id AND status = 'unavailable'")
_RECOVER = text(
    "UPDATE connection SET status = 'ok', status_since = :now, status_detail = '' WHERE id = :id"
)
_ALL = text("SELECT id, name, connector, status, status_since, status_detail FROM connection")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a connection stood when it was last used.

    Attributes:
        id: row id.
        name: in the configuration.
        connector: name of its connector.
        available: the last use got through.
        since: UTC moment of the last change, None before the first.
        detail: one sentence while unavailable, else empty.
    """

    id: int
    name: str
    connector: str
    available: bool
    since: datetime | None
    detail: str


async def mark_unavailable(
    conn: AsyncConnection, connection_id: int, *, detail: str, now: datetime
) -> bool:
    """Write that the connection does not work; True when it did until now."""
    values = {"id": connection_id, "detail": detail, "now": to_micros(now)}
    if (await conn.execute(_FAIL, values)).rowcount:
        return True
    await conn.execute(_FAIL_AGAIN, {"id": connection_id, "detail": detail})
    return False


async def mark_recovered(
    conn: AsyncConnection, connection_id: int, *, now: datetime
) -> datetime | None:
    """Write that the connection works; the moment since when it had not, or None if it had."""
    since = (await conn.execute(_SINCE, {"id": connection_id})).scalar_one_or_none()
    if since is None:
        return None
    await conn.execute(_RECOVER, {"id": connection_id, "now": to_micros(now)})
    return from_micros(since)


async def connection_health(conn: AsyncConnection) -> dict[str, Health]:
    """Every connection that was ever used, by name."""
    return {
        row.name: Health(
            id=row.id,
            name=row.name,
            connector=row.connector,
            available=row.status != "unavailable",
            since=None if row.status_since is None else from_micros(row.status_since),
            detail=row.status_detail,
        )
        for row in await conn.execute(_ALL)
    }
