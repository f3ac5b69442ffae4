"""A part of a month: golden amounts, constant counts cost their days, and what is refused."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.billed_days import Billed, CountedDays, DaySum, Policy
from syncd.core.billing.checks import configuration_errors
from syncd.core.billing.model import (
    BilledIn,
    Configuration,
    LicenceUsage,
    Mode,
    Owner,
    QuantityRule,
    Share,
)
from tests.builders_billing import (
    bill,
    bill_input,
    configuration,
    licence,
    one_line,
    rule,
    storage,
)
from tests.unit.billing.test_billing_document import rows


def days(*runs: tuple[int, int], first: date = date(2026, 11, 1)) -> DaySum:
    """Runs of (days, count) from a day on."""
    spans = []
    for length, quantity in runs:
        last = first + timedelta(days=length - 1)
        spans.append(CountedDays(first=first, last=last, quantity=quantity))
        first = last + timedelta(days=1)
    return DaySum(tuple(spans))


def ending(counted: DaySum, policy: str = "by_days", **more: Any) -> Billed:
    """Billing ends in November, after as many days as are counted."""
    return Billed(
        first=date(2026, 11, 1),
        last=date(2026, 11, counted.days),
        month_days=30,
        ends=True,
        last_month=Policy(policy),
        **{"used": {"desktop": counted}, **more},
    )


def starting(counted: DaySum, policy: str = "by_days", **more: Any) -> Billed:
    return Billed(
        first=date(2026, 11, 31 - counted.days),
        last=date(2026, 11, 30),
        month_days=30,
        starts=True,
        first_month=Policy(policy),
        **{"used": {"desktop": counted}, **more},
    )


def with_parts(one: Configuration, **more: Any) -> Configuration:
    return dataclasses.replace(one, **more)


@pytest.mark.parametrize("row", rows("proration"), ids=str)
def test_the_amounts_on_the_page(row: dict[str, str]) -> None:
    runs = [part.split(" x ") for part in row["counts on the billed days"].split(" + ")]
    used = days(*((int(n), int(units)) for n, units in runs))
    bounds = {name: row[name] for name in ("included", "minimum") if row[name]}
    line = one_line(
        configuration(),
        usage={"desktop": used.spans[-1].quantity},
        rates={"desktop": {"cost": "0", "price": row["price"]}},
        rules={"desktop": rule(**bounds)},
        span=ending(used, row["policy"]),
    )
    assert (line.quantity, line.total_price) == (int(row["quantity"]), Decimal(row["total price"]))


@given(
    units=st.integers(0, 500),
    length=st.integers(1, 30),
    price=st.decimals(0, 1000, places=4),
    included=st.integers(0, 20),
    block=st.integers(1, 7),
    maximum=st.none() | st.integers(0, 400),
)
def test_constant_counts_cost_exactly_their_days_and_never_more_than_the_whole_month(
    units: int, length: int, price: Decimal, included: int, block: int, maximum: int | None
) -> None:
    given_rule = QuantityRule(
        included=Decimal(included),
        block=Decimal(block),
        maximum=None if maximum is None else Decimal(maximum),
    )
    parts: dict[str, Any] = {
        "usage": {"desktop": units},
        "rates": {"desktop": {"cost": "0", "price": str(price)}},
        "rules": {"desktop": given_rule},
        "existing": {"c1/10": "total"},
    }
    full = one_line(configuration(mode="total"), **parts)
    used = days((length, units))
    line = one_line(configuration(mode="total"), **parts, span=starting(used))
    assert line.units == full.units
    assert line.total_price is not None
    assert full.total_price is not None
    assert line.total_price <= full.total_price
    share = line.products[0].prorated
    if units:
        assert share is not None
        assert Fraction(share.top, share.bottom) == Fraction(length, 30)
        exact = Fraction(full.products[0].price) * Fraction(length, 30)
        cents = int(exact * 100 + Fraction(1, 2))
        assert line.total_price == Decimal(cents).scaleb(-2)


def test_thirds_of_several_products_are_rounded_once_and_from_their_exact_sum() -> None:
    used = days((10, 1))
    line = one_line(
        configuration(mode="total", products=("desktop", "server", "vm")),
        usage={"desktop": 1, "server": 1, "vm": 1},
        rates={key: {"cost": "0", "price": "0.005"} for key in ("desktop", "server", "vm")},
        types={"desktop": "10", "server": "10", "vm": "10"},
        span=ending(used, used=dict.fromkeys(("desktop", "server", "vm"), used)),
    )
    assert line.total_price == Decimal("0.01"), "3 x 0.005 / 3 = 0.005, half a cent up"


def test_free_sends_the_count_at_a_price_of_nothing_and_is_not_an_unset_price() -> None:
    used = days((10, 4))
    line = one_line(configuration(), usage={"desktop": 4}, rates={}, span=ending(used, "free"))
    assert (line.quantity, line.unit_price, line.total_price) == (4, Decimal(0), Decimal(0))
    assert not line.price_unset


def test_limits_cost_their_days_and_restored_volume_is_due_in_full() -> None:
    made = one_line(
        configuration(mode="total", products=("s3",)),
        usage={"s3": storage(600, restore_gb="10", limit_price="30")},
        rates={"s3": {"cost": "0", "price": "0.03", "restore_price": "0.10", "restore_cost": "0"}},
        span=ending(days((10, 1)), used={}),
    )
    assert made.total_price == Decimal("6.00") + Decimal("1.00") + Decimal("10.00")


def test_a_storage_that_is_counted_daily_takes_the_share_of_its_known_days() -> None:
    gigabyte = 2**30
    made = one_line(
        configuration(mode="total", products=("s3",)),
        usage={"s3": storage(100)},
        rates={"s3": {"cost": "0", "price": "0.30"}},
        span=ending(days((10, 1)), used={"s3": days((10, 100 * gigabyte))}),
    )
    assert made.total_price == Decimal("10.00")


@pytest.mark.parametrize(
    ("given_rule", "price"),
    [
        (rule(override="20"), "20.00"),
        (QuantityRule(method="peak"), "8.00"),
        (QuantityRule(maximum=Decimal(4)), "4.50"),
    ],
)
def test_where_days_decide_and_not_their_counts(given_rule: QuantityRule, price: str) -> None:
    line = one_line(
        configuration(mode="total"),
        usage={"desktop": 8},
        rates={"desktop": {"cost": "0", "price": "3.00"}},
        rules={"desktop": given_rule},
        span=ending(days((5, 10), (5, 8))),
    )
    assert line.total_price == Decimal(price)


def test_units_without_a_price_wait_also_when_none_is_left_at_the_end() -> None:
    used = days((9, 3), (1, 0))
    (line,) = bill(
        configuration(),
        usage={"desktop": 0},
        rates={},
        existing={"c1/10": "average"},
        span=ending(used),
    ).lines
    assert line.price_unset


@pytest.mark.parametrize("policy", ["by_days", "free"])
@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"mode": Mode.QUANTITY}, "PRORATION_NEEDS_MONEY:c1"),
        ({"price_owner": Owner.PSA}, "PRORATION_NEEDS_MONEY:c1"),
        ({"proration_owner": Owner.PSA}, "PRORATION_OWNED_BY_PSA:c1"),
        ({"billed_in": BilledIn.ADVANCE}, "PRORATION_NEEDS_ARREARS:c1"),
    ],
)
def test_what_cannot_be_prorated_is_refused_when_saved_and_stops_the_bill(
    policy: str, more: dict[str, Any], code: str
) -> None:
    own = with_parts(configuration(), **more, first_month=Policy(policy))
    assert configuration_errors(bill_input(own)) == (code,)
    used = days((10, 4))
    chosen = with_parts(configuration(), **more)
    assert configuration_errors(bill_input(chosen)) == ()
    parts: dict[str, Any] = {"usage": {"desktop": 4}}
    assert bill(chosen, **parts, span=starting(used, policy)).errors == (code,)
    assert bill(chosen, **parts, span=starting(used, "full")).errors == ()


@pytest.mark.parametrize(
    ("shared", "given", "stops"),
    [
        (True, QuantityRule(included=Decimal(5)), True),
        (True, QuantityRule(), False),
        (True, QuantityRule(method="peak", included=Decimal(5)), False),
        (False, QuantityRule(included=Decimal(5)), False),
    ],
    ids=["shared", "nothing to share", "peak", "its own"],
)
def test_a_shared_rule_cannot_be_divided_for_units_that_are_gone(
    shared: bool, given: QuantityRule, stops: bool
) -> None:
    """Else units that another account was given for nothing would be given here once more."""
    gone = LicenceUsage(
        raw=Decimal(0), share=Share(billed=Decimal(0), quantity=0) if shared else None
    )
    found = bill(
        configuration(mode="total"),
        usage={"desktop": gone},
        rules={"desktop": given},
        span=ending(days((14, 3), (1, 0))),
    )
    assert (found.errors == ("PRORATION_POOLED:desktop",)) is stops
    assert bool(found.lines) is not stops or not found.errors


def test_the_accounts_choice_goes_before_that_of_the_configuration() -> None:
    own = with_parts(configuration(mode="total"), last_month=Policy.FREE)
    parts: dict[str, Any] = {"usage": {"desktop": 3}}
    used = days((10, 3))
    silent = dataclasses.replace(ending(used), last_month=None)
    assert one_line(own, **parts, span=silent).total_price == 0
    assert one_line(own, **parts, span=ending(used)).total_price == Decimal("5.00")
    assert one_line(own, **parts, span=ending(used, "full")).total_price == Decimal("15.00")


def test_in_a_month_that_is_first_and_last_free_goes_first() -> None:
    both = dataclasses.replace(
        ending(days((10, 3))), starts=True, first_month=Policy.FREE, last_month=Policy.BY_DAYS
    )
    assert both.policy(configuration()) is Policy.FREE


def test_after_the_end_nothing_counts_whatever_rules_and_source_say() -> None:
    over = Billed(first=date(2026, 12, 1), last=date(2026, 11, 10), month_days=31)
    made = bill(
        configuration(),
        usage={"desktop": licence(7)},
        rules={"desktop": rule(minimum="10", override="5")},
        existing={"c1/10": "average"},
        source_errors=("SOURCE_INCOMPLETE",),
        span=over,
    )
    assert made.errors == ()
    assert [(line.quantity, line.total_price) for line in made.lines] == [(0, Decimal(0))]
    assert "AFTER_BILLING_END:2026-11-10" in made.warnings


def test_a_line_in_advance_ends_with_the_last_month() -> None:
    advance = with_parts(configuration(), billed_in=BilledIn.ADVANCE)
    line = one_line(
        advance,
        usage={"desktop": 7},
        existing={"c1/10": "average"},
        span=ending(days((10, 7)), "full"),
    )
    assert line.quantity == 0


def test_days_of_which_nothing_is_known_count_nothing_and_are_told() -> None:
    span = dataclasses.replace(ending(days((10, 3))), last=date(2026, 11, 14))
    made = bill(configuration(mode="total"), usage={"desktop": 3}, span=span)
    assert "DAYS_NOT_KNOWN:desktop:4" in made.warnings
    assert made.lines[0].total_price == Decimal("5.00")
