"""Which recurring line bills a record, and what is wrong with that."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from syncd.core.billing.model import BillInput, QuantityRule
from syncd.core.billing.plan_input import Style
from syncd.sdk.records import ProrationRow, QuantitySource, RecurringLine
from tests.builders_billing import bill_input, configuration, storage
from tests.builders_plan import NOVEMBER, Desk, only, recurring, rules

D = Decimal
DECEMBER = NOVEMBER.following()


def uses(desktop: int, mode: str = "average", **more: Any) -> BillInput:
    return bill_input(configuration(mode=mode, asset_type="10"), usage={"desktop": desktop}, **more)


def billed(style: Style = Style.ROLLING, mode: str = "average", desktop: int = 10) -> Desk:
    desk = Desk(style)
    desk.bill(uses(desktop, mode))
    return desk


def wired(line: Any, mode: str = "average", **edit: Any) -> tuple[str, ...]:
    desk = billed(mode=mode)
    desk.edit("900", **edit)
    desk.recurring = [line] if line is not None else []
    return only(desk.plan(uses(12, mode), NOVEMBER)).warnings


WIRINGS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "nothing wrong": (recurring("900"), "average", ()),
    "no line": (None, "average", ("NOT_LINKED:60.00",)),
    "no line and no money known": (None, "quantity", ("NOT_LINKED",)),
    "another record's line": (recurring("55"), "average", ("NOT_LINKED:60.00",)),
    "a percentage on the line whose price we send": (
        recurring("900", percent_increase=D("3.5")),
        "average",
        ("PRICE_TWO_OWNERS",),
    ),
    "the product's price on the line whose price we send": (
        recurring("900", price_from_product=True),
        "average",
        ("PRICE_TWO_OWNERS",),
    ),
    "a percentage on a line whose price is the PSA's": (
        recurring("900", percent_increase=D("3.5"), price_from_subscription=False),
        "quantity",
        (),
    ),
    "the item's price for a total": (
        recurring("900", price_from_subscription=False),
        "total",
        ("PRICE_NOT_LINKED",),
    ),
    "the item's price for an average": (
        recurring("900", price_from_subscription=False),
        "average",
        ("PRICE_NOT_LINKED",),
    ),
    "the item's price for a quantity": (
        recurring("900", price_from_subscription=False),
        "quantity",
        (),
    ),
    "an empty price for a quantity": (
        recurring("900"),
        "quantity",
        ("PRICE_LINKED_IN_QUANTITY_MODE",),
    ),
    "proration by the PSA": (recurring("900", prorated=True), "average", ("PRORATION_TWICE",)),
    "assets counted as well": (recurring("900", counts_other=True), "average", ("DOUBLE_ROUTE",)),
    "a line at rest": (recurring("900", active=False), "average", ("LINE_INACTIVE",)),
}


@pytest.mark.parametrize("says", WIRINGS)
def test_wiring_is_judged_on_the_line(says: str):
    line, mode, expected = WIRINGS[says]
    assert wired(line, mode) == expected


def test_a_price_of_the_record_serves_a_quantity_that_is_linked_to_it():
    assert wired(recurring("900"), "quantity", unit_price=D("4.00")) == ()


def test_two_active_lines_that_count_one_record_are_told_and_an_active_one_is_shown():
    desk = billed()
    asleep = recurring("900", invoice="-1", key="1", active=False)
    desk.recurring = [asleep, recurring("900", key="2"), recurring("900", key="3")]
    change = only(desk.plan(uses(12)))
    assert (change.warnings, change.billed_by) == (
        ("LINKED_TWICE",),
        "Monthly / Managed devices (2)",
    )


def test_a_recurring_invoice_without_a_name_is_shown_by_its_id():
    desk = billed()
    desk.recurring = [recurring("900", invoice_name="")]
    assert only(desk.plan(uses(12))).billed_by == "-94 / Managed devices (24967)"


def test_a_line_without_a_write_still_says_that_nothing_bills_it():
    desk = billed()
    assert desk.plan(uses(10)).bill.warnings == ("NOT_LINKED:c1/10:50.00",)


def test_a_line_at_zero_is_not_asked_for_wiring():
    desk = billed()
    assert only(desk.plan(uses(0))).warnings == ()


def test_a_fee_without_units_is_asked_for_wiring():
    fee = bill_input(configuration(products=("s3",)), usage={"s3": storage(0, limit_price="30")})
    assert "NOT_LINKED:30.00" in only(Desk().plan(fee)).warnings


def test_a_monthly_record_that_a_recurring_line_counts_is_held():
    desk = billed(Style.PER_PERIOD)
    desk.recurring = [recurring("900")]
    assert rules(desk.plan(uses(12))) == {"PER_PERIOD_LINKED"}


def test_an_unset_price_is_marked_on_the_line():
    made = Desk().plan(uses(10, rates={}))
    assert "PRICE_UNSET" in only(made).warnings


def source(**more: Any) -> QuantitySource:
    return QuantitySource(key="7", subscription="900", **more)


def bounded(**more: Any) -> RecurringLine:
    return recurring("900", sources=(source(**more),))


RULES: dict[str, tuple[RecurringLine, str, dict[str, Any], tuple[str, ...]]] = {
    "free units of the PSA alone": (bounded(free_units=2), "average", {}, ()),
    "free units of both": (
        bounded(free_units=2),
        "average",
        {"included": D(1)},
        ("FREE_UNITS_TWICE:2",),
    ),
    "free units of the PSA on a whole price": (
        bounded(free_units=1),
        "total",
        {},
        ("FREE_UNITS_TWICE:1",),
    ),
    "a minimum of the PSA alone": (bounded(minimum_units=5), "average", {}, ()),
    "a minimum of both": (
        bounded(minimum_units=5),
        "average",
        {"minimum": D(3)},
        ("MINIMUM_TWICE:5",),
    ),
    "a minimum of the PSA on a whole price": (
        bounded(minimum_units=5),
        "total",
        {},
        ("MINIMUM_TWICE:5",),
    ),
    "a minimum of one on a whole price": (bounded(minimum_units=1), "total", {}, ()),
    "bounds of another source": (
        recurring(
            "900", sources=(source(), QuantitySource(key="8", subscription="55", free_units=3))
        ),
        "average",
        {"included": D(1)},
        (),
    ),
}


@pytest.mark.parametrize("says", RULES)
def test_what_the_psa_does_once_more_is_told(says: str):
    line, mode, rule, expected = RULES[says]
    desk = billed(mode=mode)
    desk.recurring = [line]
    rules_ = {"desktop": QuantityRule(**rule)} if rule else {}
    made = desk.plan(uses(12, mode), NOVEMBER, rules=rules_)
    assert only(made).warnings == expected


PRORATED: dict[str, tuple[RecurringLine, tuple[str, ...]]] = {
    "the source of the record": (bounded(prorated=True), ("PRORATION_TWICE",)),
    "another source": (
        recurring(
            "900",
            prorated=True,
            sources=(source(), QuantitySource(key="8", subscription="55", prorated=True)),
        ),
        (),
    ),
    "rows that wait for the next invoice": (
        recurring("900", proration=(ProrationRow("2026-11-12", D(2)),)),
        ("PRORATION_TWICE:2 from 2026-11-12",),
    ),
}


@pytest.mark.parametrize("says", PRORATED)
def test_parts_of_periods_beside_the_whole_count_are_told(says: str):
    line, expected = PRORATED[says]
    line = msgspec.structs.replace(line, prorated=any(one.prorated for one in line.sources))
    desk = billed()
    desk.recurring = [line]
    assert only(desk.plan(uses(12))).warnings == expected


@pytest.mark.parametrize("says", PRORATED)
def test_proration_that_was_given_to_the_psa_is_not_told(says: str):
    line, _ = PRORATED[says]
    desk = billed()
    desk.recurring = [line]
    assert only(desk.plan(uses(12), psa_prorates=frozenset({"c1"}))).warnings == ()


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [(None, ()), ("monthly", ()), ("yearly", ("BILLING_CYCLE_MISMATCH:yearly",))],
)
def test_a_line_of_another_cycle_is_told(cycle: str | None, expected: tuple[str, ...]):
    assert wired(recurring("900", cycle=cycle)) == expected


def test_another_line_that_counts_the_same_assets_is_told():
    assets = QuantitySource(key="9", kind="assets", asset_type="10")
    other = recurring("", key="5", name="Devices", counts_other=True, sources=(assets,))
    desk = billed()
    desk.recurring = [recurring("900"), other]
    assert only(desk.plan(uses(12))).warnings == ("DOUBLE_ROUTE:Monthly / Devices (5)",)
    asleep = msgspec.structs.replace(other, active=False)
    desk.recurring = [recurring("900"), asleep]
    assert only(desk.plan(uses(12))).warnings == ()


def test_a_record_of_one_month_is_not_asked_for_a_recurring_line():
    assert only(Desk(Style.PER_PERIOD).plan(uses(12))).warnings == ()


def test_a_line_that_counts_the_record_of_the_running_month_is_told():
    desk = billed()
    desk.recurring = [recurring("900"), recurring("950", key="8")]
    made = desk.plan(uses(12), running={"c1/10": "950", "c1/11": "951"})
    assert "RUNNING_MONTH_LINKED:c1/10:Monthly / Managed devices (8)" in made.bill.warnings
    assert len(made.bill.warnings) == 1
