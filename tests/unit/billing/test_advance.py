"""The same count for the month that begins: what a line says, and what cannot be billed so."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from syncd.core.billing.agreement import NamedAgreement, billed_months
from syncd.core.billing.bill import compute_bill
from syncd.core.billing.model import BilledIn, BilledProduct, BillInput, QuantityRule
from syncd.core.billing.plan_input import Style
from syncd.sdk.period import Period
from syncd.sdk.records import Agreement
from tests.builders_billing import bill_input, configuration
from tests.builders_plan import NOVEMBER, OCTOBER, Desk, only

DECEMBER = NOVEMBER.following()
STYLES = list(Style)


def uses(desktop: int, billed_in: str = "advance", **more: object) -> BillInput:
    one = dataclasses.replace(configuration(asset_type="10"), billed_in=BilledIn(billed_in))
    return bill_input(one, usage={"desktop": desktop}, **more)


def test_the_figures_are_those_of_arrears() -> None:
    advance, arrears = compute_bill(uses(10)), compute_bill(uses(10, "arrears"))
    (line,) = advance.lines
    assert line.advance
    assert (msgspec.structs.replace(line, advance=False),) == arrears.lines


def test_a_lasting_record_begins_with_the_month_that_begins_and_says_so() -> None:
    fields = only(Desk().plan(uses(10), NOVEMBER)).fields
    assert (fields.name, fields.start, fields.end) == ("Plan c1", "2026-12-01", None)
    assert fields.notes == ("Counts of 2026-11, billed in advance for 2026-12, written by syncd.")


def test_a_record_of_one_month_is_named_and_dated_by_the_month_that_begins() -> None:
    change = only(Desk(Style.PER_PERIOD).plan(uses(10), NOVEMBER))
    fields = change.fields
    assert (fields.name, fields.start, fields.end) == (
        "Plan c1 2026-12",
        "2026-12-01",
        "2026-12-31",
    )
    assert change.key.endswith(":2026-11"), "the key stays that of the count"


def test_the_year_turns() -> None:
    fields = only(Desk(Style.PER_PERIOD).plan(uses(10), DECEMBER)).fields
    assert (fields.start, fields.end) == ("2027-01-01", "2027-01-31")


def test_the_plan_says_why_and_for_when() -> None:
    assert only(Desk().plan(uses(10), NOVEMBER)).reason == (
        "first bill, 10 units, billed in advance for 2026-12"
    )


@pytest.mark.parametrize("style", STYLES)
def test_a_second_plan_of_the_month_writes_nothing(style: Style) -> None:
    desk = Desk(style)
    desk.bill(uses(10), NOVEMBER)
    assert desk.plan(uses(10), NOVEMBER).bill.changes == ()


def test_an_older_count_never_overwrites_a_newer_one() -> None:
    desk = Desk()
    desk.bill(uses(10), NOVEMBER)
    assert desk.plan(uses(9), OCTOBER).bill.errors == ("PERIOD_SUPERSEDED:2026-11",)


def test_a_change_from_arrears_keeps_the_record_and_its_first_day() -> None:
    desk = Desk()
    desk.bill(uses(10, "arrears"), OCTOBER)
    change = only(desk.plan(uses(10), NOVEMBER))
    assert (change.remote, change.fields.start) == ("900", "2026-10-01")
    assert "billed in advance for 2026-12" in str(change.fields.notes)


def test_a_line_that_lost_its_configuration_keeps_the_days_of_its_month() -> None:
    desk = Desk(Style.PER_PERIOD)
    desk.bill(uses(10), NOVEMBER)
    gone = bill_input(configuration("c2", asset_type="11"), usage={"desktop": 3})
    stale = next(
        one for one in desk.plan(gone, NOVEMBER).bill.changes if one.line.startswith("c1/")
    )
    fields = stale.fields
    assert (fields.quantity, fields.name) == (0, "Plan c1 2026-12")
    assert (fields.start, fields.end) == ("2026-12-01", "2026-12-31")


@pytest.mark.parametrize("method", ["peak", "average"])
def test_counting_over_the_month_is_refused(method: str) -> None:
    data = uses(10, rules={"desktop": QuantityRule(method=method)})
    assert compute_bill(data).errors == ("CONFIG_INVALID:c1.billed_in",)
    arrears = uses(10, "arrears", rules={"desktop": QuantityRule(method=method)})
    assert compute_bill(arrears).errors == ()


def test_facts_of_a_month_are_refused() -> None:
    data = uses(10)
    monthly = dataclasses.replace(data.products["desktop"], monthly=True)
    assert isinstance(monthly, BilledProduct)
    found = compute_bill(dataclasses.replace(data, products={"desktop": monthly}))
    assert found.errors == ("CONFIG_INVALID:c1.billed_in",)


def test_a_rule_of_a_product_that_is_billed_elsewhere_is_no_concern() -> None:
    data = uses(10, rules={"server": QuantityRule(method="peak")})
    assert compute_bill(data).errors == ()


def test_an_agreement_must_cover_the_month_that_begins() -> None:
    def problem(ends: str, billed_in: str) -> str | None:
        found = Agreement(key="7", client="1", name="Care", ends=ends)
        months = billed_months(compute_bill(uses(10, billed_in)), NOVEMBER)
        return NamedAgreement(key="7", client="1", months=months, found=found).problem()

    assert problem("2026-11-30", "arrears") is None
    assert problem("2026-11-30", "advance") == "ended on 2026-11-30, before 2026-12"
    assert problem("2026-12-31", "advance") is None


def test_a_bill_without_lines_is_for_the_month_counted() -> None:
    assert billed_months(compute_bill(uses(0)), NOVEMBER) == (Period(2026, 11),)
