"""What the PSA changes after posting, the whole way into the simulated Xero and back.

Documents are approved, and a voided one keeps its number there. At no time does an invoice have two
documents that count, and in the end each has one.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.store.database import Database
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_invoices import invoice, line
from tests.builders_xero_way import way

NUMBER = "INV-00001"
FREED = "INV-00001-V1"
MOVES: dict[str, Any] = {"path": "/Invoices$", "method": "POST"}


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
