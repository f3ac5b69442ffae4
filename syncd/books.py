"""From settings to books: reading them back, payments, plans and their delivery, each as a run.

For the daemon and webhooks. What failed says so in its own run, and stops nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.bookkeeping import keeper_name, open_keeper, rules_of
from syncd.core.invoicing.rules import OFF
from syncd.core.service.book_round import carry_book
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.forgotten_books import tell_unconfigured
from syncd.core.service.invoice_apply import Delivered, conclude
from syncd.core.service.invoice_reading import KIND as INVOICES
from syncd.core.service.invoice_reading import read_invoices
from syncd.core.service.ledger_delivery import deliver_to_psa
from syncd.core.service.ledger_payments import settle_payments
from syncd.core.service.ledger_references import KIND as REFERENCES
from syncd.core.service.ledger_references import read_references
from syncd.core.service.read_back import read_back, refresh_documents
from syncd.core.service.runs import RunHandle, run
from syncd.core.service.webhooks import Refresh
from syncd.core.store.delivery_lock import reading_turn
from syncd.core.store.invoice_facts import golive_of
from syncd.core.store.ledger_actions import actions_waiting
from syncd.core.store.ledger_payments import OPEN, parts_in
from syncd.core.store.runs import RunStatus
from syncd.open_books import OpenBook, used_once
from syncd.sdk.webhooks import Announced

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.core.service.read_back import ReadBackReport
    from syncd.core.store.connections import ConnectionRef
    from syncd.sdk.ledger_port import InvoiceKeeper, Ledger

READ_BACK: Final = "read back"
PAYMENTS: Final = "payments"
BOOKS: Final = "books"
"""Kinds of runs; planning, applying and delivering are one, so that a crash repeats all of them."""

READ_BACK_INCOMPLETE: Final = "READ_BACK_INCOMPLETE"

TURN_SECONDS: Final = 120.0
"""How long one read of a book waits for another, which may have many pages."""


async def read(app: App, due: datetime | None) -> None:
    """Read what changed of the PSA's invoices.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    name = keeper_name(app)
    rules = [app.settings.invoices.ledgers[one] for one in app.settings.ledgers]
    connection = await app.connection(name)
    async with _run(app, name, INVOICES, due) as handle, _keeper(app, connection) as keeper:
        await read_invoices(
            app.database,
            connection,
            keeper,
            overlap=timedelta(minutes=max(one.overlap_minutes for one in rules)),
            sweep_days=max(one.read_back_days for one in rules),
            clock=app.clock,
            log=app.log,
            run=handle,
        )
        configured = {*app.settings.connections, *app.settings.unavailable}
        await tell_unconfigured(app.database, connection, configured, clock=app.clock, log=app.log)


async def refresh_references(app: App, name: str, due: datetime | None) -> None:
    """Read the catalogues of a book.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    psa = await app.connection(keeper_name(app))
    connection = await app.connection(name)
    async with _run(app, name, REFERENCES, due) as handle, used_once(app, name) as ledger:
        await read_references(
            app.database,
            connection,
            ledger,
            psa_id=psa.id,
            clock=app.clock,
            log=app.log,
            run=handle,
        )


async def look_back(app: App, book: OpenBook, due: datetime | None) -> None:
    """Read a book back: what became of our documents, and what was paid.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    connection = await app.connection(book.name)
    async with _run(app, book.name, READ_BACK, due) as handle, book.used() as ledger:
        report = await _read_back(app, connection, ledger, handle.id)
        handle.count("seen", report.seen)
        handle.count("drifted", report.drifted)
        handle.count("payments", report.payments)
        if report.doubted:
            told = f"{report.doubted} documents were not shown, which is not believed"
            handle.ends(RunStatus.PARTIAL, code="READ_BACK_DOUBTED", error=told)
        elif not report.whole:
            told = "changes were not told whole: every document was asked for instead"
            handle.ends(RunStatus.PARTIAL, code=READ_BACK_INCOMPLETE, error=told)


