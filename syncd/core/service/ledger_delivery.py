"""Delivery of writes beside documents: to a book, or back to the PSA.

pending -> sending, committed before the call -> delivered | rejected | unknown; an unknown one is
looked at before it is sent again, and parked for a person where looking does not tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.core.service.answers import AnswerT, WriteReport, answer_of
from syncd.core.service.bookkeeping_calls import (
    Addressee,
    DidNot,
    Happened,
    SendOutcome,
    ToBook,
    ToPsa,
    Unclear,
    Verdict,
)
from syncd.core.service.bookkeeping_claim import (
    Hold,
    Look,
    claim_actions,
    marked_anew,
    moved_meanwhile,
    nothing_waits,
    unread_reasons,
)
from syncd.core.service.bookkeeping_settlement import ActionEnding, ActionSettler
from syncd.core.service.delivery_loop import Pace, drain
from syncd.core.store.delivery_lock import books_turn
from syncd.core.store.ledger_actions import WAITING, ActionItem, actions_in, actions_waiting
from syncd.core.store.states import OutboxState
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import AuthError, ConnectFailed, RateLimited, SyncdError, TransientError
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger
from syncd.sdk.psa_records import NotSent, Rejected, Unknown

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

BATCH = 30
LOOKUP_BATCH = 100
"""Writes in doubt that are looked up together."""
MOST_SENDS = 5
PSA_SETTLE_SECONDS = 10.0
_PAUSE = 5.0


async def deliver_to_book(
    database: Database,
    ledger: Ledger,
    connection: ConnectionRef,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
) -> WriteReport:
    """Write what waits for a book beside documents; see `deliver_to_psa`."""
    return await _deliver(
        database,
        ToBook(ledger),
        connection,
        look=moved_meanwhile,
        hold=unread_reasons,
        settle_seconds=ledger.post_batch.settle_seconds,
        clock=clock,
        log=log,
        sleep=sleep,
        patience_seconds=patience_seconds,
        lock_seconds=lock_seconds,
    )


async def deliver_to_psa(
    database: Database,
    keeper: InvoiceKeeper,
    connection: ConnectionRef,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
    settle_seconds: float = PSA_SETTLE_SECONDS,
) -> WriteReport:
    """Write back to the PSA what became of invoices, and settle what was left open.

    Args:
        database: where writes are queued.
        keeper: the PSA.
        connection: its stored connection.
        clock: current time in UTC.
        log: gets one line per settled write.
        sleep: waits; replaced in tests.
        patience_seconds: how long to wait in all for writes that may be touched only later.
        lock_seconds: how long to wait for another writer.
        settle_seconds: how long the PSA may hide a write whose answer was lost.

    Raises:
        BooksBusy: another process does the same.
        StoreError: the database cannot serve; nothing that was sent is lost.
    """
    return await _deliver(
        database,
        ToPsa(keeper),
        connection,
        look=marked_anew,
        hold=nothing_waits,
        settle_seconds=settle_seconds,
        clock=clock,
        log=log,
        sleep=sleep,
        patience_seconds=patience_seconds,
        lock_seconds=lock_seconds,
    )


async def _deliver(
    database: Database,
    addressee: Addressee,
    connection: ConnectionRef,
    *,
    look: Look,
    hold: Hold,
    settle_seconds: float,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]],
    patience_seconds: float,
    lock_seconds: float,
) -> WriteReport:
    async with books_turn(
        database, connection.id, wait_seconds=lock_seconds, sleep=sleep
    ) as still_held:
        work = _Writing(
            database=database,
            addressee=addressee,
            connection=connection,
            look=look,
            hold=hold,
            settle_seconds=settle_seconds,
            pace=Pace(clock=clock, sleep=sleep, patience=patience_seconds, began=clock()),
            settler=ActionSettler(database=database, connection=connection, clock=clock, log=log),
        )
        await work.recover()
        await drain(work, work.pace, still_held)
        await work.count_waiting()
        return work.report


@dataclass(slots=True, kw_only=True)
class _Writing:
    database: Database
    addressee: Addressee
    connection: ConnectionRef
    look: Look
    hold: Hold
    settle_seconds: float
    pace: Pace
    settler: ActionSettler
    report: WriteReport = field(default_factory=WriteReport)
    unread: str = ""

    async def recover(self) -> None:
        """Writes in `sending` belong to a process that died: their answer is lost."""
        async with self.database.reader() as conn:
            lost = await actions_in(conn, self.connection.id, [OutboxState.SENDING])
        ending = self._unknown("the process ended while it was on its way", unsent=True)
        await self._settle([(item, ending) for item in lost], "recover", self.pace.now())

    def stopped(self) -> bool:
        """See `Work`."""
        return self.report.stopped_by is not None

    async def send_due(self) -> bool:
        """See `Work`; what moved since the plan is withdrawn instead."""
        claimed = await claim_actions(
            self.database, self.connection, self.look, self.hold, now=self.pace.now(), limit=BATCH
        )
        self.unread = claimed.unread
        if claimed.withdrawn:
            await self._settle(claimed.withdrawn, "check", self.pace.now())
        if claimed.items:
            await self._send(claimed.items)
        return bool(claimed.items or claimed.withdrawn)

    async def look_up_due(self) -> bool:
        """See `Work`."""
        async with self.database.reader() as conn:
            unknown = await actions_in(
                conn,
                self.connection.id,
                [OutboxState.UNKNOWN],
                due=self.pace.now(),
                limit=LOOKUP_BATCH,
            )
        if unknown:
            await self._look_up(unknown)
        return bool(unknown)

    async def next_due(self) -> datetime | None:
        """See `Work`; a read of the PSA is not waited for."""
        states = (OutboxState.UNKNOWN,) if self.unread else WAITING
        async with self.database.reader() as conn:
            _, due = await actions_waiting(conn, self.connection.id, states=states)
        return due

    async def count_waiting(self) -> None:
        """Report what is left for later."""
        async with self.database.reader() as conn:
            self.report.waiting, _ = await actions_waiting(conn, self.connection.id)

    async def _send(self, batch: Sequence[ActionItem]) -> None:
        started_at = self.pace.now()
        self.report.calls += 1
        outcomes: Mapping[str, SendOutcome]
        try:
            outcomes = await self._vendor(self.addressee.send(batch))
        except (AuthError, RateLimited, ConnectFailed) as error:
            # Nothing of the batch was written: it waits as it did before.
            self.report.stopped_by = error
            wait = getattr(error, "retry_after", None)
            outcomes = {item.key: NotSent(item.key, str(error), wait) for item in batch}
        except SyncdError as error:
            self.report.stopped_by = error
            outcomes = {item.key: Unknown(item.key, str(error)) for item in batch}
        await self._settle(
            [(item, self._of_outcome(outcomes.get(item.key))) for item in batch],
            "send",
            started_at,
        )

    async def _look_up(self, items: Sequence[ActionItem]) -> None:
        started_at = self.pace.now()
        try:
            verdicts = await self._vendor(self.addressee.look_up(items))
        except SyncdError as error:
            if not isinstance(error, TransientError):
                self.report.stopped_by = error
            wait = max(getattr(error, "retry_after", None) or 0.0, _PAUSE)
            failed = self._unknown(f"looking for it failed: {error}", pause=wait)
            await self._settle([(item, failed) for item in items], "find", started_at)
            return
        await self._settle(
            [(item, self._of_verdict(item, verdicts[item.id])) for item in items],
            "find",
            started_at,
        )

    def _of_outcome(self, outcome: SendOutcome | None) -> ActionEnding:
        match outcome:
            case Happened():
                return ActionEnding(state=OutboxState.DELIVERED, done=outcome)
            case Rejected(code=code, message=message, version=version):
                return ActionEnding(
                    state=OutboxState.REJECTED, code=code, message=message, version=version
                )
            case NotSent(message=message, retry_after=wait):
                pause = max(wait or 0.0, _PAUSE)
                return ActionEnding(
                    state=OutboxState.PENDING,
                    message=message,
                    available_at=self.pace.now() + timedelta(seconds=pause),
                    unsent=True,
                )
            case Unknown(message=message):
                return self._unknown(message)
            case _:
                return self._unknown("the connector gave no outcome for it")

    def _of_verdict(self, item: ActionItem, verdict: Verdict) -> ActionEnding:
        match verdict:
            case Happened():
                message = "found to have happened after its answer was lost"
                return ActionEnding(state=OutboxState.DELIVERED, done=verdict, message=message)
            case DidNot() if item.attempts < MOST_SENDS:
                return ActionEnding(
                    state=OutboxState.PENDING,
                    message="proven not to have happened; it is sent again",
                    available_at=self.pace.now(),
                    anew=True,
                )
            case DidNot():
                message = f"it was sent {item.attempts} times and never happened"
            case Unclear(message=message):
                pass
        return ActionEnding(state=OutboxState.NEEDS_REVIEW, code="WRITE_UNCLEAR", message=message)

    def _unknown(self, message: str, *, pause: float = 0.0, unsent: bool = False) -> ActionEnding:
        wait = timedelta(seconds=max(pause, self.settle_seconds))
        return ActionEnding(
            state=OutboxState.UNKNOWN,
            code="OUTCOME_UNKNOWN",
            message=message,
            available_at=self.pace.now() + wait,
            unsent=unsent,
        )

    async def _vendor(self, call: Awaitable[AnswerT]) -> AnswerT:
        work = "the writing beside documents"
        return await answer_of(call, connection=self.connection.name, work=work)

    async def _settle(
        self, ended: Sequence[tuple[ActionItem, ActionEnding]], what: str, started_at: datetime
    ) -> None:
        for _, ending in await self.settler.settle(ended, what=what, started_at=started_at):
            self.report.delivered += ending.state is OutboxState.DELIVERED
            self.report.rejected += ending.state in {
                OutboxState.REJECTED,
                OutboxState.NEEDS_REVIEW,
            }
