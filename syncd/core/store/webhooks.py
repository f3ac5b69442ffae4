"""Announcements as they wait to be looked into: stored before they are answered, each once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.standing_documents import STANDING
from syncd.core.store.types import from_micros, to_micros
from syncd.sdk.webhooks import Announced, Announcement

_STORE: Final = text(
    "INSERT INTO webhook (connection_id, key, book_key, what, remote, happened_at, received_at,"
    " available_at, attempts, detail)"
    " VALUES (:connection, :key, :book, :what, :remote, :at, :now, :now, 0, '')"
    " ON CONFLICT (connection_id, key) DO NOTHING"
)
_WAITING: Final = text(
    "SELECT id, book_key, what, remote, happened_at, received_at, attempts FROM webhook"
    " WHERE connection_id = :connection AND processed_at IS NULL AND available_at <= :now"
    " ORDER BY id LIMIT :most"
)
_NEXT: Final = text(
    "SELECT min(available_at) FROM webhook"
    " WHERE connection_id = :connection AND processed_at IS NULL"
)
_FOREIGN: Final = text(
    "UPDATE webhook SET processed_at = :now, detail = :detail, attempts = attempts + 1"
    " WHERE connection_id = :connection AND processed_at IS NULL AND available_at <= :now"
    " AND NOT EXISTS (SELECT 1 FROM ledger_document AS ours"
    " WHERE ours.ledger_connection_id = webhook.connection_id"
    " AND ours.book_key = webhook.book_key AND ours.state IN :standing"
    " AND (webhook.what = :payment OR (webhook.what = :document AND ours.remote = webhook.remote)))"
).bindparams(bindparam("standing", expanding=True))
_PROCESSED: Final = text(
    "UPDATE webhook SET processed_at = :now, detail = :detail, attempts = attempts + 1"
    " WHERE id IN :ids"
).bindparams(bindparam("ids", expanding=True))
_AGAIN: Final = text(
    "UPDATE webhook SET available_at = :later, detail = :detail, attempts = attempts + 1"
    " WHERE id IN :ids"
).bindparams(bindparam("ids", expanding=True))
_PRUNE: Final = text(
    "DELETE FROM webhook WHERE connection_id = :connection AND processed_at < :before"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingWebhook:
    """One that was not looked into yet.

    Attributes:
        id: row id.
        book: organisation it is about.
        what: kind of thing.
        remote: its id.
        happened_at: as the vendor says, UTC.
        received_at: UTC.
        attempts: how often looking failed.
    """

    id: int
    book: str
    what: Announced
    remote: str
    happened_at: datetime
    received_at: datetime
    attempts: int


async def store_announcements(
    conn: AsyncConnection,
    connection_id: int,
    announcements: Sequence[Announcement],
    *,
    now: datetime,
) -> int:
    """Keep those that are new; how many were."""
    new = 0
    for one in announcements:
        result = await conn.execute(
            _STORE,
            {
                "connection": connection_id,
                "key": one.key,
                "book": one.book,
                "what": one.what.value,
                "remote": one.remote,
                "at": to_micros(one.at),
                "now": to_micros(now),
            },
        )
        new += result.rowcount
    return new


async def waiting_webhooks(
    conn: AsyncConnection, connection_id: int, *, now: datetime, most: int
) -> list[WaitingWebhook]:
    """The oldest that may be looked into now."""
    rows = await conn.execute(
        _WAITING, {"connection": connection_id, "now": to_micros(now), "most": most}
    )
    return [
        WaitingWebhook(
            id=row.id,
            book=row.book_key,
            what=Announced(row.what),
            remote=row.remote,
            happened_at=from_micros(row.happened_at),
            received_at=from_micros(row.received_at),
            attempts=row.attempts,
        )
        for row in rows
    ]


async def next_due(conn: AsyncConnection, connection_id: int) -> datetime | None:
    """From when one of them may be looked into; None where none waits."""
    found = (await conn.execute(_NEXT, {"connection": connection_id})).scalar_one()
    return None if found is None else from_micros(found)


async def drop_foreign(
    conn: AsyncConnection, connection_id: int, *, now: datetime, detail: str
) -> int:
    """Be done with those that no document of ours stands behind; how many they were.

    A payment may settle any document of its organisation.
    """
    values = {
        "connection": connection_id,
        "now": to_micros(now),
        "detail": detail,
        "standing": [state.value for state in STANDING],
        "payment": Announced.PAYMENT.value,
        "document": Announced.DOCUMENT.value,
    }
    return (await conn.execute(_FOREIGN, values)).rowcount


async def mark_processed(
    conn: AsyncConnection, ids: Collection[int], *, now: datetime, detail: str = ""
) -> None:
    """These need no further look."""
    if ids:
        await conn.execute(
            _PROCESSED, {"ids": sorted(ids), "now": to_micros(now), "detail": detail}
        )


async def put_off(
    conn: AsyncConnection, ids: Collection[int], *, until: datetime, detail: str
) -> None:
    """Looking failed; these come again."""
    if ids:
        await conn.execute(
            _AGAIN, {"ids": sorted(ids), "later": to_micros(until), "detail": detail}
        )


async def forget_processed(conn: AsyncConnection, connection_id: int, *, before: datetime) -> None:
    """Drop what was looked into before a moment; a vendor repeats nothing that old."""
    await conn.execute(_PRUNE, {"connection": connection_id, "before": to_micros(before)})
