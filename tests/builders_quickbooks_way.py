"""The whole way: a simulated HaloPSA, the core with its database, and a simulated QuickBooks.

Nothing between the two is faked; time moves only when a test, or the core by waiting, says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from syncd_halopsa.config import SCOPE
from syncd_halopsa.connector import CONNECTOR as HALOPSA
from syncd_halopsa.sandbox import SANDBOX as HALOPSA_SANDBOX
from syncd_halopsa.sandbox import SECRET as HALOPSA_SECRET
from syncd_halopsa.sandbox.app import Simulator as HaloPsa
from syncd_quickbooks import CONNECTOR as QUICKBOOKS
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.sandbox import REFRESH_TOKEN, SANDBOX
from syncd_quickbooks.sandbox.app import Simulator as QuickBooks

from syncd.core.invoicing.plan_rows import RowState, Step
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.book_plan import plan_book
from syncd.core.service.bound_ledger import BoundLedger
from syncd.core.service.invoice_apply import apply_invoices, deliver_all
from syncd.core.service.invoice_plan import PlannedInvoices
from syncd.core.service.invoice_reading import read_invoices
from syncd.core.service.ledger_payments import settle_payments
from syncd.core.service.read_back import read_back
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.core.store.ledger_documents import DocumentItem, find_documents_by
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.ledger_references import store_ledger_references
from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Connector, Context
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger
from syncd.sdk.ledger_records import ReferenceKind, TaxMeaning
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from syncd.sdk.testing.faults import Fault
from tests.builders_quickbooks_books import UNLIMITED, settings
from tests.builders_quickbooks_company import customers
from tests.builders_tokens import MemoryVault

CLIENT, CUSTOMER = 1001, "101"
"""The first client of the world, in either system."""
NEW_YORK = ZoneInfo("America/New_York")
GLOBAL = ({"1": "2", "2": "3", "3": "4", "4": "5", "5": "6"}, "GBP")
AMERICAN = ({"1": "TAX", "2": "NON", "3": "NON", "4": "NON", "5": "TAX"}, "USD")
_MEANINGS = {
    "1": TaxMeaning.STANDARD,
    "2": TaxMeaning.ZERO_RATED,
    "3": TaxMeaning.EXEMPT,
    "4": TaxMeaning.OUT_OF_SCOPE,
    "5": TaxMeaning.STANDARD,
}


@dataclass
class Way:
    """Both simulators, both connectors, and the core between them."""

    database: Database
    world: SimulatedWorld
    halopsa: HaloPsa
    quickbooks: QuickBooks
    keeper: InvoiceKeeper
    ledger: Ledger
    psa: ConnectionRef
    books: ConnectionRef
    rules: LedgerRules
    hosted: HostedSimulator
    log: RecordingLog = field(default_factory=RecordingLog)

    def clock(self) -> datetime:
        return self.world.now()

    async def sleep(self, seconds: float) -> None:
        self.later(seconds=seconds)

    def later(self, **span: float) -> None:
        self.world.clock.set(self.world.now() + timedelta(**span))

    def break_with(self, *faults: Fault) -> None:
        """What goes wrong on the way to the books from now on."""
        self.hosted.controlled.faults.replace(faults)

    async def read(self) -> None:
        """What the PSA changed, a minute later."""
        self.later(minutes=1)
        await read_invoices(
            self.database,
            self.psa,
            self.keeper,
            overlap=timedelta(hours=1),
            sweep_days=400,
            clock=self.clock,
            log=self.log,
        )

    async def look(self) -> None:
        """What the books show, a minute later."""
        self.later(minutes=1)
        await read_back(
            self.database,
            self.ledger,
            connection=self.books,
            rules=self.rules,
            why_off="",
            clock=self.clock,
            log=self.log,
        )

    async def plan(self) -> PlannedInvoices:
        return await plan_book(
            self.database,
            ledger=self.ledger,
            ledger_connection=self.books,
            psa_connection=self.psa,
            rules=self.rules,
            timezone=NEW_YORK,
            clock=self.clock,
            log=self.log,
        )

    async def apply(self, plan: PlannedInvoices) -> None:
        await apply_invoices(
            self.database,
            plan.record.id,
            ledger=self.ledger,
            ledger_connection=self.books,
            keeper=self.keeper,
            psa_connection=self.psa,
            max_age_days=7,
            clock=self.clock,
            log=self.log,
            sleep=self.sleep,
        )

    async def settle(self) -> None:
        """Payments of the books, on their way to the PSA."""
        await settle_payments(
            self.database,
            self.keeper,
            ledger=self.books,
            psa=self.psa,
            book_key=(await self.ledger.book()).key,
            clock=self.clock,
            log=self.log,
        )

    async def deliver(self) -> None:
        await deliver_all(
            self.database,
            ledger=self.ledger,
            ledger_connection=self.books,
            keeper=self.keeper,
            psa_connection=self.psa,
            clock=self.clock,
            log=self.log,
            sleep=self.sleep,
        )

    async def round(self) -> list[Step]:
        """One round as the daemon makes it; the steps that were applied."""
        await self.read()
        await self.look()
        await self.settle()
        plan = await self.plan()
        steps = [row.step.step for row in plan.record.rows if row.state is RowState.READY]
        await self.apply(plan) if steps else await self.deliver()
        return steps

    async def documents(self, number: str) -> list[DocumentItem]:
        async with self.database.reader() as conn:
            return list(await find_documents_by(conn, number))

    async def issues(self) -> list[Issue]:
        async with self.database.reader() as conn:
            return await open_issues(conn)

    async def shown(self, number: int) -> PsaInvoice:
        """An invoice as the PSA shows it now."""
        return (await self.keeper.read_invoices([str(number)]))[str(number)]

    def in_books(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Total and balance of every invoice in the books, by number."""
        rows = self.quickbooks.hand.documents()
        return {row["DocNumber"]: (row["TotalAmt"], row["Balance"]) for row in rows}