async def record_payments(app: App, name: str, due: datetime | None) -> None:
    """See which payments of a book the PSA lacks, and queue them; no run where none waits.

    What waits goes on waiting while payments are off for the book.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    connection = await app.connection(name)
    psa = await app.connection(keeper_name(app))
    async with app.database.reader() as conn:
        golive = await golive_of(conn, psa.id, connection.id)
        waiting = golive is not None and await parts_in(conn, connection.id, golive.book_key, OPEN)
    if golive is None or not waiting or rules_of(app, name).payments == OFF:
        return
    async with _run(app, name, PAYMENTS, due) as handle, _keeper(app, psa) as keeper:
        report = await settle_payments(
            app.database,
            keeper,
            ledger=connection,
            psa=psa,
            book_key=golive.book_key,
            clock=app.clock,
            log=app.log,
        )
        handle.count("recorded", report.recorded)
        handle.count("queued", report.queued)
        handle.count("echoes", report.echoes)
        handle.count("held", report.held)


async def carry(app: App, book: OpenBook, due: datetime | None) -> None:
    """Plan a book; apply where its rules say so; go on with whatever was left open before.

    What waits for a person's release is never applied here, and one issue tells how much waits.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    connection = await app.connection(book.name)
    psa = await app.connection(keeper_name(app))
    async with (
        _run(app, book.name, BOOKS, due) as handle,
        book.used() as ledger,
        _keeper(app, psa) as keeper,
    ):
        await carry_book(
            app.database,
            ledger=ledger,
            ledger_connection=connection,
            keeper=keeper,
            psa_connection=psa,
            rules=rules_of(app, book.name),
            timezone=app.settings.timezone,
            max_age_days=app.settings.billing.plan_max_age_days,
            clock=app.clock,
            log=app.log,
            run=handle,
        )


async def tell_psa(app: App, due: datetime | None) -> None:
    """Write to the PSA what still waits for it, whatever the books do; no run where nothing does.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    psa = await app.connection(keeper_name(app))
    async with app.database.reader() as conn:
        left, when = await actions_waiting(conn, psa.id)
    if not left or (when is not None and when > app.clock()):
        return
    async with _run(app, psa.name, BOOKS, due) as handle, _keeper(app, psa) as keeper:
        report = await deliver_to_psa(app.database, keeper, psa, clock=app.clock, log=app.log)
        conclude(handle, Delivered(psa=report))


@asynccontextmanager
async def refreshing(app: App, name: str) -> AsyncIterator[Refresh]:
    """An open book: how to look at what its vendor announces.

    Documents are read again by their id. A payment cannot be asked for by its id in every system:
    the changes since the last time are read instead.

    Raises:
        ConfigError: it cannot be used.
        ConnectorError: the vendor refused or could not be reached.
    """
    connection = await app.connection(name)
    async with used_once(app, name) as ledger:

        async def refresh(what: Announced, remotes: Sequence[str]) -> None:
            if what is Announced.PAYMENT:
                await _read_back(app, connection, ledger, "", sweep=0)
            elif what is Announced.DOCUMENT:
                async with reading_turn(app.database, connection.id, wait_seconds=TURN_SECONDS):
                    await refresh_documents(
                        app.database,
                        ledger,
                        connection=connection,
                        remotes=remotes,
                        clock=app.clock,
                        log=app.log,
                    )

        yield refresh


async def _read_back(
    app: App, connection: ConnectionRef, ledger: Ledger, run_id: str, *, sweep: int | None = None
) -> ReadBackReport:
    rules = rules_of(app, connection.name)
    async with reading_turn(app.database, connection.id, wait_seconds=TURN_SECONDS):
        return await read_back(
            app.database,
            ledger,
            connection=connection,
            rules=rules,
            why_off=await _why_off(app, connection),
            clock=app.clock,
            log=app.log,
            run_id=run_id,
            **({} if sweep is None else {"sweep": sweep}),
        )


async def _why_off(app: App, connection: ConnectionRef) -> str:
    """Why payments are not recorded in the PSA; empty where they are.

    Before a book is live somebody else keeps both sides in step, and would record them twice.
    """
    if rules_of(app, connection.name).payments == OFF:
        return 'payments = "off" for this book'
    psa = await app.connection(keeper_name(app))
    async with app.database.reader() as conn:
        live = await golive_of(conn, psa.id, connection.id)
    return "" if live is not None else "the book is not live"


@asynccontextmanager
async def _keeper(app: App, connection: ConnectionRef) -> AsyncIterator[InvoiceKeeper]:
    async with (
        failures_recorded(app.database, connection, app.clock, app.log),
        open_keeper(app) as keeper,
    ):
        yield keeper


def _run(
    app: App, subject: str, kind: str, due: datetime | None
) -> AbstractAsyncContextManager[RunHandle]:
    return run(
        app.database,
        subject=subject,
        kind=kind,
        scheduled_for=due,
        clock=app.clock,
        log=app.log,
        node=app.node,
        report=app.report,
    )
