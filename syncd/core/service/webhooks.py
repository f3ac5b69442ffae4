"""Webhooks, looked into after they were answered: what they name is asked for again, once.

What cannot be asked for now comes again later. Nothing rests on a webhook: what is lost is seen by
the read on schedule.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.store.delivery_lock import BooksBusy
from syncd.core.store.webhooks import (
    WaitingWebhook,
    drop_foreign,
    forget_processed,
    mark_processed,
    put_off,
    waiting_webhooks,
)
from syncd.sdk.errors import AuthError, RateLimited, StoreError, SyncdError, TransientError
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

Open = Callable[[], AbstractAsyncContextManager[Refresh]]
"""Opens the vendor."""


@dataclass(slots=True)
class Looked:
    """What a run did.

    Attributes:
        done: announcements that need no further look.
        foreign: of them, those that no document of ours stands behind.
        asked: the vendor was opened.
        waiting: that come again later.
        given_up: that were left to the read on schedule.
        error: the first failure, None where there was none.
        closed_until: the vendor refused everything, and is not to be asked before.
    """

    done: int = 0
    foreign: int = 0
    asked: bool = False
    waiting: int = 0
    given_up: int = 0
    error: Exception | None = None
    closed_until: datetime | None = None


async def look_into(
    database: Database,
    connection: ConnectionRef,
    *,
    opened: Open,
    clock: Callable[[], datetime],
) -> Looked:
    """Look into what is due; the vendor is opened only where a document of ours stands behind it.

    Args:
        database: where they wait.
        connection: whose.
        opened: see `Open`; a failure concerns everything that is due.
        clock: UTC.

    Raises:
        StoreError: the database cannot serve; nothing is lost.
    """
    looked = Looked()
    now = clock()
    async with database.writer() as conn:
        looked.foreign = await drop_foreign(conn, connection.id, now=now, detail="not ours")
        await forget_processed(conn, connection.id, before=now - timedelta(days=KEPT_DAYS))
        waiting = await waiting_webhooks(conn, connection.id, now=now, most=MOST)
    looked.done = looked.foreign
    groups: dict[Announced, list[WaitingWebhook]] = {}
    for one in waiting:
        groups.setdefault(one.what, []).append(one)
    if groups:
        looked.asked = True
        await _ask(database, groups, opened, looked, clock)
    return looked


async def _ask(
    database: Database,
    groups: dict[Announced, list[WaitingWebhook]],
    opened: Open,
    looked: Looked,
    clock: Callable[[], datetime],
) -> None:
    """Ask kind by kind; a refusal of the connection itself ends it for all that is left."""
    left = dict(groups)
    try:
        async with opened() as refresh:
            for what, ones in groups.items():
                await _look(database, refresh, what, ones, looked, clock)
                del left[what]
    except Exception as error:
        if _ours(error):
            raise
        unasked = [one for ones in left.values() for one in ones]
        looked.closed_until = await _again(database, unasked, error, looked, clock())


async def _look(
    database: Database,
    refresh: Refresh,
    what: Announced,
    ones: Sequence[WaitingWebhook],
    looked: Looked,
    clock: Callable[[], datetime],
) -> None:
    by_remote: Mapping[str, None] = dict.fromkeys(one.remote for one in ones)
    try:
        await refresh(what, tuple(by_remote))
    except (AuthError, RateLimited):
        raise
    except Exception as error:
        if _ours(error):
            raise
        await _again(database, ones, error, looked, clock())
        return
    async with database.writer() as conn:
        await mark_processed(conn, [one.id for one in ones], now=clock())
    looked.done += len(ones)


def _ours(error: Exception) -> bool:
    """Whether the database failed, so that nothing can be written about the try either."""
    return isinstance(error, StoreError) and not isinstance(error, BooksBusy)


async def _again(
    database: Database,
    ones: Sequence[WaitingWebhook],
    error: Exception,
    looked: Looked,
    now: datetime,
) -> datetime:
    """Put them off, longer each time; those that came too often are left alone.

    All wait as long as the one that was tried most often, so that news does not shorten the pause.

    Returns:
        Until when.
    """
    looked.error = looked.error or error
    tries = max((one.attempts for one in ones), default=0)
    pause = min(_FIRST_PAUSE * (1 << tries), _LONGEST_PAUSE)
    if isinstance(error, TransientError) and error.retry_after is not None:
        pause = max(pause, timedelta(seconds=error.retry_after))
    code = error.code if isinstance(error, SyncdError) else type(error).__name__
    over = [one.id for one in ones if one.attempts + 1 >= _TRIES]
    later = [one.id for one in ones if one.attempts + 1 < _TRIES]
    async with database.writer() as conn:
        await mark_processed(conn, over, now=now, detail=f"given up: {code}")
        await put_off(conn, later, until=now + pause, detail=code)
    looked.given_up += len(over)
    looked.waiting += len(later)
    return now + pause
