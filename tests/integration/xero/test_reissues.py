"""What the PSA changes after posting, the whole way into the simulated Xero and back.

Documents are approved, and a voided one keeps its number there. At no time does an invoice have two
documents that count, and in the end each has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
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
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_fate import Fate
from tests.builders_invoices import invoice, line
from tests.builders_keeper import FakeKeeper

LONDON = ZoneInfo("Europe/London")
NUMBER = "INV-00001"
FREED = "INV-00001-V1"
MOVES: dict[str, Any] = {"path": "/Invoices$", "method": "POST"}


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


@asynccontextmanager
async def way(database: Database, **rules: Any) -> AsyncIterator[Way]:
    watch, package = FakeStopwatch(), PACKAGES["xero"]
    connector, sandbox, token = package.load()
    options = {"xero": {"monotonic": watch.monotonic}}
    with SandboxHost(fleet(0, 1, start=START), [sandbox], options=options) as host, watch.running():
        hosted = host.simulators["xero"]
        async with opened(connector, sandbox, hosted, token, watch, settle_seconds=5) as ledger:
            psa, books = await prepared(database, ledger, package, 0)
            told = {"approved": True, "approval": "automatic", **rules}
            yield Way(database, ledger, psa, books, FakeKeeper(Fate()), watch, hosted,
                      LedgerRules(**told))  # fmt: skip


def edited(pieces: int = 3) -> PsaInvoice:
    return invoice("1", line(1, quantity=str(pieces)))


async def test_an_edited_invoice_is_voided_and_posted_anew_under_its_own_number(
    sqlite_database: Database,
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"), invoice("2"))
        assert await one.round() == [Step.POST, Step.POST]
        first = one.keeper.marks["1"].remote
        await one.shown(edited())
        assert await one.round() == [Step.VOID]
        assert await one.round() == [Step.POST]
        assert one.standing() == {NUMBER: Decimal("36.00"), "INV-00002": Decimal("24.00")}
        gone = one.simulator.books.documents[first]
        assert (gone.number, gone.status) == (FREED, "VOIDED")
        assert one.keeper.marks["1"].remote not in {"", first}
        assert await one.round() == []
        assert await one.issues() == []


async def test_a_second_edit_frees_the_number_once_more(sqlite_database: Database) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        for pieces in (3, 4):
            await one.shown(edited(pieces))
            assert await one.round() == [Step.VOID]
            assert await one.round() == [Step.POST]
        assert one.standing() == {NUMBER: Decimal("48.00")}
        voided = {one.number for one in one.simulator.books.documents.values()} - {NUMBER}
        assert voided == {FREED, "INV-00001-V2"}
        assert await one.issues() == []


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(action=Action.CUT_BEFORE, count=1),
        Fault(action=Action.CUT_AFTER, count=1),
        Fault(action=Action.STATUS_AFTER, status=502, count=1),
        Fault(action=Action.STATUS_BEFORE, status=429, headers={"retry-after": "5"}, count=1),
    ],
    ids=["cut before", "cut after", "502 after", "429"],
)
async def test_whatever_is_lost_on_the_way_the_invoice_ends_in_one_document(
    nth: int, fault: Fault, sqlite_database: Database
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        await one.shown(edited())
        broken = replace(fault, nth=nth, **MOVES)
        one.hosted.controlled.faults.replace([broken])
        for _ in range(3):
            await one.round()
        assert one.hosted.controlled.faults.struck
        assert one.standing() == {NUMBER: Decimal("36.00")}
        assert await one.round() == []
        assert await one.issues() == []


@pytest.mark.parametrize("nth", [1, 2])
async def test_a_void_that_is_left_half_done_is_finished_by_a_later_round(
    nth: int, sqlite_database: Database
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        await one.shown(edited())
        lost = Fault(action=Action.CUT_AFTER if nth == 1 else Action.CUT_BEFORE, count=1, nth=nth)
        one.hosted.controlled.faults.replace([replace(lost, **MOVES)])
        await one.round(patience=0)
        assert [done.number for done in one.simulator.books.documents.values()] == [FREED]
        assert one.standing() == {FREED: Decimal("24.00")}, "renumbered, and not voided yet"
        for _ in range(2):
            await one.round()
        assert one.standing() == {NUMBER: Decimal("36.00")}
        assert await one.round() == []
        assert await one.issues() == []


async def test_a_void_that_xero_refuses_is_not_tried_again_until_something_moves(
    sqlite_database: Database,
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        await one.shown(edited())
        words = '{"Type":"ValidationException","Message":"The return is filed"}'
        refuse = Fault(action=Action.STATUS_BEFORE, status=400, body=words, nth=2, count=1)
        one.hosted.controlled.faults.replace([replace(refuse, **MOVES)])
        assert await one.round() == [Step.VOID]
        assert one.standing() == {NUMBER: Decimal("24.00")}
        told = await one.issues()
        assert set(told) == {"WRITE_REFUSED", "CHANGED_IN_PSA"}
        writes = one.simulator.calls["POST Invoices"]
        for _ in range(2):
            assert await one.round() == []
        assert one.simulator.calls["POST Invoices"] == writes
        assert set(await one.issues()) == set(told)


async def test_what_somebody_voids_meanwhile_waits_for_a_person_as_its_number_is_not_free(
    sqlite_database: Database,
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        await one.shown(edited())
        lost = Fault(action=Action.CUT_BEFORE, count=1)
        one.hosted.controlled.faults.replace([replace(lost, **MOVES)])
        await one.round(patience=0)
        one.simulator.hand.void(NUMBER)
        writes = one.simulator.calls["PUT Invoices"]
        for _ in range(3):
            await one.round()
        assert one.standing() == {}
        assert one.simulator.calls["PUT Invoices"] == writes, "nothing is sent under a taken number"
        assert {"WRITE_REFUSED", "BOOKS_VOIDED"} <= set(await one.issues())


async def test_what_is_paid_in_xero_is_neither_renumbered_nor_voided(
    sqlite_database: Database,
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        one.simulator.hand.pay(NUMBER, "1.00")
        await one.shown(edited())
        assert await one.round() == []
        assert one.standing() == {NUMBER: Decimal("23.00")}
        assert await one.issues() == ["CHANGED_IN_PSA"]


async def test_a_voided_invoice_is_voided_in_xero_and_keeps_its_number_there(
    sqlite_database: Database,
) -> None:
    async with way(sqlite_database, on_void="void-and-reissue") as one:
        await one.shown(invoice("1"))
        await one.round()
        await one.shown(invoice("1", voided=True))
        assert await one.round() == [Step.VOID]
        assert one.standing() == {}
        assert [one.number for one in one.simulator.books.documents.values()] == [NUMBER]
        assert await one.round() == []
        assert await one.issues() == []


async def test_a_voided_invoice_is_credited_and_the_note_settles_it(
    sqlite_database: Database,
) -> None:
    async with way(sqlite_database, on_void="credit") as one:
        await one.shown(invoice("1"))
        await one.round()
        await one.shown(invoice("1", voided=True))
        assert await one.round() == [Step.CREDIT]
        assert await one.round() == [Step.ALLOCATE]
        assert one.standing() == {NUMBER: Decimal("0.00")}
        assert one.standing("ACCRECCREDIT") == {"INV-00001-CR": Decimal("0.00")}
        assert await one.round() == []
        assert await one.issues() == []
