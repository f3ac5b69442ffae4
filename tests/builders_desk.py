"""A desk: a PSA and a book that do as they are told, with a plan from its first row to the mark."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.invoice_apply import AppliedInvoices, apply_invoices
from syncd.core.service.invoice_plan import PlannedInvoices, plan_invoices
from syncd.core.service.invoice_settling import Settling
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.issues import open_issues
from syncd.core.store.ledger_documents import DocumentItem, find_documents_by
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.testing.fakes import RecordingLog
from tests.builders_books import FakeBook, Fate, Time
from tests.builders_invoices import CATALOGUE, connected, read
from tests.builders_keeper import FakeKeeper

AUTOMATIC = LedgerRules(approval="automatic")


@dataclass(slots=True)
class Desk:
    """A PSA and a book that do as they are told."""

    database: Database
    psa: ConnectionRef
    ledger: ConnectionRef
    time: Time
    book: FakeBook
    keeper: FakeKeeper
    log: RecordingLog = field(default_factory=RecordingLog)

    async def plan(self, *invoices: PsaInvoice, rules: LedgerRules = AUTOMATIC) -> PlannedInvoices:
        self.keeper.invoices_by_key.update({one.key: one for one in invoices})
        await read(self.database, self.psa, *self.keeper.invoices_by_key.values())
        return await plan_invoices(
            self.database,
            ledger=self.book,
            ledger_connection=self.ledger,
            psa_connection=self.psa,
            rules=rules,
            clock=self.time.clock,
            log=self.log,
        )

    async def apply(self, plan: PlannedInvoices | str, **more: Any) -> AppliedInvoices:
        return await apply_invoices(
            self.database,
            plan if isinstance(plan, str) else plan.record.id,
            ledger=self.book,
            ledger_connection=self.ledger,
            keeper=self.keeper,
            psa_connection=self.psa,
            max_age_days=7,
            clock=self.time.clock,
            log=self.log,
            sleep=self.time.sleep,
            **more,
        )

    async def row(self, number: str = "INV-00001") -> DocumentItem:
        async with self.database.reader() as conn:
            (item,) = await find_documents_by(conn, number)
        return item

    async def codes(self) -> list[str]:
        async with self.database.reader() as conn:
            return sorted(one.code for one in await open_issues(conn))

    def settling(self) -> Settling:
        @asynccontextmanager
        async def opened(_name: str) -> AsyncIterator[Ledger]:
            yield self.book

        return Settling(
            database=self.database,
            open_ledger=opened,
            clock=self.time.clock,
            log=self.log,
            sleep=asyncio.sleep,
        )


async def desk(database: Database, *, live: bool = True, **book: Any) -> Desk:
    """A desk with a mapped book."""
    psa, ledger = await connected(database, live=live)
    fate = Fate()
    time = Time(fate=fate)
    fake = FakeBook(time=time, fate=fate, catalogue=list(CATALOGUE), **book)
    return Desk(database, psa, ledger, time, fake, FakeKeeper(fate=fate))
