"""How writes end: the outcomes of a call in one short transaction, told to the log after it.

The receipt, the ledger row of the record and the completion of the bill are one commit, so that a
crash leaves either all of them or a row that is looked up again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.delivery_issues import DELIVERY_CODES, finding, subject
from syncd.core.service.endings import Ending
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.reopening_issues import reopening_ended
from syncd.core.store.attempts import NewAttempt, record_attempts
from syncd.core.store.bills import complete_bill
from syncd.core.store.issue_subjects import open_codes_by_subject
from syncd.core.store.lines import LedgerRecord, RecordStatus, mark_gone, save_records
from syncd.core.store.outbox import OutboxItem, OutboxState, move, states_of_bill
from syncd.sdk.connector import EventLog
from syncd.sdk.records import ChangeKind

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


ABANDONED: Final = "ABANDONED"
"""Code of a write that a person gave up: closed without an issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """Writes endings.

    Attributes:
        database: where the outbox is.
        psa: the PSA connection.
        clock: current time in UTC.
        log: told after each commit.
    """

    database: Database
    psa: ConnectionRef
    clock: Callable[[], datetime]
    log: EventLog

    async def settle(
        self, item: OutboxItem, ending: Ending, *, what: str, started_at: datetime
    ) -> bool:
        """Write how one try to send or to look up ended; see `settle_all`."""
        return bool(await self.settle_all([(item, ending)], what=what, started_at=started_at))

    async def settle_all(
        self, ended: Sequence[tuple[OutboxItem, Ending]], *, what: str, started_at: datetime
    ) -> list[Ending]:
        """Write how the tries of one call ended, before anything else is done.

        Args:
            ended: the rows as they were claimed, each with what becomes of it.
            what: `send`, `find`, `recover` or `decide`, for the history.
            started_at: when the call began.

        Returns:
            the endings that were written; of a row that somebody else moved meanwhile nothing is.
        """
        now = self.clock()
        moved: list[tuple[OutboxItem, Ending]] = []
        async with self.database.writer() as conn:
            book = IssueBook(conn, self.psa.name, now)
            for item, ending in ended:
                if await self._move(conn, item, ending, now):
                    moved.append((item, ending))
            await record_attempts(
                conn,
                [_attempt(item, ending, what, started_at, now) for item, ending in moved],
            )
            await self._follow(book, moved, now)
            await self._issues(book, moved)
        for item, ending in moved:
            self._tell(item, ending)
        book.speak(self.log)
        return [ending for _, ending in moved]

    async def _move(
        self, conn: AsyncConnection, item: OutboxItem, ending: Ending, now: datetime
    ) -> bool:
        values: dict[str, Any] = {"code": ending.code or None, "detail": ending.message}
        if ending.available_at is not None:
            values["available_at"] = ending.available_at
        if ending.state in {OutboxState.DELIVERED, OutboxState.REJECTED}:
            values["settled_at"] = now
        return await move(conn, item.id, expected=item.state, to=ending.state, **values)

    async def _follow(
        self, book: IssueBook, moved: Sequence[tuple[OutboxItem, Ending]], now: datetime
    ) -> None:
        """The ledger of records and the completion of bills."""
        conn = book.conn
        delivered = [
            (item, _remote(item, ending))
            for item, ending in moved
            if ending.state is OutboxState.DELIVERED
        ]
        await save_records(conn, [_ledger_row(item, remote, now) for item, remote in delivered])
        for item, ending in moved:
            if ending.state is OutboxState.REJECTED and ending.gone:
                await mark_gone(conn, item.key, now=now)
        bills = {
            (item.plan_id, item.bill_key): item
            for item, _ in delivered
            if item.change.kind is not ChangeKind.ADOPT  # it makes no bill
        }
        for (plan_id, bill_key), item in bills.items():
            if set(await states_of_bill(conn, plan_id, bill_key)) == {OutboxState.DELIVERED}:
                await complete_bill(conn, plan_id, item.account_id, now=now)
                await reopening_ended(book, item.account_id, item.intent.period)

    async def _issues(self, book: IssueBook, moved: Sequence[tuple[OutboxItem, Ending]]) -> None:
        subjects = [subject(self.psa.name, item.key) for item, _ in moved]
        open_now = await open_codes_by_subject(book.conn, subjects, DELIVERY_CODES)
        for (item, ending), about in zip(moved, subjects, strict=True):
            wanted = _wanted(item, ending)
            for code in sorted(open_now.get(about, set()) - wanted.keys()):
                if ending.state is not OutboxState.PENDING or code == "OUTCOME_UNKNOWN":
                    await book.close(code, about)
            for code, message in wanted.items():
                await book.open(code, about, finding(item, code, message, **ending.evidence))

    def _tell(self, item: OutboxItem, ending: Ending) -> None:
        about = {
            "client": item.intent.client_name,
            "period": item.intent.period,
            "money": None if item.intent.money is None else str(item.intent.money),
            "currency": item.intent.currency,
            "key": item.key,
        }
        doubted = item.state in {OutboxState.UNKNOWN, OutboxState.NEEDS_REVIEW}
        if doubted and ending.state is not OutboxState.UNKNOWN:
            self.log("change.resolved", outcome=ending.state.value, **about)
        if ending.state is OutboxState.DELIVERED:
            self.log("change.delivered", **about)
        elif ending.state is OutboxState.REJECTED:
            self.log("change.rejected", code=ending.code, **about)
        elif ending.state is OutboxState.UNKNOWN and item.state is OutboxState.SENDING:
            self.log("change.unknown", **about)
        elif ending.state is OutboxState.NEEDS_REVIEW:
            self.log("change.parked", reason=ending.code, **about)


