"""What a template does to bills: the money is shown before it counts, and the first bill waits."""

from __future__ import annotations

from decimal import Decimal

from syncd.core.service.template_apply import apply_template, preview_template
from syncd.core.service.templates import Drawer, choose_template_clients, save_template
from syncd.core.service.whatif import EditEffect, effect_of
from syncd.core.store.database import Database
from syncd.core.store.plans import PlanBillState
from tests.builders_month import DECEMBER, DESKTOP, NOVEMBER, SERVER, Office, rules_of
from tests.builders_whatif import terms

GOLD = f"""kind,connection,name,mode,products,product,cost,price,valid_from
configuration,source-eu,Managed,average,{DESKTOP.key};{SERVER.key},,,,
rate,source-eu,,,,{DESKTOP.key},2.00,6.00,2026-01-01
"""

COUNTS = {"5": {DESKTOP.key: 10, SERVER.key: 2}, "6": {DESKTOP.key: 4}}


def drawer(office: Office) -> Drawer:
    return Drawer(
        database=office.database,
        psa=office.psa_connection,
        currency="GBP",
        person="ann",
        now=office.clock(),
        log=office.log,
    )


async def furnished(database: Database) -> Office:
    """Two clients on a template that is applied, and whose October is billed."""
    office = await Office.open(database)
    await office.usual(counts=COUNTS, accounts={"5": "1001", "6": "1002"})
    await save_template(drawer(office), "gold", GOLD.encode(), "gold.csv")
    await choose_template_clients(drawer(office), "gold", add=["1001", "1002"], remove=())
    await apply_template(drawer(office), "gold", replace=False)
    await office.bill()
    return office


async def effect(office: Office) -> EditEffect:
    seen = await preview_template(drawer(office), "gold", replace=False)
    return await effect_of(office.database, seen.pending, terms(office))


async def test_the_difference_of_each_client_is_known_before_anything_is_written(
    database: Database,
) -> None:
    office = await furnished(database)
    await save_template(drawer(office), "gold", GOLD.replace("6.00", "7.50").encode(), "gold.csv")
    found = (await effect(office)).months[0].effect
    assert [(one.client, one.price_before, one.price_after) for one in found.clients] == [
        ("1001", Decimal("90.00"), Decimal("105.00")),
        ("1002", Decimal("24.00"), Decimal("30.00")),
    ]
    assert found.price_change == Decimal("21.00")


async def test_a_saved_change_bills_nothing_before_it_is_applied(database: Database) -> None:
    office = await furnished(database)
    await save_template(drawer(office), "gold", GOLD.replace("6.00", "7.50").encode(), "gold.csv")
    await office.month(NOVEMBER, COUNTS)
    stored = await office.plan()
    assert {bill.client: bill.total_after for bill in stored.record.plan.bills} == {
        "1001": Decimal("90.00"),
        "1002": Decimal("24.00"),
    }
    assert "CHANGED_SINCE_LAST_BILL" not in rules_of(stored.record.objections)


async def test_the_first_bill_after_an_applied_change_waits_and_the_next_does_not(
    database: Database,
) -> None:
    office = await furnished(database)
    await save_template(drawer(office), "gold", GOLD.replace("6.00", "7.50").encode(), "gold.csv")
    await apply_template(drawer(office), "gold", replace=False)
    await office.month(NOVEMBER, COUNTS)
    stored = await office.plan()
    assert {bill.state for bill in stored.record.bills} == {PlanBillState.HELD}
    assert rules_of(stored.record.objections) == {"CHANGED_SINCE_LAST_BILL"}
    assert all("rate" in one.message for one in stored.record.objections)
    assert {bill.client: bill.total_after for bill in stored.record.plan.bills} == {
        "1001": Decimal("105.00"),
        "1002": Decimal("30.00"),
    }
    await office.bill()
    await office.month(DECEMBER, COUNTS)
    assert (await office.plan()).record.objections == ()


async def test_records_are_kept_through_changes_of_the_template(database: Database) -> None:
    office = await furnished(database)
    made = set(office.psa.records)
    changed = GOLD.replace("average", "total").replace("6.00", "7.50")
    await save_template(drawer(office), "gold", changed.encode(), "gold.csv")
    await apply_template(drawer(office), "gold", replace=False)
    await office.month(NOVEMBER, COUNTS)
    await office.bill()
    assert set(office.psa.records) == made


async def test_a_product_with_an_annual_rate_is_left_out_and_named_in_the_plan(
    database: Database,
) -> None:
    office = await Office.open(database)
    await office.usual()
    annual = GOLD.replace("price,valid_from", "price,cycle,valid_from").replace(
        "6.00,2026", "72.00,annual,2026"
    )
    annual = annual.replace(f"{SERVER.key},,,,\n", f"{SERVER.key},,,,,\n")
    await save_template(drawer(office), "gold", annual.encode(), "gold.csv")
    await choose_template_clients(drawer(office), "gold", add=["1001"], remove=())
    await apply_template(drawer(office), "gold", replace=False)
    (planned,) = (await office.plan()).record.plan.bills
    assert planned.total_after == Decimal("30.00")
    assert f"CYCLE_NOT_MONTHLY:{DESKTOP.key}" in planned.warnings
