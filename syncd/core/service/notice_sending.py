"""Messages on their way: each is claimed before it is sent, and one that may have arrived stays.

What surely did not arrive is tried again with growing pauses. A crash or a silence after the text
was handed over makes a message unknown: it is never sent again, an issue says so, and the next
message repeats what it said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from syncd.core.service.issue_book import IssueBook
from syncd.core.service.notice_content import Reader
from syncd.core.service.notice_gathering import NOTIFIER_FAILED
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.notices import NoticeRow, NoticeState, move, waiting_messages
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import OutcomeUnknown, SyncdError
from syncd.sdk.notices import Notifier
from syncd.sdk.verdict import cleaned

if TYPE_CHECKING:
    from syncd.core.store.database import Database

SEND_SECONDS: Final = 30.0
"""Most seconds for one message, whatever the plugin does."""

LOST_AFTER: Final = timedelta(seconds=4 * SEND_SECONDS)
"""A message that is being sent for so long belongs to a process that died."""

ATTEMPTS: Final = 12
LONGEST_PAUSE: Final = timedelta(hours=1)

LAST_WRITE_SECONDS: Final = 2.0
"""How long a cancelled sending may take to write how it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierDesk:
    """What sending needs of one notifier.

    Attributes:
        name: in the configuration.
        reader: who reads.
        open: an opened notifier.
        secrets: values that no error may repeat, whatever a plugin says.
    """

    name: str
    reader: Reader
    open: Callable[[], AbstractAsyncContextManager[Notifier]]
    secrets: Collection[str] = ()


def pause_after(attempts: int) -> timedelta:
    """How long a message rests after so many attempts: 1, 2, 4 … minutes, an hour at most."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 10)), LONGEST_PAUSE)


async def send_waiting(
    database: Database, desk: NotifierDesk, *, clock: Callable[[], datetime], log: EventLog
) -> None:
    """Send what waits and is due, the oldest first; stops at the first that fails.

    Raises:
        StoreError: the database cannot serve.
    """
    async with database.reader() as conn:
        rows = await waiting_messages(conn, desk.name)
    for row in rows:
        if row.state is NoticeState.SENDING:
            await _give_up(database, desk, row, clock, log)
        elif _is_due(row, clock()) and await send_one(
            database, desk, row, clock=clock, log=log
        ) not in {None, NoticeState.SENT}:
            return


async def send_one(
    database: Database,
    desk: NotifierDesk,
    row: NoticeRow,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    attempts: int = ATTEMPTS,
) -> NoticeState | None:
    """Send one message, and write how that ended.

    Returns:
        its new state; None when another process took it.

    Raises:
        StoreError: the database cannot serve.
    """
    async with database.writer() as conn:
        if not await move(conn, row.id, NoticeState.PENDING, NoticeState.SENDING, clock()):
            return None
    last = row.attempts + 1 >= attempts
    begun = asyncio.Event()
    try:
        async with asyncio.timeout(SEND_SECONDS), desk.open() as notifier:
            detail = await notifier.send(row.told.notice, begun.set)
    except asyncio.CancelledError:
        end = _Ended.when(begun, "asked to stop while it was sent")
        await _within(_settle(database, desk, row, end, clock, log), LAST_WRITE_SECONDS)
        raise
    except TimeoutError:
        said = f"no end within {SEND_SECONDS:.0f} s"
        end = _Ended.when(begun, said, last=last)
    except OutcomeUnknown as error:
        end = _Ended(NoticeState.UNKNOWN, str(error), error.remedy)
    except SyncdError as error:
        state = NoticeState.FAILED if last else NoticeState.PENDING
        end = _Ended(state, str(error), error.remedy)
    except Exception as error:  # noqa: BLE001 - isolation: written and told as an issue
        said = f"{type(error).__name__} in the plugin"
        end = _Ended.when(begun, said, last=last, remedy="report this to the plugin's author")
    else:
        end = _Ended(NoticeState.SENT, detail)
    await _settle(database, desk, row, end, clock, log)
    return end.state


@dataclass(frozen=True, slots=True)
class _Ended:
    """How an attempt ended."""

    state: NoticeState
    detail: str = ""
    remedy: str = ""

    @classmethod
    def when(
        cls, begun: asyncio.Event, detail: str, *, last: bool = False, remedy: str = ""
    ) -> _Ended:
        """The end of an attempt that says nothing itself: what had begun may have arrived."""
        if begun.is_set():
            return cls(NoticeState.UNKNOWN, f"{detail}; it may have arrived", remedy)
        return cls(NoticeState.FAILED if last else NoticeState.PENDING, detail, remedy)


def _is_due(row: NoticeRow, now: datetime) -> bool:
    if row.changed_at is None or not row.attempts:
        return True
    return row.changed_at + pause_after(row.attempts) <= now


async def _give_up(
    database: Database,
    desk: NotifierDesk,
    row: NoticeRow,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """A message whose sender died is unknown."""
    if row.changed_at is not None and row.changed_at + LOST_AFTER <= clock():
        end = _Ended(
            NoticeState.UNKNOWN, "the process ended while it was sent; it may have arrived"
        )
        await _settle(database, desk, row, end, clock, log)


async def _settle(
    database: Database,
    desk: NotifierDesk,
    row: NoticeRow,
    end: _Ended,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    detail = cleaned(end.detail, list(desk.secrets))
    async with database.writer() as conn:
        now = clock()
        book = IssueBook(conn, "", now)
        if await move(conn, row.id, NoticeState.SENDING, end.state, now, detail=detail):
            if end.state is NoticeState.SENT and not detail:
                await book.close(NOTIFIER_FAILED, desk.name)
            else:
                remedy = cleaned(end.remedy, list(desk.secrets))
                await book.open(NOTIFIER_FAILED, desk.name, _finding(desk, end, detail, remedy))
            _tell(book, desk, row, end.state, detail)
    book.speak(log)


def _tell(
    book: IssueBook, desk: NotifierDesk, row: NoticeRow, state: NoticeState, detail: str
) -> None:
    if state is NoticeState.SENT:
        book.tell("notice.sent", notifier=desk.name, notice=row.subject, attempt=row.attempts + 1)
    elif state is NoticeState.PENDING:
        book.tell(
            "notice.delayed",
            notifier=desk.name,
            notice=row.subject,
            reason=detail,
            attempt=row.attempts + 1,
        )
    else:
        book.tell(
            "notice.lost", notifier=desk.name, notice=row.subject, state=state.value, reason=detail
        )


def _finding(desk: NotifierDesk, end: _Ended, detail: str, remedy: str) -> Finding:
    what = {
        NoticeState.SENT: "sent a message, yet not as it should be",
        NoticeState.PENDING: "could not send a message; it is tried again",
        NoticeState.FAILED: "could not send a message and gave it up; the next one repeats it",
        NoticeState.UNKNOWN: "sent a message that may not have arrived; it is not sent again, and "
        "the next one repeats it",
    }[end.state]
    mend = f"{remedy[0].upper()}{remedy[1:].rstrip('.')}; then" if remedy else "Try it:"
    return Finding(
        message=f"Notifier {desk.name} {what}: {detail or 'no reason was given'}.",
        remedy=f"{mend} `syncd notify test {desk.name}`; `syncd notify list` shows what was told.",
        severity=IssueSeverity.WARNING if end.state is NoticeState.SENT else IssueSeverity.ERROR,
        evidence={"notifier": desk.name, "state": end.state.value},
    )


async def _within(write: Coroutine[Any, Any, None], seconds: float) -> None:
    """A last write while the task is being cancelled; what it does not reach is found later."""
    task = asyncio.ensure_future(write)
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()
