"""What a bill tells without stopping, through the whole flow: the code and the bill are there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from syncd.core.store.database import Database
from syncd.core.store.tables import RateRow
from tests.builders_month import DESKTOP, DISK, LONDON, NOVEMBER, OCTOBER, SERVER, Office

Step = Callable[[Office], Awaitable[None]]
COUNTS = {"5": {DESKTOP.key: 10, SERVER.key: 2}}


async def unused_without_type(office: Office) -> None:
    """C5: the storage has no asset type, and nothing of it is used."""
    await office.configure("c1", "Managed", "total", [DESKTOP.key, SERVER.key, DISK.key])


async def supplier_gone(office: Office) -> None:
    """C9 at a run."""
    await office.configure(
        "c1", "Managed", "average", [DESKTOP.key, SERVER.key], supplier="Nobody knows them"
    )


async def yearly(office: Office) -> None:
    """C13: a product whose rate is for a year."""
    async with office.database.writer() as conn:
        product = await office._product(conn, SERVER.key, None)
        rates = RateRow.__table__  # type: ignore[attr-defined]
        await conn.execute(
            update(rates).where(rates.c.product_id == product).values(cycle="yearly")
        )


async def no_cost(office: Office) -> None:
    await office.rate(SERVER.key, None, "15.00")


async def overridden(office: Office) -> None:
    await office.rule(DESKTOP.key, override=Decimal(7))


async def on_no_line(office: Office) -> None:
    await office.configure("c1", "Managed", "average", [DESKTOP.key])


async def dropped(office: Office) -> None:
    await office.bill()
    await office.configure("c1", "Managed", "average", [DESKTOP.key])


CASES: dict[str, tuple[Step, str]] = {
    "C5 no asset type, unused": (unused_without_type, f"ASSET_TYPE_MISSING_UNUSED:{DISK.key}"),
    "C9 a supplier that is gone": (supplier_gone, "SUPPLIER_NOT_FOUND"),
    "C13 another cycle": (yearly, f"CYCLE_NOT_MONTHLY:{SERVER.key}"),
    "no cost": (no_cost, f"RATE_NOT_CONFIGURED:{SERVER.key}:cost"),
    "an override without end": (overridden, f"OVERRIDE_OPEN_ENDED:{DESKTOP.key}"),
    "units on no line": (on_no_line, f"USAGE_NOT_CONFIGURED:{SERVER.key}"),
    "a line without configuration": (dropped, "STALE_LINE_ZEROED:"),
}


@pytest.fixture
async def office(database: Database) -> Office:
    made = await Office.open(database)
    await made.usual()
    return made


@pytest.mark.parametrize("says", CASES)
async def test_a_warning_is_told_and_the_bill_is_made(office: Office, says: str) -> None:
    arrange, code = CASES[says]
    await arrange(office)
    await office.month(NOVEMBER, COUNTS)
    stored = await office.plan()
    (bill,) = stored.plan.bills
    assert bill.errors == ()
    assert [one for one in bill.warnings if one.startswith(code)], bill.warnings
    assert bill.changes
    await office.release()
    assert (await office.apply()).exit_code == 0


async def test_a_line_with_nothing_that_was_never_sent_is_not_made(office: Office) -> None:
    await office.asset_type(DISK.key, "20")
    await office.configure("c2", "Disks", "total", [DISK.key])
    await office.bill()
    assert len(office.psa.records) == 2


async def test_a_late_count_is_told(database: Database) -> None:
    office = await Office.open(database)
    await office.pull(COUNTS, at=OCTOBER.end(LONDON) + timedelta(days=1))
    await office.link("5", "1001")
    await office.asset_type(DESKTOP.key, "10")
    await office.asset_type(SERVER.key, "11")
    await office.configure("c1", "Managed", "quantity", [DESKTOP.key, SERVER.key])
    office.clock.moment = OCTOBER.end(LONDON) + timedelta(days=2)
    (bill,) = (await office.plan()).plan.bills
    assert bill.errors == ()
    assert [one for one in bill.warnings if one.startswith("LATE_SNAPSHOT")]


async def test_an_account_that_is_gone_falls_to_zero_and_says_why(office: Office) -> None:
    await office.bill()
    both = {"6": {DESKTOP.key: 1}}
    await office.pull(both, at=office.month_end(NOVEMBER, hours=5))
    await office.month(NOVEMBER, both)
    await office.link("6", "1002")
    stored = await office.plan()
    bill = next(one for one in stored.plan.bills if one.account == "5")
    assert "COMPANY_REMOVED" in bill.warnings
    assert {change.after.quantity for change in bill.changes} == {0}
    assert (await office.apply()).exit_code == 3
    assert sorted(r.quantity for r in office.psa.records.values()) == [2, 10]
