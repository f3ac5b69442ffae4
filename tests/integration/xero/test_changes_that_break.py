"""Edits, voids and credits into the simulated Xero while answers are lost and processes die.

Each seed draws its own faults and deaths. At no time does an invoice have two documents that count;
in the end each has one, or none where the PSA voided it, and nobody is asked about anything.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal

import pytest

from syncd.core.store.database import Database
from syncd.sdk.errors import SyncdError
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_fate import Died, deaths_at_commits
from tests.builders_invoices import invoice, line
from tests.builders_xero_way import Way, way

BROKEN = (
    Fault(action=Action.CUT_AFTER),
    Fault(action=Action.CUT_BEFORE),
    Fault(action=Action.STATUS_AFTER, status=502),
    Fault(action=Action.STATUS_BEFORE, status=503),
    Fault(action=Action.STATUS_BEFORE, status=429, headers={"retry-after": "5"}),
    Fault(action=Action.TRUNCATE),
    Fault(action=Action.REPLACE),
)
PATHS = ("/Invoices$", "/CreditNotes", "/Payments$")


def faults(chance: random.Random) -> list[Fault]:
    return [
        replace(chance.choice(BROKEN), path=chance.choice(PATHS), nth=chance.randint(1, 5), count=1)
        for _ in range(chance.randint(1, 3))
    ]


async def troubled(one: Way, seed: int, rounds: int = 6) -> None:
    """Rounds in which much breaks, then rounds in peace."""
    chance = random.Random(seed)
    one.fate.random.seed(seed)
    one.fate.odds, one.fate.deaths = 0.4, 4
    with deaths_at_commits(one.fate):
        for _ in range(rounds):
            one.hosted.controlled.faults.replace(faults(chance))
            try:
                await one.round(patience=chance.choice([0.0, 120.0]))
            except (Died, SyncdError):
                one.at_most_one_counts()
            if chance.random() < 0.3:
                one.simulator.hand.forget_keys()
    one.fate.odds = 0.0
    one.hosted.controlled.faults.replace([])
    for _ in range(4):
        await one.watch.sleep(600)
        await one.round()


@pytest.mark.parametrize("seed", range(3))
async def test_an_edited_invoice_ends_in_one_document_under_its_number(
    seed: int, sqlite_database: Database
) -> None:
    async with way(sqlite_database, on_edit="void-and-reissue", on_void="void-and-reissue") as one:
        await one.shown(*(invoice(str(n)) for n in (1, 2, 3)))
        await one.round()
        await one.shown(invoice("1", line(1, quantity="3")), invoice("2", voided=True))
        await troubled(one, seed)
        assert one.standing() == {"INV-00001": Decimal("36.00"), "INV-00003": Decimal("24.00")}
        assert await one.issues() == []
        assert await one.round() == []


@pytest.mark.parametrize("seed", range(3))
async def test_a_credited_invoice_ends_with_one_credit_note_that_settles_it(
    seed: int, sqlite_database: Database
) -> None:
    async with way(sqlite_database, on_edit="credit", on_void="credit") as one:
        await one.shown(*(invoice(str(n)) for n in (1, 2)))
        await one.round()
        await one.shown(invoice("1", voided=True), invoice("2", line(1, quantity="1")))
        await troubled(one, seed)
        assert one.standing() == {"INV-00001": Decimal(0), "INV-00002": Decimal(12)}
        assert one.standing("ACCRECCREDIT") == {
            "INV-00001-CR": Decimal(0),
            "INV-00002-CR": Decimal(0),
        }
        assert await one.issues() == []
        assert await one.round() == []
