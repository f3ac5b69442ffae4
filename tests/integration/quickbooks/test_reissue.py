"""A void with its reissue, the whole way: the new version has the number that the client knows."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest

from syncd.core.invoicing.plan_rows import Step
from syncd.core.store.database import Database
from syncd.sdk.errors import SyncdError
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_quickbooks_way import CLIENT, Way, whole_way

OLD, NEW = Decimal("120.00"), Decimal("240.00")
VOIDED = (Decimal(0), Decimal(0))
BROKEN = (
    Action.CUT_AFTER,
    Action.CUT_BEFORE,
    Action.CUT_BODY,
    Action.STATUS_AFTER,
    Action.STATUS_BEFORE,
    Action.TRUNCATE,
    Action.REPLACE,
)


async def posted(way: Way) -> tuple[int, str]:
    """An invoice that stands in the books and was doubled in the PSA since."""
    number = way.halopsa.hand.finish(CLIENT)
    assert await way.round() == [Step.POST]
    printed = (await way.shown(number)).number
    assert way.in_books() == {printed: (OLD, OLD)}
    way.halopsa.hand.edit_invoice(number, columns={"unit_price": 200})
    return number, printed


@pytest.mark.parametrize("note", ["prepend", "replace"])
async def test_the_new_version_has_the_number_that_the_client_knows(
    sqlite_database: Database, note: str
) -> None:
    async with whole_way(
        sqlite_database, on_edit="void-and-reissue", company={"void_note": note}
    ) as way:
        number, printed = await posted(way)
        assert await way.round() == [Step.VOID]
        assert way.in_books() == {f"{printed}-V1": VOIDED}
        assert await way.round() == [Step.POST]
        assert way.in_books() == {f"{printed}-V1": VOIDED, printed: (NEW, NEW)}
        for _ in range(2):
            assert await way.round() == []
        assert await way.issues() == []
        shown = await way.shown(number)
        live = next(row for row in way.quickbooks.hand.documents() if row["TotalAmt"])
        assert shown.foreign["link"] == live["Id"]


async def test_a_second_edit_frees_the_number_again(sqlite_database: Database) -> None:
    async with whole_way(sqlite_database, on_edit="void-and-reissue") as way:
        number, printed = await posted(way)
        for _ in range(2):
            await way.round()
        way.halopsa.hand.edit_invoice(number, columns={"unit_price": 300})
        assert await way.round() == [Step.VOID]
        assert await way.round() == [Step.POST]
        last = Decimal("360.00")
        assert way.in_books() == {
            f"{printed}-V1": VOIDED,
            f"{printed}-V2": VOIDED,
            printed: (last, last),
        }
        assert await way.round() == []
        assert await way.issues() == []


async def test_an_invoice_that_the_psa_voids_keeps_its_number(sqlite_database: Database) -> None:
    async with whole_way(sqlite_database, on_void="void-and-reissue") as way:
        number, printed = await posted(way)
        way.halopsa.hand.edit_invoice(number, columns={"unit_price": 100})
        way.halopsa.hand.void_invoice(number)
        assert await way.round() == [Step.VOID]
        assert way.in_books() == {printed: VOIDED}
        assert await way.round() == []
        assert await way.issues() == []


async def test_a_payment_between_the_renaming_and_the_void_stops_the_void_and_is_told(
    sqlite_database: Database,
) -> None:
    async with whole_way(sqlite_database, on_edit="void-and-reissue") as way:
        _, printed = await posted(way)
        busy = Fault(action=Action.STATUS_BEFORE, status=429, path="/invoice$", nth=2, count=99)
        way.break_with(busy)
        await way.round()
        assert way.in_books() == {f"{printed}-V1": (OLD, OLD)}
        (row,) = way.quickbooks.hand.documents()
        way.quickbooks.hand.pay(row["Id"], OLD)
        way.break_with()
        for _ in range(3):
            await way.round()
            way.later(minutes=15)
        assert way.in_books() == {f"{printed}-V1": (OLD, Decimal(0))}
        told = [one.message for one in await way.issues()]
        assert any(f"{printed}-V1" in one for one in told), told


@pytest.mark.parametrize("seed", range(4))
async def test_one_document_stands_whatever_of_the_void_and_the_reissue_is_lost(
    sqlite_database: Database, seed: int
) -> None:
    chance = random.Random(seed)
    async with whole_way(sqlite_database, on_edit="void-and-reissue") as way:
        _, printed = await posted(way)
        fault = Fault(action=chance.choice(BROKEN), status=503, count=chance.choice((1, 1, 3)))
        way.break_with(
            replace(fault, path="/invoice$", method="POST", nth=1 + seed % 2),
            replace(fault, action=chance.choice(BROKEN), path="/batch$", nth=1),
            replace(fault, action=chance.choice(BROKEN), path="/query$", nth=chance.randint(1, 4)),
        )
        for _ in range(8):
            with suppress(SyncdError):  # a round that fails is made again
                await way.round()
            way.later(minutes=15)
        assert way.hosted.controlled.faults.struck, f"seed {seed}: nothing was broken"
        assert way.in_books() == {f"{printed}-V1": VOIDED, printed: (NEW, NEW)}, f"seed {seed}"
        assert await way.issues() == []
