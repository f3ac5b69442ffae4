"""Bought, used and billed of a month from real counts, links and bills."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from syncd.core.service.purchase_issues import sync_purchase_issues
from syncd.core.service.reconciliation import Status
from syncd.core.service.reconciliation_lines import read_lines
from syncd.core.service.refusals import ClientUnknown
from syncd.core.store.database import Database
from syncd.core.store.issues import Issue, open_issues
from syncd.sdk.records import ScopeState
from tests.builders_data import StrictLog
from tests.builders_market import (
    ASSIGNED,
    PLAN,
    PLAN_PRODUCT,
    SUITE,
    SUITE_PRODUCT,
    Market,
    figures,
    seat,
)
from tests.builders_month import LONDON, OCTOBER
from tests.builders_purchases import line

ACME, GLOBEX = ("1001", SUITE), ("1002", SUITE)


def gbp(amount: str) -> dict[str, Decimal]:
    return {"GBP": Decimal(amount)}


@pytest.fixture
async def market(database: Database) -> Market:
    return await Market.open(database)


async def test_seats_billed_as_bought_agree(market: Market) -> None:
    await market.count([seat(), seat("t2", "s2", 4)])
    await market.bill_seats()
    await market.charge(line(product=SUITE_PRODUCT), line("t2", subscription="s2", cost="40"))
    await market.office.bill()
    rows = await market.rows()
    acme = rows[ACME]
    assert (acme.client_name, acme.name) == ("Acme Ltd", "Business Suite")
    assert (acme.bought, acme.used, acme.billed) == (10, None, 10)
    assert (acme.cost, acme.price, acme.money) == (gbp("100.00"), gbp("120.00"), Decimal(20))
    assert {row.status for row in rows.values()} == {Status.AGREES}
    assert rows[GLOBEX].money == Decimal(8)


async def test_what_is_used_is_found_by_the_purchase_that_the_directory_names(
    market: Market,
) -> None:
    used = [*figures("t1", "SUITE", 8, 10, ["s1"]), *figures("t2", "SUITE", 4, 4, ["s2"])]
    await market.count([seat(), seat("t2", "s2", 4)], used)
    await market.bill_use()
    await market.charge(line(), line("t2", subscription="s2", cost="40"))
    await market.office.bill()
    rows = await market.rows()
    acme, globex = rows[ACME], rows[GLOBEX]
    assert (acme.bought, acme.used, acme.billed) == (10, 8, 8)
    assert (acme.status, acme.units, acme.unused) == (Status.BOUGHT_MORE, -2, 2)
    assert acme.money == Decimal("-4.00")
    assert f"directory {ASSIGNED}" in acme.products
    assert (globex.status, globex.used, globex.billed) == (Status.AGREES, 4, 4)


async def test_what_is_used_is_found_by_the_same_asset_type(market: Market) -> None:
    used = [*figures("t1", "SUITE", 8, 10), *figures("t2", "FREE", 3, 3)]
    await market.count([seat()], used)
    await market.bill_seats()
    await market.office.asset_type(ASSIGNED, "15", source=market.directory)
    await market.charge(line())
    await market.office.bill()
    rows = await market.rows()
    assert (rows[ACME].used, rows[ACME].billed) == (8, 10)
    assert rows[ACME].status is Status.UNUSED
    assert set(rows) == {ACME}, "what is used and neither bought nor billed is no row"


async def test_subscriptions_and_terms_of_one_sku_are_one_row(market: Market) -> None:
    other_term = "seat:OFFER:0001:P1M:monthly"
    await market.count([seat(), seat(subscription="s3", quantity=5)])
    await market.charge(
        line(product=SUITE_PRODUCT),
        line(subscription="s3", cost="55", product=other_term),
        line(subscription="s1", cost="-5", charge="removequantity"),
    )
    row = (await market.rows())[ACME]
    assert (row.bought, row.cost, row.subscriptions) == (15, gbp("150"), ("s1", "s3"))


async def test_what_nothing_bills_is_a_loss_and_stands_first(market: Market) -> None:
    await market.count([seat(), seat("t2", "s2", 4), seat("t2", "p2", 3, product=PLAN_PRODUCT)])
    await market.bill_seats()
    await market.charge(
        line(), line("t2", subscription="s2", cost="40"), line("t2", PLAN, "p2", cost="30")
    )
    await market.office.bill()
    found = await market.reconcile()
    first = found.rows[0]
    assert (first.client, first.sku, first.status) == ("1002", PLAN, Status.NOT_BILLED)
    assert (first.billed, first.money) == (0, Decimal(-30))
    (total,) = found.totals
    assert (total.currency, total.cost, total.price) == ("GBP", Decimal(170), Decimal(168))


async def test_a_month_that_is_still_to_be_billed_is_unknown_and_not_0(market: Market) -> None:
    await market.count([seat()])
    await market.bill_seats()
    await market.charge(line())
    row = (await market.rows())[ACME]
    assert (row.billed, row.price, row.status) == (None, None, Status.UNKNOWN)
    assert row.why == ("Client t1 of seller has no bill of the month",)


async def test_a_client_in_shadow_is_billed_by_others_so_it_is_unknown(market: Market) -> None:
    await market.count([seat()])
    await market.charge(line())
    market.office.policy(mode="shadow")
    row = (await market.rows())[ACME]
    assert (row.billed, row.status) == (None, Status.UNKNOWN)
    assert row.why == ("the client is in shadow: others bill it",)


async def test_an_account_that_is_not_proven_makes_seats_unknown(market: Market) -> None:
    await market.count([seat(), seat("t2", "s2", 4)], states={"t1": ScopeState.PARTIAL})
    await market.charge(line(), line("t2", subscription="s2", cost="40"))
    found = await market.reconcile()
    rows = {row.client: row for row in found.rows}
    assert (rows["1001"].bought, rows["1001"].status) == (None, Status.UNKNOWN)
    assert rows["1001"].cost == gbp("100")
    assert rows["1002"].bought == 4
    (warning,) = found.warnings
    assert warning.startswith("what Client t1 (t1) of seller had at the end of the month")


async def test_a_directory_that_was_not_read_makes_no_purchase_a_loss(market: Market) -> None:
    used = [*figures("t1", "SUITE", 10, 10, ["s1"]), *figures("t2", "SUITE", 4, 4, ["s2"])]
    await market.count([seat(), seat("t2", "s2", 4)], used, used_states={"t1": ScopeState.UNKNOWN})
    await market.bill_use()
    await market.charge(line(), line("t2", subscription="s2", cost="40"))
    await market.office.bill()
    rows = await market.rows()
    assert (rows[ACME].bought, rows[ACME].billed, rows[ACME].status) == (10, None, Status.UNKNOWN)
    assert rows[ACME].why == ("what Client t1 of directory used is not known",)
    assert rows[GLOBEX].status is Status.AGREES


async def test_cost_is_unknown_before_it_was_read_and_before_the_invoice(market: Market) -> None:
    await market.count([seat()])
    assert (await market.rows())[ACME].cost is None
    await market.charge(notes=("NO_INVOICE_YET",))
    found = await market.reconcile()
    assert found.rows[0].cost is None
    assert found.sources[0].notes == ("NO_INVOICE_YET",)
    assert found.rows[0].status is Status.NOT_BILLED


async def test_lines_without_a_customer_or_of_one_that_is_not_linked_are_shown(
    market: Market,
) -> None:
    await market.count([seat(), seat("t9", "s9", 7)])
    await market.charge(
        line(),
        line("t9", subscription="s9", cost="70"),
        line("t77", subscription="s77", cost="5"),
        line("", "ROUNDING", "", cost="-0.02", name="Rounding"),
    )
    rows = await market.rows()
    assert {key: row.status for key, row in rows.items() if key != ACME} == {
        ("Client t9", SUITE): Status.NOT_LINKED,
        ("Tenant t77", SUITE): Status.NOT_LINKED,
        ("(no customer)", "ROUNDING"): Status.NOT_LINKED,
    }
    assert rows["Client t9", SUITE].bought == 7
    assert rows["Tenant t77", SUITE].bought is None
    assert rows["(no customer)", "ROUNDING"].cost == gbp("-0.02")


async def test_seats_kept_out_of_counts_are_told_apart(market: Market) -> None:
    await market.count(
        [
            seat(),
            seat(subscription="s4", quantity=25, excluded="trial"),
            seat("t2", "s2", 4, excluded="not_monthly"),
        ]
    )
    await market.bill_seats()
    await market.charge(line(), line("t2", subscription="s2", cost="480"))
    await market.office.bill()
    rows = await market.rows()
    assert (rows[ACME].bought, rows[ACME].kept_out) == (10, {"trial": 25})
    assert rows[ACME].status is Status.AGREES
    assert (rows[GLOBEX].bought, rows[GLOBEX].kept_out) == (0, {"not_monthly": 4})
    assert rows[GLOBEX].status is Status.KEPT_OUT


async def test_what_is_billed_and_not_bought_is_shown(market: Market) -> None:
    used = [
        *figures("t1", "SUITE", 8, 10, ["s1"]),
        *figures("t2", "SUITE", 4, 4, ["elsewhere"]),
    ]
    await market.count([seat()], used)
    await market.bill_use()
    await market.charge(line())
    await market.office.bill()
    row = (await market.rows())["1002", "directory sku:SUITE"]
    assert (row.bought, row.used, row.billed, row.status) == (0, 4, 4, Status.NOT_BOUGHT)
    assert row.money == Decimal(48)


async def test_costs_in_two_currencies_stay_apart(market: Market) -> None:
    await market.count([seat()])
    await market.bill_seats()
    await market.charge(line(), line(cost="20", currency="USD"))
    await market.office.bill()
    found = await market.reconcile()
    (row,) = found.rows
    assert (row.cost, row.money) == ({"GBP": Decimal(100), "USD": Decimal(20)}, None)
    assert {one.currency: one.cost for one in found.totals} == {
        "GBP": Decimal(100),
        "USD": Decimal(20),
    }


async def test_consumption_without_seats_is_judged_by_its_money(market: Market) -> None:
    await market.count([seat()])
    await market.charge(line(), line(sku="AZURE", subscription="z", cost="500", name="Cloud"))
    row = (await market.rows())["1001", "AZURE"]
    assert (row.bought, row.status, row.money) == (None, Status.NOT_BILLED, Decimal(-500))


async def test_what_is_not_invoiced_yet_is_compared_apart(market: Market) -> None:
    await market.count([seat()])
    await market.charge(line())
    await market.charge(line(cost="90"), billed=False)
    assert (await market.rows())[ACME].cost == gbp("100")
    assert (await market.rows(billed=False))[ACME].cost == gbp("90")


async def test_one_client_by_name(market: Market) -> None:
    await market.count([seat(), seat("t2", "s2", 4)])
    await market.charge(line(), line("t9", subscription="s9"))
    assert set(await market.rows(client="globex")) == {GLOBEX}
    with pytest.raises(ClientUnknown):
        await market.reconcile(client="nobody")


async def test_a_month_that_goes_on_is_compared_as_it_stands(market: Market) -> None:
    await market.count([seat()])
    middle = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    row = (await market.rows(now=middle, billed=False))[ACME]
    assert row.bought == 10


# -- issues


async def issues(market: Market) -> list[Issue]:
    async with market.database.reader() as conn:
        return [one for one in await open_issues(conn) if one.code == "PURCHASE_NOT_BILLED"]


async def look(market: Market) -> None:
    found = await market.reconcile()
    await sync_purchase_issues(market.database, found, clock=market.office.clock, log=StrictLog())


async def test_what_nothing_bills_is_an_issue_with_its_cost_until_something_does(
    market: Market,
) -> None:
    await market.count([seat(), seat("t2", "s2", 4)])
    await market.charge(line(), line("t2", subscription="s2", cost="40"))
    await look(market)
    acme, globex = await issues(market)
    assert acme.subject == "1001"
    assert acme.message == (
        "Acme Ltd (1001) has purchases that no bill of 2026-10 holds: 10 x Business Suite; they "
        "cost 100.00 GBP in the month."
    )
    assert "`syncd reconcile 2026-10 --client 1001`" in acme.remedy
    assert "40.00 GBP" in globex.message
    await market.bill_seats()
    await look(market)
    assert len(await issues(market)) == 2, "a bill that is still to come closes nothing"
    await market.office.bill()
    await look(market)
    assert await issues(market) == []


# -- down to the lines


async def test_a_row_is_explained_down_to_subscriptions_charges_and_units(
    market: Market,
) -> None:
    await market.count(
        [seat(), seat(subscription="s4", quantity=25, excluded="trial")],
        figures("t1", "SUITE", 8, 10, ["s1"]),
    )
    await market.bill_use()
    await market.charge(
        line(), line(charge="addquantity", quantity="2", cost="3"), line("t2", cost="9")
    )
    await market.office.bill()
    found = await market.reconcile(client="1001")
    (behind,) = await read_lines(
        market.database,
        found.rows,
        psa=market.office.psa_connection,
        purchase_sources={"seller"},
        max_age_hours=48,
        timezone=LONDON,
        period=OCTOBER,
        now=market.office.clock(),
        billed=True,
    )
    assert [(one.subscription, one.charge, one.cost) for one in behind.charges] == [
        ("s1", "addquantity", Decimal(3)),
        ("s1", "cyclefee", Decimal(100)),
    ]
    assert [(one.unit, one.quantity, one.excluded) for one in behind.seats] == [
        ("s1", 10, ""),
        ("s4", 25, "trial"),
    ]
    assert str(behind.seats[0].ends) == "2027-03-01"
    assert [(one.unit, one.quantity) for one in behind.used] == [("SUITE-a", 8)]
