"""Links on their way: queued in one commit, written invoice by invoice, settled by reading.

pending -> sending, committed before the call -> delivered | rejected | unknown. A link whose
answer was lost, or that a dead process was writing, is looked for on the recurring line; where it
is not, it is sent again, and the connector refuses if the invoice moved meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from syncd.core.service.answers import AnswerT, WriteReport, answer_of, carried_out
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.wire_issues import link_refused, link_settled, link_unknown
from syncd.core.store.delivery_lock import delivery_turn
from syncd.core.store.outbox import OutboxState
from syncd.core.store.wire_changes import WireItem, links_in, move_link
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import SyncdError
from syncd.sdk.ports import Psa, RecurringWriter
from syncd.sdk.records import Delivered, NotSent, Outcome, RecurringLine, Rejected

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

MOST_SENDS = 3
"""A link that was sent so often and never arrived is given up, and told."""

NEVER_ARRIVED: Final = "LINK_NEVER_ARRIVED"


@dataclass(frozen=True, slots=True)
class _Ending:
    state: OutboxState
    code: str = ""
    why: str = ""
    unsent: bool = False


async def deliver_links(
    database: Database,
    psa: Psa,
    writer: RecurringWriter,
    connection: ConnectionRef,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    lock_seconds: float = 30.0,
) -> WriteReport:
    """Write what waits, and settle what a crash or a lost answer left open.

    Args:
        database: where the links are.
        psa: the opened PSA, read to look for links.
        writer: the same as its writer of recurring lines.
        connection: its stored connection.
        clock: current time in UTC.
        log: gets one line per settled link.
        sleep: waits; replaced in tests.
        lock_seconds: how long to wait for another deliverer.

    Raises:
        DeliveryBusy: another process is delivering to this PSA.
        StoreError: the database cannot serve; nothing that was sent is lost.
    """
    async with delivery_turn(
        database, connection.id, wait_seconds=lock_seconds, sleep=sleep
    ) as still_held:
        work = _LinkDelivery(
            database=database,
            psa=psa,
            writer=writer,
            connection=connection,
            clock=clock,
            log=log,
            sleep=sleep,
            still_held=still_held,
        )
        await work.recover()
        await work.drain()
        return work.report


@dataclass(slots=True, kw_only=True)
class _LinkDelivery:
    database: Database
    psa: Psa
    writer: RecurringWriter
    connection: ConnectionRef
    clock: Callable[[], datetime]
    log: EventLog
    sleep: Callable[[float], Awaitable[None]]
    still_held: Callable[[], Awaitable[None]]
    report: WriteReport = field(default_factory=WriteReport)

    async def recover(self) -> None:
        """Links in `sending` belong to a process that died: their answer is lost."""
        lost = await self._in(OutboxState.SENDING)
        why = "the process ended while it was written"
        await self._settle([(one, _Ending(OutboxState.UNKNOWN, why=why)) for one in lost])

    async def drain(self) -> None:
        """Look for what is unknown, write what is pending, until nothing moves any more."""
        while self.report.stopped_by is None:
            await self.still_held()
            unknown = await self._in(OutboxState.UNKNOWN)
            if unknown:
                await self._look_for(unknown)
                continue
            pending = await self._in(OutboxState.PENDING)
            if not pending:
                break
            first = next(iter(groupby(pending, key=lambda one: (one.plan_id, one.change.invoice))))
            await self._write(list(first[1]))
        waiting = await self._in(OutboxState.PENDING, OutboxState.UNKNOWN)
        self.report.waiting = len(waiting)

    async def _write(self, items: Sequence[WireItem]) -> None:
        """Links of one invoice in one call: each rests on what the one before it left."""
        async with self.database.writer() as conn:
            claimed = [
                item
                for item in items
                if await move_link(
                    conn,
                    item.id,
                    expected=OutboxState.PENDING,
                    to=OutboxState.SENDING,
                    attempts=item.attempts + 1,
                )
            ]
        self.report.calls += 1
        changes = [one.change for one in claimed]
        answered = await carried_out(
            self._vendor(self.writer.link(changes)), [one.key for one in changes]
        )
        self.report.stopped_by = answered.stopped_by
        outcomes = answered.outcomes
        await self._settle([(one, _ending(outcomes.get(one.change.key))) for one in claimed])

    async def _look_for(self, items: Sequence[WireItem]) -> None:
        """Whether lost links stand, from the recurring lines of their clients."""
        await self.sleep(self.psa.write_batch.settle_seconds)
        clients = {one.link.client for one in items}
        try:
            lines = await self._vendor(_lines(self.psa, clients))
        except SyncdError as error:
            self.report.stopped_by = error
            why = f"the recurring lines could not be read: {error}"
            await self._settle([(one, _Ending(OutboxState.UNKNOWN, why=why)) for one in items])
            return
        await self._settle([(one, _found(one, lines)) for one in items])

    async def _settle(self, ended: Sequence[tuple[WireItem, _Ending]]) -> None:
        """Write how links ended, with their issues, in one commit."""
        if not ended:
            return
        now, name = self.clock(), self.connection.name
        moved: list[tuple[WireItem, _Ending]] = []
        async with self.database.writer() as conn:
            book = IssueBook(conn, name, now)
            standing = {
                one.id: one.state
                for one in await links_in(
                    conn, self.connection.id, [OutboxState.SENDING, OutboxState.UNKNOWN]
                )
            }
            for item, ending in ended:
                state = standing.get(item.id)
                final = ending.state in {OutboxState.DELIVERED, OutboxState.REJECTED}
                if state is None or not await move_link(
                    conn,
                    item.id,
                    expected=state,
                    to=ending.state,
                    detail=ending.why,
                    settled_at=now if final else None,
                    **({"attempts": item.attempts} if ending.unsent else {}),
                ):
                    continue
                moved.append((item, ending))
                if ending.state in {OutboxState.DELIVERED, OutboxState.REJECTED}:
                    await link_settled(book, name, item)
                if ending.state is OutboxState.REJECTED:
                    await link_refused(book, name, item, ending.code, ending.why)
                elif ending.state is OutboxState.UNKNOWN:
                    await link_unknown(book, name, item, ending.why)
        book.speak(self.log)
        for item, ending in moved:
            self.report.delivered += ending.state is OutboxState.DELIVERED
            self.report.rejected += ending.state is OutboxState.REJECTED
            self._tell(item, ending)

    def _tell(self, item: WireItem, ending: _Ending) -> None:
        about = {
            "client": item.link.client_name,
            "invoice": item.change.invoice,
            "line": item.change.line,
            "subscription": item.change.subscription,
        }
        if ending.state is OutboxState.DELIVERED:
            self.log("link.delivered", **about)
        elif ending.state is OutboxState.REJECTED:
            self.log("link.rejected", code=ending.code, **about)
        elif ending.state is OutboxState.UNKNOWN:
            self.log("link.unknown", **about)

    async def _in(self, *states: OutboxState) -> list[WireItem]:
        async with self.database.reader() as conn:
            return await links_in(conn, self.connection.id, states)

    async def _vendor(self, call: Awaitable[AnswerT]) -> AnswerT:
        work = "the writing of links"
        return await answer_of(call, connection=self.connection.name, work=work)


async def _lines(psa: Psa, clients: Collection[str]) -> dict[tuple[str, str], RecurringLine]:
    return {
        (line.invoice, line.key): line
        async for batch in psa.recurring_lines(clients=clients)
        for line in batch
    }


def _found(item: WireItem, lines: Mapping[tuple[str, str], RecurringLine]) -> _Ending:
    """What the recurring line shows of a link whose answer was not seen."""
    change = item.change
    line = lines.get((change.invoice, change.line))
    if line is None:
        return _Ending(OutboxState.REJECTED, "INVOICE_GONE", "the recurring line is gone")
    wanted = change.price_from_subscription
    priced = wanted is None or line.price_from_subscription == wanted
    if change.subscription in line.subscriptions and priced:
        return _Ending(OutboxState.DELIVERED)
    if item.attempts >= MOST_SENDS:
        why = f"it was sent {item.attempts} times and is not on the line"
        return _Ending(OutboxState.REJECTED, NEVER_ARRIVED, why)
    return _Ending(OutboxState.PENDING, why="it was not on the line when looked for")


def _ending(outcome: Outcome | None) -> _Ending:
    match outcome:
        case Delivered():
            return _Ending(OutboxState.DELIVERED)
        case NotSent(message=message):
            return _Ending(OutboxState.PENDING, why=message, unsent=True)
        case Rejected(code=code, message=message):
            return _Ending(OutboxState.REJECTED, code, message)
        case None:
            return _Ending(OutboxState.UNKNOWN, why="the connector gave no outcome for it")
        case _:
            return _Ending(OutboxState.UNKNOWN, why=outcome.message)
