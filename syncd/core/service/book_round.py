"""One round of a book: planned, applied where its rules say so, and gone on with what was left.

What cannot be looked at keeps nothing else back: documents whose invoices moved may be unreadable
for weeks, and what is new, or on its way, rests on nothing that is read there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from syncd.core.invoicing.plan_rows import APPLICABLE, RowState
from syncd.core.service.answers import answer_of
from syncd.core.service.book_plan import plan_book
from syncd.core.service.connection_health import remedy_of
from syncd.core.service.invoice_apply import apply_invoices, conclude, deliver_all
from syncd.core.service.invoice_plan import PlannedInvoices, plan_invoices
from syncd.core.service.issue_book import IssueBook
from syncd.core.store.issues import Finding
from syncd.core.store.ledger_actions import actions_waiting
from syncd.core.store.ledger_documents import documents_waiting
from syncd.core.store.runs import RunStatus
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import AuthError, ConnectorError, PlanHeld, RateLimited, TransientError
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger

if TYPE_CHECKING:
    from syncd.core.invoicing.rules import LedgerRules
    from syncd.core.service.runs import RunHandle
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

CHANGES_NOT_PLANNED: Final = "CHANGES_NOT_PLANNED"


async def carry_book(
    database: Database,
    *,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    keeper: InvoiceKeeper,
    psa_connection: ConnectionRef,
    rules: LedgerRules,
    timezone: ZoneInfo,
    max_age_days: int,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle,
) -> None:
    """Plan a book; apply where its rules say so; go on with whatever was left open before.

    Args:
        database: where everything is.
        ledger: the opened book.
        ledger_connection: its stored connection.
        keeper: the opened PSA.
        psa_connection: its stored connection.
        rules: settings of the book.
        timezone: whose days count.
        max_age_days: older plans are refused.
        clock: current time in UTC.
        log: told of the plan, and of what is settled.
        run: gets the counts, and how it ends.

    Raises:
        ConnectorError: the book could not be planned; what was on its way was gone on with.
        StoreError: the database cannot serve.
    """

    async def deliver(book_key: str) -> None:
        async with database.reader() as conn:
            left = (await documents_waiting(conn, ledger_connection.id, book_key=book_key))[0]
            left += (await actions_waiting(conn, ledger_connection.id))[0]
            left += (await actions_waiting(conn, psa_connection.id))[0]
        if left:
            done = await deliver_all(
                database,
                ledger=ledger,
                ledger_connection=ledger_connection,
                keeper=keeper,
                psa_connection=psa_connection,
                clock=clock,
                log=log,
                book_key=book_key,
            )
            conclude(run, done)

    try:
        planned, missed = await plan_round(
            database,
            ledger=ledger,
            ledger_connection=ledger_connection,
            psa_connection=psa_connection,
            rules=rules,
            timezone=timezone,
            clock=clock,
            log=log,
            run_id=run.id,
        )
    except AuthError:
        raise
    except ConnectorError:
        name = ledger_connection.name
        book = await answer_of(ledger.book(), connection=name, work="the delivery")
        await deliver(book.key)
        raise
    states = [row.state for row in planned.record.rows]
    run.count("planned", len(states))
    held = states.count(RowState.HELD)
    if held:
        told = f"{held} rows of {planned.record.id} wait for a person: `syncd issues`"
        run.count("held", held)
        run.ends(RunStatus.HELD, code=PlanHeld.code, error=told)
    if missed is not None:
        told = f"what follows from changes was not planned: {missed}"
        run.ends(RunStatus.PARTIAL, code=CHANGES_NOT_PLANNED, error=told)
    by_hand = rules.by_hand(drafts=planned.book.drafts)
    if by_hand or not any(state in APPLICABLE for state in states):
        await deliver(planned.book.key)
        return
    applied = await apply_invoices(
        database,
        planned.record.id,
        ledger=ledger,
        ledger_connection=ledger_connection,
        keeper=keeper,
        psa_connection=psa_connection,
        max_age_days=max_age_days,
        clock=clock,
        log=log,
    )
    run.counts.pop("held", None)
    applied.conclude(run)


async def plan_round(
    database: Database,
    *,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    psa_connection: ConnectionRef,
    rules: LedgerRules,
    timezone: ZoneInfo,
    clock: Callable[[], datetime],
    log: EventLog,
    run_id: str = "",
) -> tuple[PlannedInvoices, ConnectorError | None]:
    """A plan of a book, and why nothing in it follows from what was changed, if nothing does.

    Where the books are down, or keep the calls of the day for writes and a person releases each
    row, no such plan is made: it would take the place of one whose rows were released.

    Raises:
        ConnectorError: the book could not be planned.
        StoreError: the database cannot serve.
    """
    name = ledger_connection.name
    try:
        planned = await plan_book(
            database,
            ledger=ledger,
            ledger_connection=ledger_connection,
            psa_connection=psa_connection,
            rules=rules,
            timezone=timezone,
            clock=clock,
            log=log,
            run_id=run_id,
        )
    except AuthError:
        raise
    except ConnectorError as error:
        book = await answer_of(ledger.book(), connection=name, work="the planning")
        spent = isinstance(error, RateLimited) and not rules.by_hand(drafts=book.drafts)
        if isinstance(error, TransientError) and not spent:
            raise
        missed = error
    else:
        await _tell(database, name, {}, clock, log)
        return planned, None
    finding = Finding(
        message=f"What follows from invoices that were changed or voided, and from credit notes, "
        f"was not planned for {name}; new invoices are: {missed}",
        remedy=f"{remedy_of(missed, name).rstrip('.')}. The next round tries it again, and so does "
        f"`syncd plan invoices {name}`.",
        evidence={"code": missed.code},
    )
    await _tell(database, name, {name: finding}, clock, log)
    planned = await plan_invoices(
        database,
        ledger=ledger,
        ledger_connection=ledger_connection,
        psa_connection=psa_connection,
        rules=rules,
        clock=clock,
        log=log,
        run_id=run_id,
        book=book,
    )
    return planned, missed


async def _tell(
    database: Database,
    name: str,
    findings: dict[str, Finding],
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    async with database.writer() as conn:
        book = IssueBook(conn, name, clock())
        await book.replace(CHANGES_NOT_PLANNED, findings)
    book.speak(log)
