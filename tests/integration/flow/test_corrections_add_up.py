"""Whatever the facts become, bills and corrections add up to what the facts of now give."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from syncd.core.service.correction_views import State
from syncd.core.store.database import Database
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
from tests.builders_month import DECEMBER, NOVEMBER, OCTOBER, Office

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
