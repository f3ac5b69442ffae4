"""Modes, fees, owners, zero lines and stale lines beyond the agreed bills."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.billing.model import Mode
from tests.builders_billing import bill, configuration, licence, one_line, rule, storage

D = Decimal
PENNY = {
    "rates": {
        "desktop": {"cost": "1.00", "price": "5.00"},
        "server": {"cost": "1.00", "price": "6.00"},
    },
    "usage": {"desktop": 2, "server": 1},
}
BOTH = configuration(products=("desktop", "server"))
ADJUST = {"unit_scale": 2, "rounding_policy": "adjust"}


@pytest.mark.parametrize(
    ("owners", "cost", "price"),
    [
        ({"price_owner": "psa"}, D("2.0000"), None),
        ({"cost_owner": "psa"}, None, D("5.0000")),
        ({"price_owner": "psa", "cost_owner": "psa"}, None, None),
    ],
)
def test_what_the_psa_owns_is_absent_from_the_push(
    owners: dict[str, str], cost: Decimal | None, price: Decimal | None
):
    line = one_line(configuration(**owners), usage={"desktop": 10})
    assert (line.unit_cost, line.unit_price) == (cost, price)
    assert (line.total_cost is None, line.total_price is None) == (cost is None, price is None)
    assert line.mode is Mode.AVERAGE


@pytest.mark.parametrize(
    ("rates", "owners", "warning", "held"),
    [
        ({"cost": "1"}, {}, "RATE_NOT_CONFIGURED:desktop:price", True),
        ({"price": "1"}, {}, "RATE_NOT_CONFIGURED:desktop:cost", False),
        ({}, {}, "RATE_NOT_CONFIGURED:desktop:cost+price", True),
        ({}, {"price_owner": "psa"}, "RATE_NOT_CONFIGURED:desktop:cost", False),
        ({"cost": "0", "price": "0"}, {}, None, False),
        ({}, {"mode": "quantity"}, None, False),
    ],
    ids=["price", "cost", "both", "price of the PSA", "free", "quantity only"],
)
def test_an_unset_rate_is_said_and_an_explicit_0_is_free(
    rates: dict[str, str], owners: dict[str, str], warning: str | None, held: bool
):
    made = bill(configuration(**owners), usage={"desktop": 3}, rates={"desktop": rates})
    assert made.warnings == ((warning,) if warning else ())
    assert made.lines[0].price_unset is held


def test_an_unset_rate_of_a_product_without_units_is_not_worth_a_word():
    made = bill(BOTH, usage={"desktop": 3}, rates={"desktop": {"cost": "2", "price": "5"}})
    assert made.warnings == ()
    assert not made.lines[0].price_unset


def test_units_within_the_allowance_need_no_rate():
    made = bill(
        BOTH,
        usage={"desktop": 3, "server": 2},
        rates={"desktop": {"cost": "2", "price": "5"}},
        rules={"server": rule(included=5)},
    )
    assert (made.warnings, made.lines[0].quantity) == ((), 3)


def test_restored_volume_is_billed_at_its_own_rate():
    rates = {"s3": {"cost": "0", "price": "0.03", "restore_cost": "0.01", "restore_price": "0.5"}}
    line = one_line(
        configuration(mode="total", products=("s3",)),
        usage={"s3": storage(100, restore_gb="3")},
        rates=rates,
    )
    assert (line.total_cost, line.total_price) == (D("0.03"), D("4.50"))


def test_restored_volume_without_a_rate_is_said_and_held():
    made = bill(
        configuration(mode="total", products=("s3",)), usage={"s3": storage(1, restore_gb="3")}
    )
    assert made.warnings == ("RATE_NOT_CONFIGURED:s3:restore_cost+restore_price",)
    assert made.lines[0].price_unset


def test_fees_that_the_psa_owns_are_dropped_aloud():
    given = configuration(products=("s3",), price_owner="psa")
    made = bill(given, usage={"s3": storage(10, limit_price="30")})
    assert "QUANTITY_ONLY_DROPS_FEES:s3" in made.warnings


def test_volume_in_quantity_mode_without_any_fee_is_not_worth_a_word():
    given = configuration(mode="quantity", products=("s3",))
    assert bill(given, usage={"s3": storage(10, restore_gb="2")}).warnings == ()


def test_rounding_is_per_line_and_not_per_product():
    rates = {
        "desktop": {"cost": "0", "price": "0.005"},
        "server": {"cost": "0", "price": "0.005"},
    }
    given = configuration(mode="total", products=("desktop", "server"))
    assert one_line(given, usage={"desktop": 1, "server": 1}, rates=rates).total_price == D("0.01")


def test_an_average_comes_from_the_exact_sum_and_not_from_the_rounded_total():
    rates = {"desktop": {"cost": "0.335", "price": "0.005"}}
    line = one_line(configuration(), usage={"desktop": 3}, rates=rates)
    assert (line.total_cost, line.total_price) == (D("1.01"), D("0.02"))
    assert (line.unit_cost, line.unit_price) == (D("0.3350"), D("0.0050"))


def test_total_mode_says_the_units_behind_its_one():
    line = one_line(configuration(mode="total"), usage={"desktop": 8})
    assert (line.quantity, line.units) == (1, 8)


def test_an_average_fee_without_units_says_that_there_are_none():
    line = one_line(configuration(products=("s3",)), usage={"s3": storage(0, limit_price="30")})
    assert (line.quantity, line.units) == (1, 0)


def test_quantity_0_takes_a_sent_quantity_line_to_0_without_money():
    line = one_line(
        configuration(mode="quantity"), usage={"desktop": 0}, existing={"c1/10": "quantity"}
    )
    assert (line.quantity, line.unit_price, line.total_price, line.action) == (
        0,
        None,
        None,
        "update",
    )


def test_money_that_rounds_to_nothing_is_no_line():
    rates = {"s3": {"cost": "0", "price": "0.03", "restore_cost": "0", "restore_price": "0.001"}}
    made = bill(
        configuration(mode="total", products=("s3",)),
        usage={"s3": storage(0, restore_gb="1")},
        rates=rates,
    )
    assert (made.lines, made.skipped) == ((), ("ZERO_NEW:c1/20",))


def test_an_adjustment_that_is_no_longer_needed_goes_to_0():
    made = bill(
        BOTH,
        usage={"desktop": 3},
        settings=ADJUST,
        existing={"c1/10": "average", "c1/10/rounding": "adjustment"},
    )
    line = made.lines[1]
    assert (line.key, line.mode, line.quantity) == ("c1/10/rounding", Mode.ADJUSTMENT, 0)
    assert (line.unit_cost, line.total_price, line.action) == (0, 0, "update")
    assert not line.removed_by_configuration
    assert made.warnings == ()


def test_an_adjustment_goes_to_0_when_the_policy_is_to_report():
    made = bill(
        BOTH,
        **PENNY,
        settings={"unit_scale": 2},
        existing={"c1/10": "average", "c1/10/rounding": "adjustment"},
    )
    assert [(line.key, line.quantity) for line in made.lines] == [
        ("c1/10", 3),
        ("c1/10/rounding", 0),
    ]


def test_an_adjustment_that_was_sent_before_is_updated():
    made = bill(BOTH, **PENNY, settings=ADJUST, existing={"c1/10/rounding": "adjustment"})
    assert [(line.key, line.action) for line in made.lines] == [
        ("c1/10", "create"),
        ("c1/10/rounding", "update"),
    ]


def test_an_adjustment_carries_only_money_that_is_ours():
    given = configuration(products=("desktop", "server"), cost_owner="psa")
    made = bill(given, **PENNY, settings=ADJUST)
    line = made.lines[1]
    assert (line.unit_cost, line.unit_price) == (None, D("0.01"))
    other = configuration(products=("desktop", "server"), price_owner="psa")
    rates = {"desktop": {"cost": "5", "price": "0"}, "server": {"cost": "6", "price": "0"}}
    made = bill(other, usage=PENNY["usage"], rates=rates, settings=ADJUST)
    line = made.lines[1]
    assert (line.unit_cost, line.unit_price) == (D("0.01"), None)


def test_an_adjustment_of_a_line_that_never_was_goes_to_0_too():
    made = bill(BOTH, existing={"c1/10/rounding": "adjustment"}, settings=ADJUST)
    assert [line.key for line in made.lines] == ["c1/10/rounding"]
    assert made.skipped == ("ZERO_NEW:c1/10",)


STALE = {
    "average": ("average", 0, D(0)),
    "total": ("total", 1, D(0)),
    "quantity": ("quantity", 0, None),
    "adjustment": ("adjustment", 0, D(0)),
}


@pytest.mark.parametrize("last", STALE)
def test_a_line_without_a_group_goes_to_zero_in_its_last_mode_and_is_held(last: str):
    mode, quantity, money = STALE[last]
    key = "old/77/rounding" if last == "adjustment" else "old/77"
    made = bill(configuration(), usage={"desktop": 1}, existing={key: last})
    line = made.lines[-1]
    assert (line.key, line.mode, line.quantity) == (key, mode, quantity)
    assert (line.unit_price, line.total_price, line.total_cost) == (money, money, money)
    assert line.removed_by_configuration
    assert (line.configuration, line.asset_type, line.action) == (None, "77", "update")
    assert made.warnings == (f"STALE_LINE_ZEROED:{key}",)


def test_lines_come_in_the_order_of_configurations_and_asset_types_and_stale_ones_last():
    types = {"desktop": "100", "server": "9", "vm": "std"}
    made = bill(
        configuration("z", products=("vm", "desktop", "server")),
        configuration("a", "quantity", ("s3",), asset_type="1"),
        usage={"desktop": 1, "server": 1, "vm": 1, "s3": storage(1)},
        types=types,
        rates={},
        existing={"gone/2": "total", "gone/1": "total"},
    )
    assert [line.key for line in made.lines] == [
        "z/9",
        "z/100",
        "z/std",
        "a/1",
        "gone/1",
        "gone/2",
    ]


def test_names_are_stable_and_carry_the_asset_type_where_there_may_be_several():
    names = {"10": "Workstation"}
    parts = {"usage": {"desktop": 1}, "asset_type_names": names}
    assert one_line(configuration(name="Care"), **parts).name == "Care - Workstation"
    assert one_line(configuration(name="Care", asset_type="12"), **parts).name == "Care"
    assert one_line(configuration(name="Care"), usage={"desktop": 1}).name == "Care - 10"


def test_the_basis_names_what_every_product_contributed():
    made = bill(
        BOTH,
        usage={"desktop": 7, "server": 1},
        rules={"desktop": rule(included=5, version="rule 4")},
        rates={
            "desktop": {"cost": "2", "price": "5", "version": "rate 3"},
            "server": {"cost": "6", "price": "15"},
        },
    )
    first = made.lines[0].products[0]
    assert (first.product, first.raw, first.billed, first.quantity) == ("desktop", 7, 2, 2)
    assert (first.cost, first.price, first.unit_cost, first.unit_price) == (4, 10, 2, 5)
    assert (first.rate_version, first.rule_version) == ("rate 3", "rule 4")


def test_units_of_another_cycle_take_their_sent_line_to_zero_and_hold_it():
    made = bill(
        configuration(),
        usage={"desktop": licence(3, cycle="yearly")},
        existing={"c1/10": "average"},
    )
    assert made.lines[0].removed_by_configuration
