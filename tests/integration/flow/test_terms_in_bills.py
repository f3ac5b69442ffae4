"""A product that is not charged monthly is left out of the bill, with the month of its renewal."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from syncd.core.store.database import Database
from syncd.core.store.tables import RateRow
from syncd.sdk.terms import Term, with_term
from tests.builders_month import DESKTOP, NOVEMBER, OCTOBER, SERVER, Office


def until(day: date) -> bytes:
    return with_term({}, Term(ends=day, then="renews", length="P1Y", billed="annual"))


@pytest.fixture
async def office(database: Database) -> Office:
    """Servers have a price for a year; desktops one for a month."""
    made = await Office.open(database)
    await made.usual()
    async with database.writer() as conn:
        product = await made._product(conn, SERVER.key, None)
        rates = RateRow.__table__  # type: ignore[attr-defined]
        await conn.execute(
            update(rates).where(rates.c.product_id == product).values(cycle="annual")
        )
    return made


async def left_out(office: Office) -> list[str]:
    stored = await office.plan()
    (planned,) = stored.plan.bills
    return [one for one in planned.warnings if one.startswith("CYCLE_NOT_MONTHLY")]


async def test_the_first_renewal_of_its_units_is_told(office: Office) -> None:
    await office.pull(
        {"5": {DESKTOP.key: 10, SERVER.key: 3}},
        at=office.month_end(OCTOBER, hours=1),
        facts={
            "se1": until(date(2027, 5, 9)),
            "se2": until(date(2027, 3, 9)),
            "de1": until(date(2026, 12, 1)),
        },
    )
    assert await left_out(office) == [f"CYCLE_NOT_MONTHLY:{SERVER.key}:2027-03"]


async def test_units_that_say_nothing_have_no_month(office: Office) -> None:
    assert await left_out(office) == [f"CYCLE_NOT_MONTHLY:{SERVER.key}"]


async def test_the_month_is_that_known_when_the_units_were_counted(office: Office) -> None:
    """A renewal that came after the month changes nothing in what is said of it."""
    counts = {"5": {DESKTOP.key: 10, SERVER.key: ["se1"]}}
    for moment, day in (
        (office.month_end(OCTOBER, hours=1), date(2026, 11, 15)),
        (office.month_end(NOVEMBER), date(2027, 11, 15)),
    ):
        await office.pull(counts, at=moment, facts={"se1": until(day)})
    assert await left_out(office) == [f"CYCLE_NOT_MONTHLY:{SERVER.key}:2026-11"]
