"""What is bought and billed nowhere leaks its cost; other figures of what is billed do not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.service.leaks import Leak, read_leaks
from syncd.core.service.sources import Sources
from syncd.core.store.database import Database
from tests.builders_market import Market, figures, seat
from tests.builders_month import LONDON, OCTOBER
from tests.builders_purchases import line


@pytest.fixture
async def market(database: Database) -> Market:
    return await Market.open(database)


async def leaks(market: Market, *sellers: str) -> dict[tuple[str, str], Leak]:
    found = await read_leaks(
        market.database,
        rules=market.office.settings,
        timezone=LONDON,
        psa=market.office.psa_connection,
        sources=Sources(active=market.office.active),
        period=OCTOBER,
        purchase_sources=sellers,
    )
    return {(one.kind.value, one.what): one for one in found.not_billed}


async def test_what_is_bought_and_not_billed_leaks_its_cost_and_once(market: Market) -> None:
    await market.count([seat()], figures("t1", "SUITE", 8, 10, ["s1"]))
    await market.charge(line())
    found = await leaks(market, "seller")
    assert set(found) == {("bought and not billed", "Business Suite")}
    one = found["bought and not billed", "Business Suite"]
    assert (one.account_name, one.quantity, one.money) == ("Acme Ltd", Decimal(10), Decimal(100))
    assert (one.connection, one.currency) == ("seller", "GBP")


async def test_other_figures_of_what_is_billed_do_not_leak(market: Market) -> None:
    await market.count([seat()], figures("t1", "SUITE", 8, 10, ["s1"]))
    await market.charge(line())
    await market.bill_use()
    await market.office.bill()
    assert await leaks(market, "seller") == {}
    assert {kind for kind, _ in await leaks(market)} == {"product in no configuration"}
