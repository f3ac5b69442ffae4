"""Invoices the whole way: a PSA, the rules between, and the simulated Xero, round by round."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from syncd_xero.sandbox.app import Simulator

from bench.post import START, opened, prepared
from bench.post_packages import PACKAGES
from syncd.core.invoicing.plan_rows import Step
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.book_plan import plan_book
from syncd.core.service.invoice_apply import apply_invoices, deliver_all
from syncd.core.service.read_back import read_back
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.database import Database
from syncd.core.store.invoices import store_invoices
from syncd.core.store.issues import open_issues
from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.presets import fleet
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.testing.fakes import FakeStopwatch, NullLog
from tests.builders_fate import Fate
from tests.builders_keeper import FakeKeeper

LONDON = ZoneInfo("Europe/London")


@dataclass
class Way:
    """A PSA, a live book in Xero, and the rounds between them."""

    database: Database
    ledger: Ledger
    psa: ConnectionRef
    books: ConnectionRef
    keeper: FakeKeeper
    watch: FakeStopwatch
    hosted: HostedSimulator
    rules: LedgerRules
    fate: Fate

    @property
    def simulator(self) -> Simulator:
        state: Simulator = self.hosted.app.state.simulator  # type: ignore[attr-defined]
        return state

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.watch.now)

    async def shown(self, *invoices: PsaInvoice) -> None:
        """The PSA shows these from now on, and was read."""
        self.keeper.invoices_by_key |= {one.key: one for one in invoices}
        async with self.database.writer() as conn:
            await store_invoices(conn, self.psa.id, invoices, now=self.clock())

    async def round(self, patience: float = 120.0) -> list[Step]:
        """What the daemon does: look back, plan, apply; the steps that were planned."""
        await self.watch.sleep(60)
        await self.look()
        planned = await plan_book(
            self.database,
            ledger=self.ledger,
            ledger_connection=self.books,
            psa_connection=self.psa,
            rules=self.rules,
            timezone=LONDON,
            clock=self.clock,
            log=NullLog(),
        )
        more: dict[str, Any] = {
            "ledger": self.ledger,
            "ledger_connection": self.books,
            "keeper": self.keeper,
            "psa_connection": self.psa,
            "clock": self.clock,
            "log": NullLog(),
            "sleep": self.watch.sleep,
            "patience_seconds": patience,
        }
        await apply_invoices(self.database, planned.record.id, max_age_days=7, **more)
        await deliver_all(self.database, **more)
        self.at_most_one_counts()
        return [row.step.step for row in planned.record.rows]

    async def look(self) -> None:
        await read_back(
            self.database,
            self.ledger,
            connection=self.books,
            rules=self.rules,
            why_off="",
            clock=self.clock,
            log=NullLog(),
        )

    def standing(self, kind: str = "ACCREC") -> dict[str, Decimal]:
        """Documents that count, by number, with what is due."""
        documents = self.simulator.books.documents.values()
        return {
            one.number: one.due_amount
            for one in documents
            if one.kind == kind and one.status not in {"VOIDED", "DELETED"}
        }

    def at_most_one_counts(self) -> None:
        """No invoice has two documents that count."""
        numbers = Counter(
            one.number.partition("-V")[0]
            for one in self.simulator.books.documents.values()
            if one.kind == "ACCREC" and one.status not in {"VOIDED", "DELETED"}
        )
        assert not [number for number, times in numbers.items() if times > 1]

    async def issues(self) -> list[str]:
        async with self.database.reader() as conn:
            return [one.code for one in await open_issues(conn, connection=self.books.name)]


class Mortal:
    """A ledger at whose calls the process may end, before them and after them."""

    def __init__(self, ledger: Ledger, fate: Fate) -> None:
        self._ledger = ledger
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ledger, name)
        if name not in {"book", "find_documents", "post", "act", "read_back", "changes"}:
            return found

        async def call(*given: Any, **named: Any) -> Any:
            self._fate.may_die()
            answer = await found(*given, **named)
            self._fate.may_die()
            return answer

        return call


@asynccontextmanager
async def way(database: Database, **rules: Any) -> AsyncIterator[Way]:
    """A live book without anything in it; rules are those of the book."""
    watch, package, fate = FakeStopwatch(), PACKAGES["xero"], Fate()
    connector, sandbox, token = package.load()
    options = {"xero": {"monotonic": watch.monotonic}}
    told = LedgerRules(**{"approved": True, "approval": "automatic", **rules})
    with SandboxHost(fleet(0, 1, start=START), [sandbox], options=options) as host, watch.running():
        hosted = host.simulators["xero"]
        async with opened(connector, sandbox, hosted, token, watch, settle_seconds=5) as ledger:
            psa, books = await prepared(database, ledger, package, 0)
            mortal: Any = Mortal(ledger, fate)
            keeper = FakeKeeper(fate)
            yield Way(database, mortal, psa, books, keeper, watch, hosted, told, fate)
