"""A pull as a run: the row that claims it, the connection that is opened, the outcome as a value.

Used by `syncd pull` and by the daemon alike; one connection that fails never stops the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.pull import pull_connection
from syncd.core.service.runs import RunHandle, run
from syncd.core.store.census.evidence import unit_id_bounds
from syncd.core.store.census.records import PullResult
from syncd.core.store.overview import last_complete_size
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import SyncdError
from syncd.sdk.period import Period
from syncd.sdk.ports import SourceHints, UsageSource
from syncd.sdk.records import RunReport, ScopeState

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

PARTIAL_EXIT = 6
"""Exit code of a pull that is in the census and not proven whole."""

KIND = "pull"
"""Kind of the run rows of pulls; that of a month has the month behind it: `pull 2026-10`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullOutcome:
    """How the pull of one connection ended, as a value: one failing never stops the others.

    Attributes:
        connection: name.
        run_id: of its run.
        result: what the census took, None when nothing was recorded.
        error: why it failed, None otherwise.
        calls: HTTP requests sent, attempts included; None where the connector does not say.
        seconds: wall time.
        period: the month whose facts were read, empty for what stands now.
    """

    connection: str
    run_id: str
    result: PullResult | None
    error: SyncdError | None
    calls: int | None
    seconds: float
    period: str = ""

    @property
    def status(self) -> RunStatus:
        """`succeeded`, `partial` or `failed`."""
        if self.error is not None or self.result is None:
            return RunStatus.FAILED
        proven = self.result.state is ScopeState.COMPLETE
        return RunStatus.SUCCEEDED if proven else RunStatus.PARTIAL

    @property
    def exit_code(self) -> int:
        """0, 6 for partial, or the code of the error."""
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.status is RunStatus.SUCCEEDED else PARTIAL_EXIT


class CensusHints(SourceHints):
    """What the census remembers for a source that splits its read."""

    def __init__(self, database: Database, connection: ConnectionRef) -> None:
        self._database = database
        self._connection = connection

    async def unit_id_bounds(self, parts: int) -> Sequence[int]:
        async with self._database.reader() as conn:
            return await unit_id_bounds(conn, self._connection.id, parts)

    async def unit_count(self) -> int:
        async with self._database.reader() as conn:
            return await last_complete_size(conn, self._connection.id)


OpenSource = Callable[[SourceHints, EventLog], AbstractAsyncContextManager[UsageSource]]
"""Opens a connection's usage port with the census's hints and a log that counts calls."""


async def run_pull(
    database: Database,
    connection: ConnectionRef,
    open_source: OpenSource,
    *,
    scheduled_for: datetime | None,
    clock: Callable[[], datetime],
    log: EventLog,
    node: str,
    report: Callable[[RunReport], None] | None = None,
    progress: Callable[[int], None] | None = None,
    period: Period | None = None,
) -> PullOutcome:
    """Pull one connection as a run of its own; failures come back as values.

    Args:
        database: where the census is.
        connection: which.
        open_source: opens the vendor's connection.
        scheduled_for: the moment it was due, None for a manual pull.
        clock: current time in UTC.
        log: gets the events.
        node: who runs it.
        report: told of the finished run.
        progress: told the number of units read so far.
        period: the month whose facts are read; None for what stands now.

    Raises:
        RunDuplicate: this due pull was already taken.
        StoreError: the run could not be claimed.
    """
    began, calls = time.perf_counter(), _CallCounter(log)
    handle: RunHandle | None = None
    result: PullResult | None = None
    failed: SyncdError | None = None
    try:
        async with run(
            database,
            subject=connection.name,
            kind=KIND if period is None else f"{KIND} {period}",
            scheduled_for=scheduled_for,
            clock=clock,
            log=log,
            node=node,
            report=report,
        ) as handle:
            try:
                async with AsyncExitStack() as stack:
                    async with failures_recorded(database, connection, clock, log):
                        source = await stack.enter_async_context(
                            open_source(CensusHints(database, connection), calls)
                        )
                    result = await pull_connection(
                        database,
                        connection,
                        source,
                        clock=clock,
                        log=log,
                        run=handle,
                        progress=progress,
                        period=period,
                    )
            finally:
                if calls.sent:
                    handle.count("calls", calls.sent)
    except SyncdError as error:
        if handle is None:
            raise
        failed = error
    return PullOutcome(
        connection=connection.name,
        run_id=handle.id,
        result=result,
        error=failed,
        calls=calls.sent or None,
        seconds=time.perf_counter() - began,
        period="" if period is None else str(period),
    )


class _CallCounter:
    """A log that counts the requests which pass through it."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.sent = 0

    def __call__(self, event: str, /, **fields: Any) -> None:
        if event == "request.sent":
            self.sent += 1
        self._log(event, **fields)
