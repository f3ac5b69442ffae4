"""Messages to notifiers and what they carry; a unique row decides who tells a thing, and once.

A row is a message (`pending`, `sending`, `sent`, `failed`, `unknown`), a thing that a message tells
of (`part`: a run, an issue, a month), or how far runs were looked at (`position`). SQL text, since
every command with a run comes by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.runs import RunRecord, RunStatus
from syncd.core.store.types import from_micros, to_micros
from syncd.sdk.money import from_scaled
from syncd.sdk.notices import Notice


class NoticeState(StrEnum):
    """How a row stands; of messages only the first two still move."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    PART = "part"
    POSITION = "position"


LOST: Final = frozenset({NoticeState.FAILED, NoticeState.UNKNOWN})
"""Messages that may not have been read; the next one repeats what they said."""

_MESSAGES: Final = "'pending', 'sending', 'sent', 'failed', 'unknown'"
_POSITION: Final = "position"


class Told(msgspec.Struct, frozen=True):
    """The content of a message as stored.

    Attributes:
        notice: what is said.
        clients: it was composed for somebody who may read names of clients and money.
    """

    notice: Notice
    clients: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One message as stored.

    Attributes:
        id: row id.
        notifier: name in the configuration.
        subject: unique for the notifier.
        told: its content.
        state: see `NoticeState`.
        attempts: how often sending was begun.
        detail: why it stands so, or empty.
        created_at: UTC.
        changed_at: UTC, of the last attempt or its end; None before the first.
    """

    id: int
    notifier: str
    subject: str
    told: Told
    state: NoticeState
    attempts: int
    detail: str
    created_at: datetime
    changed_at: datetime | None


_INSERT = text(
    "INSERT INTO notice (notifier, subject, content, state, attempts, detail, created_at) "
    "VALUES (:notifier, :subject, :content, :state, 0, :detail, :now) "
    "ON CONFLICT (notifier, subject) DO NOTHING"
)
_COLUMNS = "id, notifier, subject, content, state, attempts, detail, created_at, settled_at"
_MOVE = text(
    "UPDATE notice SET state = :to, detail = :detail, attempts = attempts + :tries, "
    "settled_at = :now WHERE id = :id AND state = :since"
)
_POSITION_OF = text(
    "SELECT settled_at FROM notice WHERE notifier = :notifier AND subject = 'position'"
)
_ADVANCE = text(
    "UPDATE notice SET settled_at = :now WHERE notifier = :notifier AND subject = 'position'"
)
_RUNS = text(
    "SELECT id, subject, kind, scheduled_for, status, started_at, finished_at, node, counts, "
    "error_code, error FROM run WHERE finished_at >= :since AND NOT EXISTS (SELECT 1 FROM notice "
    "WHERE notifier = :notifier AND notice.subject = 'run/' || run.id) ORDER BY finished_at, id"
)
_ISSUES = text(
    "SELECT id FROM issue WHERE closed_at IS NULL AND NOT EXISTS (SELECT 1 FROM notice "
    "WHERE notifier = :notifier AND notice.subject = 'issue/' || issue.id)"
)
_LOST = text(
    f"SELECT {_COLUMNS} FROM notice AS lost WHERE notifier = :notifier "  # noqa: S608 - constants
    "AND state IN ('failed', 'unknown') AND subject NOT LIKE 'test/%' AND NOT EXISTS (SELECT 1 "
    "FROM notice WHERE notifier = :notifier AND notice.subject = 'again/' || lost.id) ORDER BY id"
)
_SENT_BILLS = text(
    "SELECT period, currency, COUNT(*) AS bills, SUM(total_price) AS money, "
    "COUNT(total_price) AS priced FROM bill "
    "WHERE completed_at >= :since AND completed_at <= :until "
    "GROUP BY period, currency ORDER BY period, currency"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBills:
    """Bills of a month that were sent; `money` is None where the PSA knows it alone."""

    period: str
    currency: str
    bills: int
    money: Any = None


async def position(conn: AsyncConnection, notifier: str) -> datetime | None:
    """The moment up to which runs were looked at, None before the first time."""
    found = (await conn.execute(_POSITION_OF, {"notifier": notifier})).scalar_one_or_none()
    return None if found is None else from_micros(found)


async def advance(conn: AsyncConnection, notifier: str, now: datetime) -> None:
    """Say that runs were looked at up to now."""
    values = {"notifier": notifier, "now": to_micros(now)}
    if not (await conn.execute(_ADVANCE, values)).rowcount:
        await _insert(conn, notifier, _POSITION, NoticeState.POSITION, now)
        await conn.execute(_ADVANCE, values)


async def untold_runs(conn: AsyncConnection, notifier: str, since: datetime) -> list[RunRecord]:
    """Runs that ended since then and that no message told of, in their order."""
    values = {"notifier": notifier, "since": to_micros(since)}
    return [
        RunRecord(
            id=row.id,
            subject=row.subject,
            kind=row.kind,
            scheduled_for=from_micros(row.scheduled_for),
            status=RunStatus(row.status),
            started_at=from_micros(row.started_at),
            finished_at=from_micros(row.finished_at),
            node=row.node,
            counts=msgspec.json.decode(row.counts, type=dict[str, int]),
            error_code=row.error_code,
            error=row.error,
        )
        for row in await conn.execute(_RUNS, values)
    ]


async def untold_issues(conn: AsyncConnection, notifier: str) -> set[int]:
    """Ids of open issues that no message told of."""
    return set((await conn.execute(_ISSUES, {"notifier": notifier})).scalars())


async def lost_messages(conn: AsyncConnection, notifier: str) -> list[NoticeRow]:
    """Messages that may not have been read and that no later one repeats."""
    return [_row(row) for row in await conn.execute(_LOST, {"notifier": notifier})]


async def sent_bills(conn: AsyncConnection, since: datetime, until: datetime) -> list[SentBills]:
    """Bills that were completed in between, by month."""
    values = {"since": to_micros(since), "until": to_micros(until)}
    return [
        SentBills(
            period=row.period,
            currency=row.currency,
            bills=row.bills,
            money=from_scaled(int(row.money)) if row.priced == row.bills else None,
        )
        for row in await conn.execute(_SENT_BILLS, values)
    ]


async def is_claimed(conn: AsyncConnection, notifier: str, subject: str) -> bool:
    """Whether a message tells of this already."""
    statement = text("SELECT 1 FROM notice WHERE notifier = :notifier AND subject = :subject")
    values = {"notifier": notifier, "subject": subject}
    return (await conn.execute(statement, values)).first() is not None


async def claim(
    conn: AsyncConnection, notifier: str, subjects: Sequence[str], now: datetime
) -> frozenset[str]:
    """Take things to tell; those that another message has already are left out."""
    taken = set()
    for subject in subjects:
        if await _insert(conn, notifier, subject, NoticeState.PART, now):
            taken.add(subject)
    return frozenset(taken)


async def release(conn: AsyncConnection, notifier: str, subjects: Collection[str]) -> None:
    """Give things back that are not told of after all."""
    statement = text(
        "DELETE FROM notice WHERE notifier = :notifier AND subject = :subject AND state = 'part'"
    )
    for subject in subjects:
        await conn.execute(statement, {"notifier": notifier, "subject": subject})


async def keep_message(
    conn: AsyncConnection, notifier: str, subject: str, told: Told, now: datetime
) -> bool:
    """Keep a message before it is sent; False when there is one of this subject."""
    content = msgspec.json.encode(told).decode()
    return await _insert(conn, notifier, subject, NoticeState.PENDING, now, content)


async def waiting_messages(conn: AsyncConnection, notifier: str) -> list[NoticeRow]:
    """Messages that are not at their end, the oldest first."""
    return await _messages(
        conn,
        "notifier = :notifier AND state IN ('pending', 'sending') ORDER BY id",
        {"notifier": notifier},
    )


async def recent_messages(conn: AsyncConnection, limit: int) -> list[NoticeRow]:
    """Messages of all notifiers, the newest first."""
    chosen = f"state IN ({_MESSAGES}) ORDER BY created_at DESC, id DESC LIMIT :limit"
    return await _messages(conn, chosen, {"limit": limit})


async def message(conn: AsyncConnection, notifier: str, subject: str) -> NoticeRow | None:
    """One message, or None."""
    values = {"notifier": notifier, "subject": subject}
    found = await _messages(conn, "notifier = :notifier AND subject = :subject", values)
    return found[0] if found else None


async def move(
    conn: AsyncConnection,
    row_id: int,
    since: NoticeState,
    to: NoticeState,
    now: datetime,
    *,
    detail: str = "",
) -> bool:
    """Change the state of a message; False when it was not in the state it should be in."""
    values = {
        "id": row_id,
        "since": since.value,
        "to": to.value,
        "detail": detail,
        "tries": int(to is NoticeState.SENDING),
        "now": to_micros(now),
    }
    return bool((await conn.execute(_MOVE, values)).rowcount)


async def _messages(
    conn: AsyncConnection, chosen: str, values: Mapping[str, Any]
) -> list[NoticeRow]:
    statement = text(f"SELECT {_COLUMNS} FROM notice WHERE {chosen}")  # noqa: S608 - constants
    return [_row(row) for row in await conn.execute(statement, values)]


async def _insert(
    conn: AsyncConnection,
    notifier: str,
    subject: str,
    state: NoticeState,
    now: datetime,
    content: str = "",
) -> bool:
    values = {
        "notifier": notifier,
        "subject": subject,
        "content": content,
        "state": state.value,
        "detail": "",
        "now": to_micros(now),
    }
    return bool((await conn.execute(_INSERT, values)).rowcount)


def _row(row: Any) -> NoticeRow:
    return NoticeRow(
        id=row.id,
        notifier=row.notifier,
        subject=row.subject,
        told=msgspec.json.decode(row.content, type=Told),
        state=NoticeState(row.state),
        attempts=row.attempts,
        detail=row.detail,
        created_at=from_micros(row.created_at),
        changed_at=None if row.settled_at is None else from_micros(row.settled_at),
    )
