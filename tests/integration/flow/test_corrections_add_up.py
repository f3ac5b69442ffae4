"""Whatever the facts become, bills and corrections add up to what the facts of now give."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert

from syncd.core.service.correction_views import State
from syncd.core.store.connections import bump_data_version
from syncd.core.store.database import Database
from syncd.core.store.tables import AccountBilling
from tests.builders_corrections import (
    HOUR,
    SAME,
    accept,
    late,
    listed,
    look,
    newest,
    november,
    october,
    open_office,
)
from tests.builders_life import bills
from tests.builders_month import DECEMBER, LONDON, NOVEMBER, OCTOBER, Office

DESKTOP_PRICE, SERVER_PRICE = Decimal(5), Decimal(15)


def worth(desktops: int, servers: int) -> Decimal:
    return desktops * DESKTOP_PRICE + servers * SERVER_PRICE


async def billed(office: Office) -> Decimal:
    """Money of the newest bill of each month."""
    found: dict[str, Decimal] = {}
    for bill in await bills(office):
        assert bill.total_price is not None
        found.setdefault(bill.period, bill.total_price)
    return sum(found.values(), Decimal(0))


@pytest.mark.parametrize("style", ["rolling", "per_period"])
@pytest.mark.parametrize("seed", range(3))
async def test_bills_and_corrections_add_up_to_the_facts(
    seed: int, style: str, database: Database
) -> None:
    chance = random.Random(f"{style}-{seed}")
    office = await open_office(database)
    office.policy(subscription_style=style)
    await october(office)
    before_end = HOUR
    facts = (10, 2)
    for _ in range(4):
        before_end /= 2
        facts = (chance.randint(7, 14), chance.randint(0, 4))
        await late(office, *facts, before_end=before_end)
        for one in await listed(office):
            if one.state is State.OPEN and chance.random() < 0.6:
                await accept(office, one.id)
    await look(office)
    for one in await listed(office):
        if one.state is State.OPEN:
            await accept(office, one.id)
    await november(office)
    assert (await office.bill()).exit_code == 0
    assert await billed(office) == worth(*facts) + worth(10, 2)
    await office.month(DECEMBER, SAME)
    assert (await office.bill()).exit_code == 0
    assert await billed(office) == worth(*facts) + 2 * worth(10, 2)
    assert (await newest(office, DECEMBER)).total_price == worth(10, 2)
    assert {str(OCTOBER), str(NOVEMBER)} <= {bill.period for bill in await bills(office)}
    assert all(one.state is not State.OPEN for one in await listed(office))


async def test_days_of_a_part_of_a_month_that_became_known_late_are_corrected(
    sqlite_database: Database,
) -> None:
    """The count at the end is the same; the days before it were not."""
    office = await Office.open(sqlite_database)
    await office.pull(SAME, at=OCTOBER.start(LONDON) + HOUR)
    await office.usual()
    async with office.database.writer() as conn:
        await conn.execute(
            insert(AccountBilling).values(
                account_id=1,
                automatic=False,
                billing_start="2026-10-12",
                first_month="by_days",
                recorded_at=office.clock(),
            )
        )
        await bump_data_version(conn)
    await office.bill(OCTOBER)
    office.clock.advance(days=4)
    sent = await billed(office)
    await late(office, 14, before_end=timedelta(days=9))
    await late(office, 10)
    (one,) = await listed(office)
    assert one.price == Decimal("5.16"), "8 days x 4 x 5.00 / 31, rounded with its line"
    assert "on other days" in one.lines[0].products[0].said
    await accept(office)
    await late(office, 10, before_end=HOUR / 2)
    assert [each.state for each in await listed(office)] == [State.WAITS]
    await november(office)
    await office.bill()
    assert await billed(office) == sent + Decimal("5.16") + worth(10, 2)
