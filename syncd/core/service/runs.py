"""A run: one execution with a row, a history and exactly one closing log line.

The unique row decides who does a scheduled run, so that two nodes, a late alarm clock and a
catch-up after downtime can all ask for the same one and only one of them gets it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncd.core.store.runs import RunStatus, finish_run, insert_run
from syncd.log import bound
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import PlanHeld, StoreError, SyncdError
from syncd.sdk.records import RunReport

if TYPE_CHECKING:
    from syncd.core.store.database import Database

INTERRUPTED_WRITE_SECONDS = 5.0
"""How long a cancelled run may take to write that it was interrupted."""

_STEP = timedelta(microseconds=1)


class RunDuplicate(Exception):
    """This due run belongs to somebody else already: a normal outcome, nothing is to be done."""


@dataclass(slots=True)
class RunHandle:
    """What the work inside of a run says about it.

    Attributes:
        id: of the run; sorts by time.
        subject: connection, or a noun for runs over all.
        kind: `pull`, `plan`, `apply`, …
        scheduled_for: the moment it was due.
        started_at: UTC.
        status: how the run ends unless an exception decides otherwise.
        counts: numbers by name, for the row and the closing line.
        error_code: why it is not `succeeded` although nothing was raised, or None.
        error: its sentence.
    """

    id: str
    subject: str
    kind: str
    scheduled_for: datetime
    started_at: datetime
    status: RunStatus = RunStatus.SUCCEEDED
    counts: dict[str, int] = field(default_factory=dict)
    error_code: str | None = None
    error: str | None = None

    def count(self, name: str, n: int = 1) -> None:
        """Add to a number of the closing line."""
        self.counts[name] = self.counts.get(name, 0) + n

    def ends(self, status: RunStatus, *, code: str | None = None, error: str | None = None) -> None:
        """Say how the run ends although nothing was raised, e.g. partial with the reason."""
        self.status, self.error_code, self.error = status, code, error


def new_run_id(now: datetime) -> str:
    """Text that sorts by time and never repeats: `20261121T013005.123456-9f3a1c`."""
    return f"{now:%Y%m%dT%H%M%S.%f}-{secrets.token_hex(3)}"


@asynccontextmanager
async def run(
    database: Database,
    *,
    subject: str,
    kind: str,
    scheduled_for: datetime | None,
    clock: Callable[[], datetime],
    log: EventLog,
    node: str,
    report: Callable[[RunReport], None] | None = None,
) -> AsyncIterator[RunHandle]:
    """Claim a run, and write how it ended whatever happens inside.

    Args:
        database: where run rows are kept.
        subject: a connection's name, or a noun for runs over all.
        kind: `pull`, `plan`, `apply`, …
        scheduled_for: the moment it was due; None for a manual run, which is never a duplicate.
        clock: current time in UTC.
        log: gets `run.started` and exactly one `run.finished`.
        node: who runs it.
        report: told of the finished run; must not raise.

    Raises:
        RunDuplicate: the due run has a row already; `run.duplicate` was logged.
        StoreError: the row could not be written.
    """
    handle = await _claim(database, subject, kind, scheduled_for, clock(), node)
    if handle is None:
        log("run.duplicate", subject=subject, kind=kind, scheduled_for=str(scheduled_for))
        message = f"the {kind} of {subject} due at {scheduled_for} was already taken"
        raise RunDuplicate(message)
    closing = _Closing(database, handle, clock, log, report)
    with bound(run_id=handle.id, connection=subject):
        log("run.started", kind=kind, scheduled_for=handle.scheduled_for.isoformat())
        try:
            yield handle
        except asyncio.CancelledError as error:
            handle.ends(RunStatus.INTERRUPTED, code="RUN_INTERRUPTED", error="asked to stop")
            await _shielded(closing.write(masked_by=error, within=INTERRUPTED_WRITE_SECONDS))
            raise
        except BaseException as error:
            _blame(handle, error)
            await _shielded(closing.write(masked_by=error))
            raise
        await _shielded(closing.write())


async def _claim(
    database: Database,
    subject: str,
    kind: str,
    scheduled_for: datetime | None,
    now: datetime,
    node: str,
) -> RunHandle | None:
    due = scheduled_for or now
    run_id = new_run_id(now)
    async with database.writer() as conn:
        while not await insert_run(
            conn,
            run_id=run_id,
            subject=subject,
            kind=kind,
            scheduled_for=due,
            started_at=now,
            node=node,
        ):
            if scheduled_for is not None:
                return None
            due += _STEP
    return RunHandle(id=run_id, subject=subject, kind=kind, scheduled_for=due, started_at=now)


def _blame(handle: RunHandle, error: BaseException) -> None:
    """Set status and code from what was raised; of foreign errors only the type is told."""
    if isinstance(error, PlanHeld):
        handle.ends(RunStatus.HELD, code=error.code, error=str(error))
    elif isinstance(error, SyncdError):
        handle.ends(RunStatus.FAILED, code=error.code, error=str(error))
    elif isinstance(error, Exception):
        handle.ends(
            RunStatus.FAILED, code="DEFECT", error=f"{type(error).__name__}, see the traceback"
        )
    else:
        handle.ends(RunStatus.INTERRUPTED, code="RUN_INTERRUPTED", error=type(error).__name__)


@dataclass(slots=True)
class _Closing:
    """Row, closing line and report of a run, written once."""

    database: Database
    handle: RunHandle
    clock: Callable[[], datetime]
    log: EventLog
    report: Callable[[RunReport], None] | None
    began: float = field(default_factory=time.perf_counter)

    async def write(
        self, *, masked_by: BaseException | None = None, within: float | None = None
    ) -> None:
        """Write the end.

        Args:
            masked_by: what ends the run; a store that cannot write the row then only adds to the
                closing line, so that the first cause reaches the operator.
            within: seconds that the row may take, None for as long as the store allows.
        """
        run, finished_at = self.handle, self.clock()
        unrecorded: SyncdError | None = None
        try:
            async with asyncio.timeout(within), self.database.writer() as conn:
                await finish_run(
                    conn,
                    run.id,
                    status=run.status,
                    finished_at=finished_at,
                    counts=run.counts,
                    error_code=run.error_code,
                    error=run.error,
                )
        except SyncdError as error:
            unrecorded = error
        except TimeoutError:
            unrecorded = StoreError(f"the database took more than {within} s")
        fields: dict[str, object] = {**run.counts, "kind": run.kind, "status": run.status.value}
        if run.error_code is not None:
            fields |= {"error_code": run.error_code, "error": run.error}
        if unrecorded is not None:
            fields["unrecorded"] = str(unrecorded)
        self.log("run.finished", ms=int((time.perf_counter() - self.began) * 1000), **fields)
        if self.report is not None:
            self.report(
                RunReport(
                    run_id=run.id,
                    kind=run.kind,
                    connection=run.subject,
                    status=run.status.value,
                    started_at=run.started_at,
                    finished_at=finished_at,
                    counts=dict(run.counts),
                    error_code=run.error_code,
                )
            )
        if unrecorded is not None and masked_by is None:
            raise unrecorded


async def _shielded(write: Coroutine[Any, Any, None]) -> None:
    """Let the last write end although the task is cancelled; a second cancellation gives it up."""
    task = asyncio.ensure_future(write)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=2 * INTERRUPTED_WRITE_SECONDS)
        raise
