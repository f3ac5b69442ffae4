"""Webhooks, looked into after they were answered: what they name is asked for again, once.

What cannot be asked for now comes again later. Nothing rests on a webhook: what is lost is seen by
the read on schedule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.store.webhooks import (
    WaitingWebhook,
    forget_processed,
    mark_processed,
    put_off,
    waiting_webhooks,
)
from syncd.sdk.errors import ConnectorError, TransientError
from syncd.sdk.webhooks import Announced

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

MOST: Final = 500
"""Announcements that one run looks into; more follow in the next."""

KEPT_DAYS: Final = 45
"""How long those that were looked into are kept, to know repeats; vendors replay a month."""

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_TRIES: Final = 12
"""After so many the read on schedule must do."""

Refresh = Callable[[Announced, Sequence[str]], Awaitable[None]]
"""Asks the vendor for things of one kind by their ids, and settles what that changes."""


@dataclass(slots=True)
class Looked:
    """What a run did.

    Attributes:
        done: announcements that need no further look.
        foreign: of them, those about another organisation, or of no interest.
        waiting: that come again later.
        given_up: that were left to the read on schedule.
        error: the first failure, None where there was none.
    """

    done: int = 0
    foreign: int = 0
    waiting: int = 0
    given_up: int = 0
    error: ConnectorError | None = None


async def look_into(
    database: Database,
    connection: ConnectionRef,
    *,
    book: str,
    refresh: Refresh,
    clock: Callable[[], datetime],
) -> Looked:
    """Look into what waits.

    Args:
        database: where they wait.
        connection: whose.
        book: the organisation that the connection writes to; others are of no interest.
        refresh: see `Refresh`; its failure concerns the ids it was called with.
        clock: UTC.

    Raises:
        StoreError: the database cannot serve; nothing is lost.
    """
    looked = Looked()
    now = clock()
    async with database.reader() as conn:
        waiting = await waiting_webhooks(conn, connection.id, now=now, most=MOST)
    groups: dict[Announced, list[WaitingWebhook]] = {}
    foreign = []
    for one in waiting:
        if one.book != book or one.what not in (Announced.DOCUMENT, Announced.PAYMENT):
            foreign.append(one.id)
        else:
            groups.setdefault(one.what, []).append(one)
    for what, ones in groups.items():
        await _look(database, what, ones, refresh, looked, clock)
    async with database.writer() as conn:
        await mark_processed(conn, foreign, now=now, detail="not ours")
        await forget_processed(conn, connection.id, before=now - timedelta(days=KEPT_DAYS))
    looked.foreign = len(foreign)
    looked.done += len(foreign)
    return looked


async def _look(
    database: Database,
    what: Announced,
    ones: Sequence[WaitingWebhook],
    refresh: Refresh,
    looked: Looked,
    clock: Callable[[], datetime],
) -> None:
    by_remote: Mapping[str, None] = dict.fromkeys(one.remote for one in ones)
    try:
        await refresh(what, tuple(by_remote))
    except ConnectorError as error:
        looked.error = looked.error or error
        await _again(database, ones, error, looked, clock())
        return
    async with database.writer() as conn:
        await mark_processed(conn, [one.id for one in ones], now=clock())
    looked.done += len(ones)


async def _again(
    database: Database,
    ones: Sequence[WaitingWebhook],
    error: ConnectorError,
    looked: Looked,
    now: datetime,
) -> None:
    """Put them off, longer each time; those that came too often are left alone."""
    asked = error.retry_after if isinstance(error, TransientError) else None
    async with database.writer() as conn:
        for one in ones:
            if one.attempts + 1 >= _TRIES:
                await mark_processed(conn, [one.id], now=now, detail=f"given up: {error.code}")
                looked.given_up += 1
                continue
            pause = min(_FIRST_PAUSE * 2**one.attempts, _LONGEST_PAUSE)
            if asked is not None:
                pause = max(pause, timedelta(seconds=asked))
            await put_off(conn, [one.id], until=now + pause, detail=error.code)
            looked.waiting += 1
