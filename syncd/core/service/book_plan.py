"""The whole plan of a book: what it lacks, and what follows from what the PSA changed since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.answers import answer_of
from syncd.core.service.credit_carry import Carried, plan_carries, sync_carry_issues
from syncd.core.service.invoice_plan import PlannedInvoices, load_facts, plan_invoices
from syncd.sdk.connector import EventLog
from syncd.sdk.ledger_port import Ledger

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


async def plan_book(
    database: Database,
    *,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    psa_connection: ConnectionRef,
    rules: LedgerRules,
    timezone: ZoneInfo,
    clock: Callable[[], datetime],
    log: EventLog,
    made_by: str = "",
    run_id: str = "",
) -> PlannedInvoices:
    """Plan a book; see `plan_invoices`. Nothing of a change is proposed while it is not live.

    Raises:
        ConnectorError: the book could not be read.
        StoreError: the database cannot serve.
    """
    name = ledger_connection.name
    book = await answer_of(ledger.book(), connection=name, work="the planning")
    async with database.reader() as conn:
        facts = await load_facts(
            conn,
            ledger=ledger,
            book=book,
            ledger_connection=ledger_connection,
            psa_connection=psa_connection,
            rules=rules,
        )
    carried = Carried()
    if facts.live_from is not None and facts.live_book == book.key:
        carried = await plan_carries(
            database,
            ledger,
            psa=psa_connection,
            connection=ledger_connection,
            facts=facts,
            today=clock().astimezone(timezone).date(),
        )
        await sync_carry_issues(
            database,
            ledger_connection,
            carried,
            psa=psa_connection,
            book_key=book.key,
            clock=clock,
            log=log,
        )
    return await plan_invoices(
        database,
        ledger=ledger,
        ledger_connection=ledger_connection,
        psa_connection=psa_connection,
        rules=rules,
        clock=clock,
        log=log,
        made_by=made_by,
        run_id=run_id,
        extra=carried.steps,
        book=book,
    )
