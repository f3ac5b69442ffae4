"""Pulls of months: which ones are due, and the pull of what stands together with them.

The running month is read with every pull; the one before it until a pull taken after its end proved
it whole. Whatever is corrected later is pulled by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.pull import reports_months
from syncd.core.service.pull_run import OpenSource, PullOutcome, run_pull
from syncd.core.service.runs import RunDuplicate
from syncd.core.store.types import to_micros
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period, last_finished
from syncd.sdk.ports import SourceHints, UsageSource
from syncd.sdk.records import RunReport

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_FINAL = text(
    "SELECT 1 FROM pull p WHERE p.connection_id = :connection AND p.period = :period "
    "AND p.state = 'complete' AND p.taken_at >= :ended "
    "AND NOT EXISTS (SELECT 1 FROM pull_void v WHERE v.pull_id = p.id) LIMIT 1"
)
_BILLED_BY_MONTH = text(
    "SELECT b.products, p.key FROM billing_configuration b "
    "JOIN product p ON p.connection_id = b.connection_id "
    "WHERE b.connection_id = :connection AND b.superseded_at IS NULL AND p.monthly"
)


async def run_pulls(
    database: Database,
    connection: ConnectionRef,
    open_source: OpenSource,
    *,
    timezone: ZoneInfo,
    scheduled_for: datetime | None,
    clock: Callable[[], datetime],
    log: EventLog,
    node: str,
    report: Callable[[RunReport], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[PullOutcome]:
    """Pull what stands, and of a source that reports months those that are due, one run each.

    The vendor's connection is opened once. Where what stands cannot be read at all, no month is
    asked for.

    Args:
        database: where the census is.
        connection: which.
        open_source: opens the vendor's connection.
        timezone: of billing; it says which month is which.
        scheduled_for: the moment it was due, None for a manual pull.
        clock: current time in UTC.
        log: gets the events.
        node: who runs it.
        report: told of each finished run.
        progress: told the number of units read so far.

    Returns:
        one outcome per run, that of what stands first; without a month that somebody else read
        for this due time.

    Raises:
        RunDuplicate: this due pull of what stands was already taken.
        StoreError: a run could not be claimed.
    """
    async with AsyncExitStack() as stack:
        opened = _OpenedOnce(open_source, stack)

        async def pulled(period: Period | None) -> PullOutcome:
            return await run_pull(
                database,
                connection,
                opened,
                scheduled_for=scheduled_for,
                clock=clock,
                log=log,
                node=node,
                report=report,
                progress=progress,
                period=period,
            )

        outcomes = [await pulled(None)]
        if outcomes[0].error is None and opened.reports_months:
            async with database.reader() as conn:
                months = await due_months(conn, connection.id, timezone, clock())
            for month in months:
                # One that was read for this very due time, as bills do, is not read again.
                with suppress(RunDuplicate):
                    outcomes.append(await pulled(month))
    return outcomes


async def due_months(
    conn: AsyncConnection, connection_id: int, timezone: ZoneInfo, now: datetime
) -> list[Period]:
    """The finished month while it is not final, then the one that runs."""
    before = last_finished(now, timezone)
    final = await is_final(conn, connection_id, before, timezone)
    return [*([] if final else [before]), before.following()]


async def is_final(
    conn: AsyncConnection, connection_id: int, period: Period, timezone: ZoneInfo
) -> bool:
    """Whether a pull of the month taken after its end proved everything."""
    bound = {
        "connection": connection_id,
        "period": str(period),
        "ended": to_micros(period.end(timezone)),
    }
    return await conn.scalar(_FINAL, bound) is not None


async def awaits_month(
    conn: AsyncConnection, connection_id: int, period: Period, timezone: ZoneInfo
) -> bool:
    """Whether a configuration bills facts of months of the source, and those are not final."""
    rows = await conn.execute(_BILLED_BY_MONTH, {"connection": connection_id})
    billed = any(row.key in msgspec.json.decode(row.products, type=list[str]) for row in rows)
    return billed and not await is_final(conn, connection_id, period, timezone)


class _OpenedOnce:
    """A source that the first pull opens and the last one leaves open for the stack to close."""

    def __init__(self, open_source: OpenSource, stack: AsyncExitStack) -> None:
        self._open = open_source
        self._stack = stack
        self._log: EventLog | None = None
        self._source: UsageSource | None = None

    @property
    def reports_months(self) -> bool:
        return self._source is not None and reports_months(self._source)

    @asynccontextmanager
    async def __call__(self, hints: SourceHints, log: EventLog) -> AsyncIterator[UsageSource]:
        # The calls of each pull go to that pull's own log, which counts them.
        self._log = log
        if self._source is None:
            self._source = await self._stack.enter_async_context(self._open(hints, self._tell))
        yield self._source

    def _tell(self, event: str, /, **fields: Any) -> None:
        if self._log is not None:
            self._log(event, **fields)