@asynccontextmanager
async def whole_way(
    database: Database,
    *,
    halopsa: Mapping[str, Any] | None = None,
    company: Mapping[str, Any] | None = None,
    write_tax: bool = False,
    settings_of_books: Mapping[str, Any] | None = None,
    **rules: Any,
) -> AsyncIterator[Way]:
    """A mapped book that is live, and a PSA without invoices.

    Args:
        database: of the core.
        halopsa: options of the simulated PSA.
        company: options of the simulated QuickBooks.
        write_tax: the PSA's connection writes the tax of the books back.
        settings_of_books: further settings of the book's connection.
        rules: of the book, beside approval by itself.
    """
    world, asked = customers(2), {**UNLIMITED, **(company or {})}
    options = {"halopsa": dict(halopsa or {}), "quickbooks": asked}
    with (
        SandboxHost(world, [HALOPSA_SANDBOX, SANDBOX], options=options) as host,
        FakeStopwatch().running(),  # what connectors wait for takes no time
    ):
        hosted = host.simulators
        told = {**HALOPSA_SANDBOX.settings(hosted["halopsa"].base_url), "write_tax": write_tax}
        told |= {"client_secret": HALOPSA_SECRET, "scope": f"{SCOPE} edit:invoices"}
        psa = _context(world, "psa", HALOPSA, HALOPSA.config.model_validate(told))
        books = _context(
            world,
            "books",
            QUICKBOOKS,
            QuickBooksConfig.model_validate(
                settings(hosted["quickbooks"].base_url, **(settings_of_books or {}))
            ),
        )
        async with HALOPSA.open(psa) as ports, QUICKBOOKS.open(books) as others:
            keeper, ledger = ports.psa, others.ledger
            assert isinstance(keeper, InvoiceKeeper)
            assert ledger is not None
            refs = await _mapped(database, world, ledger, AMERICAN if asked.get("us") else GLOBAL)
            yield Way(
                database,
                world,
                hosted["halopsa"].app.state.simulator,
                hosted["quickbooks"].app.state.simulator,
                keeper,
                BoundLedger(ledger, database, refs[1]),
                *refs,
                LedgerRules(**{"approval": "automatic", **rules}),
                hosted["quickbooks"],
            )


def _context(
    world: SimulatedWorld, name: str, connector: Connector[Any], config: Any
) -> Context[Any]:
    return Context(
        connection=name,
        config=config,
        limits=connector.limits,
        clock=world.now,
        log=RecordingLog(),
        vault=MemoryVault(REFRESH_TOKEN),
    )


async def _mapped(
    database: Database,
    world: SimulatedWorld,
    ledger: Ledger,
    kind: tuple[Mapping[str, str], str],
) -> tuple[ConnectionRef, ConnectionRef]:
    """Catalogues, what people mapped, and their word that the book is live."""
    now, taxes = world.now(), kind[0]
    catalogue = [row async for rows in ledger.references() for row in rows]
    book = await ledger.book()
    assert book.currency == kind[1]
    decisions = [
        LedgerDecision(kind=ReferenceKind.CONTACT, source=str(CLIENT), target=CUSTOMER, by="ann"),
        LedgerDecision(kind=ReferenceKind.ITEM, source="*", target="21", by="ann"),
        *(
            LedgerDecision(
                kind=ReferenceKind.TAX,
                source=code,
                target=target,
                meaning=_MEANINGS[code].value,
                by="ann",
            )
            for code, target in taxes.items()
        ),
    ]
    async with database.writer() as conn:
        psa = await ensure_connection(conn, "psa", "halopsa")
        books = await ensure_connection(conn, "books", "quickbooks")
        await store_ledger_references(conn, books.id, catalogue, now=now)
        await write_ledger_mappings(conn, psa.id, books.id, new=decisions, now=now)
        word = LedgerWord(
            book_key=book.key,
            live=True,
            from_day=date(2026, 11, 1),
            by="ann",
            reason="the books are ready",
            at=now,
        )
        await record_ledger_golive(conn, psa.id, books.id, word)
    return psa, books
