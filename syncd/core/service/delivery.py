"""Delivery: exactly once to a PSA that is not, by never repeating a write blind.

pending -> sending, committed before the call -> delivered | rejected | unknown; an unknown write is
looked up after the vendor had time to settle, and is delivered, proven absent and sent again, or
parked for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.core.service.answers import AnswerT, answer_of
from syncd.core.service.committed_together import commit_together
from syncd.core.service.delivery_loop import Pace, drain, one_per_key
from syncd.core.service.endings import Ending, Endings
from syncd.core.service.lookup import look_up, proven_absent
from syncd.core.service.settlement import Settler
from syncd.core.store.attempts import attempts
from syncd.core.store.delivery_lock import delivery_turn
from syncd.core.store.outbox import OutboxItem, OutboxState, claim, in_state, waiting
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import AuthError, SyncdError, TransientError
from syncd.sdk.ports import Psa
from syncd.sdk.records import NotSent, Unknown

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

LOOKUP_BATCH = 100
"""Unknown writes looked up together."""

CHECKED_FOR = timedelta(minutes=10)
"""How long a write may follow the check of its target that queued it."""


@dataclass(slots=True)
class DeliveryReport:
    """What one delivery did.

    Attributes:
        delivered: writes that stand.
        rejected: writes that the PSA refused.
        parked: writes that wait for a person.
        waiting: writes left for later: not sent yet, or not looked up yet.
        calls: write calls made.
        stopped_by: the error that ended the delivery early, or None.
    """

    delivered: int = 0
    rejected: int = 0
    parked: int = 0
    waiting: int = 0
    calls: int = 0
    stopped_by: SyncdError | None = None

    def after(self, earlier: DeliveryReport | None) -> DeliveryReport:
        """Both deliveries together; what still waits is known by the later one."""
        if earlier is None:
            return self
        return DeliveryReport(
            delivered=self.delivered + earlier.delivered,
            rejected=self.rejected + earlier.rejected,
            parked=self.parked + earlier.parked,
            waiting=self.waiting,
            calls=self.calls + earlier.calls,
            stopped_by=self.stopped_by,
        )


async def deliver_pending(
    database: Database,
    psa: Psa,
    connection: ConnectionRef,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
    progress: Callable[[int], None] | None = None,
) -> DeliveryReport:
    """Send what waits, and settle what a crash or a lost answer left open.

    Writes that were queued long ago are looked up first: a record that somebody edited since then
    is not written over.

    Args:
        database: where the outbox is.
        psa: the PSA's port.
        connection: its stored connection.
        clock: current time in UTC.
        log: gets one line per settled write.
        sleep: waits; replaced in tests.
        patience_seconds: how long to wait in all for writes that may be touched only later; what
            is not due by then stays queued for the next call.
        lock_seconds: how long to wait for another deliverer.
        progress: told how many writes were settled so far.

    Raises:
        DeliveryBusy: another process is delivering to this PSA.
        StoreError: the database cannot serve; nothing that was sent is lost.
    """
    async with delivery_turn(
        database, connection.id, wait_seconds=lock_seconds, sleep=sleep
    ) as still_held:
        work = _Delivery(
            database=database,
            psa=psa,
            connection=connection,
            pace=Pace(clock=clock, sleep=sleep, patience=patience_seconds, began=clock()),
            progress=progress or (lambda _settled: None),
            settler=Settler(database=database, psa=connection, clock=clock, log=log),
        )
        await work.recover()
        await drain(work, work.pace, still_held)
        await work.count_waiting()
        return work.report


@dataclass(slots=True, kw_only=True)
class _Delivery:
    database: Database
    psa: Psa
    connection: ConnectionRef
    pace: Pace
    progress: Callable[[int], None]
    settler: Settler
    report: DeliveryReport = field(default_factory=DeliveryReport)

    async def recover(self) -> None:
        """Rows in `sending` belong to a process that died: their answer is lost.

        Rows that were queued long ago and never arrived are looked up as well: a person may have
        changed their record since it was compared with the plan.
        """
        async with self.database.reader() as conn:
            lost = await in_state(conn, self.connection.id, OutboxState.SENDING)
            queued = await in_state(conn, self.connection.id, OutboxState.PENDING)
        ending = self._endings().unknown("the process ended while the write was on its way")
        for item in lost:
            await self._settle_all([(item, ending)], "recover", item.sent_at or self.pace.now())
        now = self.pace.now()
        late = [item for item in queued if item.created_at < now - CHECKED_FOR]
        if late:
            endings = [(item, self._endings().checked_first(item)) for item in late]
            await self._settle_all(endings, "recover", now)

    def stopped(self) -> bool:
        """See `Work`."""
        return self.report.stopped_by is not None

    async def send_due(self) -> bool:
        """See `Work`."""
        async with self.database.writer() as conn:
            batch = await claim(
                conn,
                self.connection.id,
                now=self.pace.now(),
                limit=max(1, self.psa.write_batch.size),
            )
        if batch:
            await self._send(batch)
        return bool(batch)

    async def look_up_due(self) -> bool:
        """See `Work`."""
        async with self.database.reader() as conn:
            unknown = await in_state(
                conn,
                self.connection.id,
                OutboxState.UNKNOWN,
                due=self.pace.now(),
                limit=LOOKUP_BATCH,
            )
        if unknown:
            await self._look_up(unknown)
        return bool(unknown)

    async def next_due(self) -> datetime | None:
        """See `Work`."""
        async with self.database.reader() as conn:
            _, due = await waiting(conn, self.connection.id)
        return due

    async def count_waiting(self) -> None:
        """Report what is left for later."""
        async with self.database.reader() as conn:
            self.report.waiting, _ = await waiting(conn, self.connection.id)

    async def _send(self, batch: Sequence[OutboxItem]) -> None:
        started_at = self.pace.now()
        self.report.calls += 1
        try:
            answered = await self._vendor(self.psa.apply([item.change for item in batch]))
            outcomes = one_per_key(answered)
        except AuthError as error:
            # The port promises that nothing of the batch was written: it waits as it did before.
            self.report.stopped_by = error
            outcomes = {item.key: NotSent(item.key, str(error)) for item in batch}
        except SyncdError as error:
            self.report.stopped_by = error
            outcomes = {item.key: Unknown(item.key, str(error)) for item in batch}
        endings = self._endings()
        await self._settle_all(
            [(item, endings.of_outcome(item, outcomes.get(item.key))) for item in batch],
            "send",
            started_at,
        )

    async def _look_up(self, items: Sequence[OutboxItem]) -> None:
        started_at = self.pace.now()
        async with self.database.reader() as conn:
            history = await attempts(conn, [item.id for item in items])
        try:
            verdicts = await look_up(items, self._vendor, self.psa)
        except SyncdError as error:
            if not isinstance(error, TransientError):
                self.report.stopped_by = error
            failed = self._endings().of_failed_lookup(
                str(error), getattr(error, "retry_after", None)
            )
            await self._settle_all([(item, failed) for item in items], "find", started_at)
            return
        endings = self._endings()
        await self._settle_all(
            [
                (
                    item,
                    endings.of_verdict(
                        item,
                        verdicts[item.id],
                        absences=proven_absent(history.get(item.id, ())),
                    ),
                )
                for item in items
            ],
            "find",
            started_at,
        )

    async def _vendor(self, call: Awaitable[AnswerT]) -> AnswerT:
        return await answer_of(call, connection=self.connection.name, work="the delivery")

    def _endings(self) -> Endings:
        return Endings(self.pace.now(), self.psa.write_batch.settle_seconds)

    async def _settle_all(
        self, ended: Sequence[tuple[OutboxItem, Ending]], what: str, started_at: datetime
    ) -> None:
        """Write the endings of a call in one commit; one that cannot be written stands alone."""

        async def commit(piece: Sequence[tuple[OutboxItem, Ending]]) -> list[Ending]:
            written = await self.settler.settle_all(piece, what=what, started_at=started_at)
            for ending in written:
                self.report.delivered += ending.state is OutboxState.DELIVERED
                self.report.rejected += ending.state is OutboxState.REJECTED
                self.report.parked += ending.state is OutboxState.NEEDS_REVIEW
            return written

        await commit_together(ended, commit)
        self.progress(self.report.delivered + self.report.rejected + self.report.parked)