def _remote(item: OutboxItem, ending: Ending) -> str:
    """The record that a delivered write stands on; one without a record would bill nothing."""
    if ending.remote is None:
        message = f"the write of {item.key} ended as delivered and names no record of the PSA"
        raise ValueError(message)
    return ending.remote


def _wanted(item: OutboxItem, ending: Ending) -> dict[str, str]:
    """The issue that an ending leaves open: code and sentence."""
    match ending.state:
        case OutboxState.PENDING | OutboxState.SENDING:
            return {}
        case OutboxState.DELIVERED if ending.differs:
            shown = "; ".join(ending.differs)
            about = f"'{item.intent.line_name}' of {item.intent.client_name}"
            return {"READBACK_DIFFERS": f"the PSA took {about} and shows it otherwise: {shown}"}
        case OutboxState.DELIVERED:
            return {}
        case OutboxState.REJECTED if ending.code == ABANDONED:
            return {}
        case OutboxState.REJECTED if not ending.gone:
            return {"DELIVERY_REJECTED": ending.message}
        case _:
            return {ending.code: ending.message}


def _attempt(
    item: OutboxItem, ending: Ending, what: str, started_at: datetime, now: datetime
) -> NewAttempt:
    return NewAttempt(
        item=item,
        what=what,
        outcome=ending.code or ending.state.value,
        started_at=started_at,
        finished_at=now,
        request_id=ending.request_id,
        detail=ending.message,
    )


def _ledger_row(item: OutboxItem, remote: str, now: datetime) -> LedgerRecord:
    fields, after = item.change.fields, item.intent.after
    if item.change.kind is ChangeKind.ADOPT:
        return LedgerRecord(
            key=item.key,
            line_uid=item.line_uid,
            psa_connection_id=item.psa_connection_id,
            account_id=item.account_id,
            period=item.intent.record_period,
            remote=remote,
            status=RecordStatus.LIVE,
            mode="",
            content_hash="",
            sent=None,
            sent_period="",
            total_price=None,
            total_cost=None,
            updated_at=now,
        )
    return LedgerRecord(
        key=item.key,
        line_uid=item.line_uid,
        psa_connection_id=item.psa_connection_id,
        account_id=item.account_id,
        period=item.intent.record_period,
        remote=remote,
        status=RecordStatus.LIVE,
        mode=item.mode,
        content_hash=item.content_hash,
        sent=fields,
        sent_period=item.intent.period,
        total_price=_own(after.total_price, fields.unit_price),
        total_cost=_own(after.total_cost, fields.unit_cost),
        updated_at=now,
        units=after.units,
        products=item.intent.products,
    )


def _own(total: Decimal | None, unit: Decimal | None) -> Decimal | None:
    """The total where the money is ours; an estimate from the PSA's own price is not kept."""
    return None if unit is None else total
