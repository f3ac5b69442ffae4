"""Applying a plan of invoices: queued in one commit, posted, and told to the PSA.

What an earlier apply left open is gone on with first, so that the same command is right after a
crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from syncd.core.invoicing.plan_rows import APPLICABLE, RowState
from syncd.core.service.answers import WriteReport, answer_of
from syncd.core.service.invoice_queueing import (
    Queued,
    queue_plan,
    require_anything_left,
    require_fresh,
)
from syncd.core.service.invoice_reading import INVOICES_NOT_READ
from syncd.core.service.ledger_delivery import deliver_to_book, deliver_to_psa
from syncd.core.service.posting import PostingReport, deliver_documents
from syncd.core.service.refusals import PlanNotFound
from syncd.core.service.runs import RunHandle
from syncd.core.store.claim_facts import documents_of_ids
from syncd.core.store.connections import data_version
from syncd.core.store.delivery_lock import books_turn
from syncd.core.store.invoice_plans import (
    InvoicePlanRecord,
    load_invoice_plan,
    newest_invoice_plan,
)
from syncd.core.store.ledger_actions import actions_waiting
from syncd.core.store.ledger_documents import documents_waiting
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import (
    AuthError,
    DataError,
    OutcomeUnknown,
    PlanHeld,
    SyncdError,
    TransientError,
)
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger
from syncd.sdk.ledger_records import LedgerEntry

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

LATEST = "latest"


@dataclass(slots=True, kw_only=True)
class Delivered:
    """What one delivery did: documents, other writes to the book, and what the PSA was told."""

    documents: PostingReport = field(default_factory=PostingReport)
    book: WriteReport = field(default_factory=WriteReport)
    psa: WriteReport = field(default_factory=WriteReport)

    @property
    def stopped_by(self) -> SyncdError | None:
        return self.documents.stopped_by or self.book.stopped_by or self.psa.stopped_by

    @property
    def waiting(self) -> int:
        """Writes that are not settled."""
        return self.documents.waiting + self.book.waiting + self.psa.waiting

    @property
    def refused(self) -> int:
        """What does not stand as it was meant."""
        posted = self.documents
        return (
            posted.refused
            + posted.parked
            + posted.differing
            + self.book.rejected
            + self.psa.rejected
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedInvoices:
    """What became of a plan.

    Attributes:
        record: the plan as it stands now.
        queued: what was queued, or would be.
        delivered: what the delivery did; None for a dry run.
    """

    record: InvoicePlanRecord
    queued: Queued
    delivered: Delivered | None

    @property
    def held(self) -> int:
        """Rows that wait for a person."""
        return sum(row.state is RowState.HELD for row in self.record.rows)

    @property
    def exit_code(self) -> int:
        """0; 3 while rows are held; 5 while an end is not known; 6 where one was refused."""
        done = self.delivered
        if done is not None:
            if done.stopped_by is not None:
                return done.stopped_by.exit_code
            if done.waiting:
                return OutcomeUnknown.exit_code
            if done.refused or self.queued.stale or self.queued.waiting:
                return DataError.exit_code
        return PlanHeld.exit_code if self.held else 0

    def conclude(self, handle: RunHandle) -> None:
        """Write into the run how it ended."""
        handle.count("queued", len(self.queued.documents) + len(self.queued.actions))
        handle.count("stale", len(self.queued.stale))
        if self.queued.waiting:
            handle.count("unread", len(self.queued.waiting))
            why = self.queued.waiting[0][1]
            handle.ends(RunStatus.PARTIAL, code=INVOICES_NOT_READ, error=why)
        handle.count("held", self.held)
        if self.delivered is not None:
            conclude(handle, self.delivered)


def conclude(handle: RunHandle, done: Delivered) -> None:
    """Write into a run what a delivery did."""
    posted = done.documents
    handle.count("confirmed", posted.confirmed)
    handle.count("differing", posted.differing)
    handle.count("refused", posted.refused)
    handle.count("parked", posted.parked)
    handle.count("waiting", done.waiting)
    handle.count("write_calls", posted.calls + done.book.calls + done.psa.calls)
    handle.count("told", done.psa.delivered)
    if done.stopped_by is not None:
        handle.ends(RunStatus.FAILED, code=done.stopped_by.code, error=str(done.stopped_by))
    elif done.documents.unread:
        handle.ends(RunStatus.PARTIAL, code=INVOICES_NOT_READ, error=done.documents.unread)
    elif done.waiting:
        why = "some documents are not settled"
        handle.ends(RunStatus.PARTIAL, code=OutcomeUnknown.code, error=why)
    elif done.refused:
        why = "some documents do not stand as they were meant"
        handle.ends(RunStatus.PARTIAL, code=DataError.code, error=why)


async def find_invoice_plan(database: Database, wanted: str) -> InvoicePlanRecord:
    """A plan by its id, or the newest one.

    Raises:
        PlanNotFound: there is none.
    """
    async with database.reader() as conn:
        if wanted == LATEST:
            record = await newest_invoice_plan(conn)
        else:
            record = await load_invoice_plan(conn, wanted)
    if record is None:
        message = f"there is no plan of invoices '{wanted}'"
        raise PlanNotFound(message, remedy="`syncd plan invoices NAME` makes one")
    return record


async def apply_invoices(
    database: Database,
    wanted: str,
    *,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    keeper: InvoiceKeeper,
    psa_connection: ConnectionRef,
    max_age_days: int,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
) -> AppliedInvoices:
    """Write what a plan says, as far as nobody objects and nothing moved.

    Args:
        database: where everything is.
        wanted: id of the plan, or `latest`.
        ledger: the opened book.
        ledger_connection: its stored connection.
        keeper: the opened PSA, told of what stands.
        psa_connection: its stored connection.
        max_age_days: older plans are refused.
        clock: current time in UTC.
        log: gets one line per settled document.
        sleep: waits; replaced in tests.
        dry_run: check everything and write nothing anywhere.
        progress: told how many documents were settled.
        patience_seconds: how long to wait for what may be touched only later.
        lock_seconds: how long to wait for another writer.

    Raises:
        PlanNotFound: there is no such plan.
        PlanConsumed: everything of it was applied already.
        PlanStale: it is too old, replaced, or what it rests on changed.
        BooksBusy: another process writes to this book; what was queued is kept.
        ConnectorError: the book could not be asked which it is.
        StoreError: the database cannot serve.
    """
    record = await find_invoice_plan(database, wanted)
    book = await ledger.book()
    deliver = partial(
        deliver_all,
        database,
        ledger=ledger,
        ledger_connection=ledger_connection,
        keeper=keeper,
        psa_connection=psa_connection,
        clock=clock,
        log=log,
        sleep=sleep,
        progress=progress,
        patience_seconds=patience_seconds,
        lock_seconds=lock_seconds,
        book_key=book.key,
    )
    async with database.reader() as conn:
        version = await data_version(conn)
        left_over = (await documents_waiting(conn, ledger_connection.id))[0]
        left_over += (await actions_waiting(conn, ledger_connection.id))[0]
        left_over += (await actions_waiting(conn, psa_connection.id))[0]
    queued = Queued()
    if any(row.state in APPLICABLE for row in record.rows):
        if dry_run:
            require_fresh(
                record,
                version=version,
                book_key=book.key,
                now=clock(),
                max_age_days=max_age_days,
            )
            queued.documents = [row for row in record.rows if row.state in APPLICABLE]
        else:
            async with books_turn(
                database, ledger_connection.id, wait_seconds=lock_seconds, sleep=sleep
            ):
                entries = await shown_now(database, ledger, ledger_connection, record)
                queued = await queue_plan(
                    database,
                    record,
                    ledger_connection=ledger_connection,
                    psa_connection=psa_connection,
                    book_key=book.key,
                    now=clock(),
                    max_age_days=max_age_days,
                    entries=entries,
                )
    elif not left_over:
        require_anything_left(record)
    delivered = None if dry_run else await deliver()
    now = await find_invoice_plan(database, record.id)
    return AppliedInvoices(record=now, queued=queued, delivered=delivered)


async def shown_now(
    database: Database, ledger: Ledger, connection: ConnectionRef, record: InvoicePlanRecord
) -> dict[str, LedgerEntry]:
    """The documents that voids, credit notes and allocations of a plan act upon, as they are now.

    Hours may lie between a plan and its use, and a credit note has no version that guards it.

    Raises:
        ConnectorError: the books could not be read, and nothing is queued on memory alone.
    """
    wanted = {
        row.step.replaces
        for row in record.rows
        if row.state in APPLICABLE and row.step.replaces is not None
    }
    if not wanted:
        return {}
    async with database.reader() as conn:
        documents = await documents_of_ids(conn, wanted)
    kinds = {one.remote: one.kind for one in documents.values() if one.remote}
    call = ledger.read_back(kinds)
    found = await answer_of(call, connection=connection.name, work="the last look at documents")
    return dict(found)


async def deliver_all(
    database: Database,
    *,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    keeper: InvoiceKeeper,
    psa_connection: ConnectionRef,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    progress: Callable[[int], None] | None = None,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
    book_key: str | None = None,
) -> Delivered:
    """Go on with everything that waits for a book and for the PSA; also right after a crash.

    A book that fails keeps nobody from telling the PSA, nor does nonsense keep documents back.
    """
    done = Delivered()
    done.book = await deliver_to_book(
        database,
        ledger,
        ledger_connection,
        patience_seconds=patience_seconds,
        lock_seconds=lock_seconds,
        clock=clock,
        log=log,
        sleep=sleep,
    )
    if not isinstance(done.book.stopped_by, (AuthError, TransientError)):
        done.documents = await deliver_documents(
            database,
            ledger,
            ledger_connection,
            patience_seconds=patience_seconds,
            lock_seconds=lock_seconds,
            progress=progress,
            book_key=book_key,
            clock=clock,
            log=log,
            sleep=sleep,
        )
    done.psa = await deliver_to_psa(
        database,
        keeper,
        psa_connection,
        patience_seconds=patience_seconds,
        lock_seconds=lock_seconds,
        clock=clock,
        log=log,
        sleep=sleep,
    )
    return done
