"""From what the database knows to messages that are kept before they are sent.

Each run, issue and closing window is claimed by a unique row, so that a command and the daemon
tell it once between them, and a crash before the commit leaves it to be told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.service.connection_health import FAILURES
from syncd.core.service.notice_content import ClosingWindow, EarlierNotice, News, Reader
from syncd.core.service.notices import compose
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.notices import (
    NoticeRow,
    Told,
    advance,
    claim,
    is_claimed,
    keep_message,
    lost_messages,
    position,
    release,
    sent_bills,
    untold_issues,
    untold_runs,
)
from syncd.core.store.runs import RunRecord
from syncd.sdk.notices import Notice

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.database import Database

OVERLAP: Final = timedelta(minutes=1)
"""How far back runs are looked at again: one may be committed a little after a later one."""

NOTIFIER_FAILED: Final = "NOTIFIER_FAILED"

FindWindow = Callable[["AsyncConnection", datetime], Awaitable[ClosingWindow | None]]
"""What a window that ends today leaves, or None."""


async def gather_notice(
    database: Database,
    notifier: str,
    reader: Reader,
    *,
    now: datetime,
    window: FindWindow | None = None,
) -> Notice | None:
    """Keep the one message about what is new, if anything needs its reader.

    Args:
        database: where everything is.
        notifier: who carries it.
        reader: who reads it.
        now: UTC.
        window: looks for a window that closes; None where nobody looks.

    Raises:
        StoreError: the database cannot serve; nothing was claimed.
    """
    async with database.reader() as conn:
        since = await position(conn, notifier)
        runs = await untold_runs(conn, notifier, (since or now) - OVERLAP)
        fresh = await _fresh_issues(conn, notifier)
        closing = await _closing(conn, notifier, now, window)
    if not runs and not fresh and closing is None:
        return None
    async with database.writer() as conn:
        await advance(conn, notifier, now)
        return await _kept(conn, notifier, reader, runs, closing, now)


async def _fresh_issues(conn: AsyncConnection, notifier: str) -> bool:
    return bool(await untold_issues(conn, notifier))


async def _closing(
    conn: AsyncConnection, notifier: str, now: datetime, window: FindWindow | None
) -> ClosingWindow | None:
    found = None if window is None else await window(conn, now)
    if found is None or await is_claimed(conn, notifier, f"window/{found.period}"):
        return None
    return found


async def _kept(
    conn: AsyncConnection,
    notifier: str,
    reader: Reader,
    runs: list[RunRecord],
    closing: ClosingWindow | None,
    now: datetime,
) -> Notice | None:
    """Claim, compose and keep; inside of one transaction."""
    fresh = await untold_issues(conn, notifier)
    standing = await open_issues(conn)
    # That a notifier fails is told by the others; by itself it would be old once it can speak.
    told = [
        one for one in standing if not (one.code == NOTIFIER_FAILED and one.subject == notifier)
    ]
    lost = await lost_messages(conn, notifier)
    of_runs = await claim(conn, notifier, [f"run/{run.id}" for run in runs], now)
    of_issues = await claim(
        conn, notifier, [f"issue/{one.id}" for one in told if one.id in fresh], now
    )
    of_window = (
        frozenset()
        if closing is None
        else await claim(conn, notifier, [f"window/{closing.period}"], now)
    )
    mine = [run for run in runs if f"run/{run.id}" in of_runs]
    news = News(
        runs=tuple(mine),
        issues=tuple(one for one in told if f"issue/{one.id}" in of_issues),
        covered=_covered(standing),
        sent=tuple(await sent_bills(conn, *_span(mine))) if mine else (),
        closing=closing if of_window else None,
        earlier=tuple(_earlier(row, reader) for row in lost),
    )
    first = min(of_runs | of_issues | of_window, default=None)
    notice = None if first is None else compose(news, reader, notice_id=f"by/{first}", now=now)
    if notice is None:
        # Issues stay claimed: they are known to need nobody here. Runs are looked at once more
        # within the overlap, beside what may come then.
        await release(conn, notifier, of_runs)
        return None
    await claim(conn, notifier, [f"again/{row.id}" for row in lost], now)
    await keep_message(conn, notifier, notice.id, Told(notice, reader.clients), now)
    return notice


def _covered(standing: list[Issue]) -> frozenset[str]:
    """Codes that stand open, and connections that are known to be out of order."""
    broken = {one.connection for one in standing if one.code in FAILURES}
    return frozenset({one.code for one in standing} | broken)


def _span(runs: list[RunRecord]) -> tuple[datetime, datetime]:
    ends = [run.finished_at for run in runs if run.finished_at is not None]
    return min(run.started_at for run in runs), max(ends)


def _earlier(row: NoticeRow, reader: Reader) -> EarlierNotice:
    """A lost message; what it said of clients is kept from a reader of counts."""
    may_know = reader.clients or not row.told.clients
    lines = tuple(
        line
        for section in row.told.notice.sections
        for line in section.lines
        if section.heading != "What to do next"
    )
    return EarlierNotice(
        made_at=row.created_at, title=row.told.notice.title, lines=lines if may_know else ()
    )
