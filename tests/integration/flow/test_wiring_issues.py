"""Recurring lines that would bill wrongly are issues until somebody mends them in the PSA."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.core.service.wiring_issues import WIRING
from syncd.core.store.database import Database
from syncd.sdk.records import ProrationRow, QuantitySource, RecurringLine
from tests.builders_month import DESKTOP, NOVEMBER, OCTOBER, SERVER, Office, recurring

SERVERS = recurring("9002")


def lines(**more: Any) -> list[RecurringLine]:
    return [recurring("9001", **more), SERVERS]


def source(**more: Any) -> tuple[QuantitySource, ...]:
    return (QuantitySource(key="1", subscription="9001", **more),)


ASSETS = QuantitySource(key="2", kind="assets", asset_type="10")

CASES: dict[str, tuple[str, list[RecurringLine]]] = {
    "NOT_LINKED": ("average", [SERVERS]),
    "LINKED_TWICE": ("average", [*lines(), recurring("9001", key="r2")]),
    "DOUBLE_ROUTE": ("average", lines(counts_other=True)),
    "DOUBLE_ROUTE by another line": (
        "average",
        [*lines(), recurring("", key="r3", counts_other=True, sources=(ASSETS,))],
    ),
    "PRICE_NOT_LINKED": ("average", lines(price_from_subscription=False)),
    "PRICE_LINKED_IN_QUANTITY_MODE": ("quantity", lines()),
    "PRICE_TWO_OWNERS": ("average", lines(percent_increase=Decimal("3.5"))),
    "PRORATION_TWICE": ("average", lines(prorated=True, sources=source(prorated=True))),
    "PRORATION_TWICE by rows": (
        "average",
        lines(proration=(ProrationRow("2026-11-12", Decimal(2)),)),
    ),
    "FREE_UNITS_TWICE": ("average", lines(sources=source(free_units=1))),
    "MINIMUM_TWICE": ("average", lines(sources=source(minimum_units=4))),
    "BILLING_CYCLE_MISMATCH": ("average", lines(cycle="yearly")),
    "LINE_INACTIVE": ("average", lines(active=False)),
}
"""Code, and what else tells the case -> mode, and the recurring lines that are wrong."""


async def october(database: Database, mode: str) -> Office:
    office = await Office.open(database)
    await office.usual(mode=mode)
    await office.rule(DESKTOP.key, included=Decimal(1), minimum=Decimal(2))
    await office.bill()
    return office


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("moves", [True, False], ids=["with a write", "without a write"])
async def test_a_wrong_recurring_line_is_an_issue_until_it_is_mended(
    database: Database, case: str, moves: bool
) -> None:
    mode, wrong = CASES[case]
    code = case.partition(" ")[0]
    office = await october(database, mode)
    office.psa.recurring = wrong
    counts = {"5": {DESKTOP.key: 12 if moves else 11, SERVER.key: 2}}
    if moves:
        await office.month(NOVEMBER, counts)
    await office.plan()
    issue = (await office.issues())[f"{code} source-eu/5"]
    assert issue.remedy.startswith(WIRING[code][1])
    assert issue.evidence["lines"]
    assert await office.codes() == {code}
    mended = lines(price_from_subscription=False) if mode == "quantity" else lines()
    if mode == "quantity":
        mended[1] = recurring("9002", price_from_subscription=False)
    office.psa.recurring = mended
    await office.plan()
    assert await office.codes() == set()


def test_every_wiring_code_has_a_case() -> None:
    elsewhere = {"RUNNING_MONTH_LINKED"}  # tests/integration/flow/test_wire.py
    assert {case.partition(" ")[0] for case in CASES} == WIRING.keys() - elsewhere


async def test_what_no_line_bills_is_told_with_its_money(database: Database) -> None:
    office = await october(database, "average")
    office.psa.recurring = [SERVERS]
    stored = await office.plan()
    issue = (await office.issues())["NOT_LINKED source-eu/5"]
    assert "(45.00)" in issue.message
    assert "syncd wire" in issue.remedy
    assert stored.plan.bills[0].warnings == ("NOT_LINKED:c1/10:45.00",)


async def test_a_bill_that_stays_as_it_is_says_nothing_of_its_recurring_lines(
    database: Database,
) -> None:
    office = await october(database, "average")
    office.psa.recurring = [SERVERS]
    await office.month(NOVEMBER, {"5": {DESKTOP.key: 12, SERVER.key: 2}})
    await office.bill(NOVEMBER)
    assert await office.codes() == {"NOT_LINKED"}
    office.psa.recurring = lines()
    later = await office.plan(OCTOBER)
    assert {bill.state.value for bill in later.record.bills} <= {"frozen", "error"}
    assert "NOT_LINKED" in await office.codes()


async def test_proration_that_was_given_to_the_psa_is_no_issue(database: Database) -> None:
    office = await october(database, "average")
    office.psa.recurring = CASES["PRORATION_TWICE"][1]
    await office.plan()
    assert await office.codes() == {"PRORATION_TWICE"}
    products = [DESKTOP.key, SERVER.key]
    await office.configure("c1", "Managed", "average", products, proration_owner="psa")
    await office.plan()
    assert "PRORATION_TWICE" not in await office.codes()


async def test_records_of_one_month_ask_for_no_recurring_line(database: Database) -> None:
    office = await Office.open(database)
    office.policy(subscription_style="per_period")
    await office.usual()
    office.psa.recurring = [recurring("1")]
    await office.bill()
    await office.plan()
    assert "NOT_LINKED" not in await office.codes()
