"""Every check names its finding, an error leaves no line, and a warning stops nothing."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.billing.bill import compute_bill
from syncd.core.billing.checks import configuration_errors, run_errors, saving_errors
from tests.builders_billing import (
    bill,
    bill_input,
    configuration,
    licence,
    rate,
    rule,
    storage,
)

C1 = configuration()
S3 = configuration(mode="total", products=("s3",))
USED = {"desktop": 3}


def _rule(product: str = "desktop", **parts: Any) -> dict[str, Any]:
    return {"rules": {product: rule(**parts)}}


ERRORS: dict[str, tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...]]] = {
    "both kinds and not a total": (
        (configuration(products=("desktop", "s3"), asset_type="30"),),
        {},
        ("MODE_NOT_ALLOWED:c1",),
    ),
    "a product twice in one configuration": (
        (configuration(products=("desktop", "desktop")),),
        {"usage": USED},
        ("PRODUCT_IN_TWO_CONFIGURATIONS:desktop",),
    ),
    "a product in two configurations": (
        (C1, configuration("c2")),
        {"usage": USED},
        ("PRODUCT_IN_TWO_CONFIGURATIONS:desktop",),
    ),
    "no client": ((C1,), {"usage": USED, "site": None}, ("SITE_NOT_MAPPED",)),
    "no site name": ((C1,), {"usage": USED, "site": ""}, ("SITE_NOT_MAPPED",)),
    "no asset type for used units": (
        (configuration(products=("vm",)),),
        {"usage": {"vm": 1}},
        ("ASSET_TYPE_MISSING:vm",),
    ),
    "no asset type for money without units": (
        (configuration(mode="total", products=("wasabi",)),),
        {"usage": {"wasabi": storage(0, limit_price="30")}},
        ("ASSET_TYPE_MISSING:wasabi",),
    ),
    "an empty name": ((configuration(name="  "),), {}, ("CONFIG_INVALID:c1.name",)),
    "an empty id": ((configuration(""),), {}, ("CONFIG_INVALID:.id",)),
    "an id that would break keys": (
        (configuration("a/b"),),
        {},
        ("CONFIG_INVALID:a/b.id",),
    ),
    "two configurations of one id": (
        (C1, configuration(products=("server",))),
        {},
        ("CONFIG_INVALID:c1.id",),
    ),
    "no products": ((configuration(products=()),), {}, ("CONFIG_INVALID:c1.products",)),
    "the mode of rounding lines": (
        (configuration(mode="adjustment"),),
        {},
        ("CONFIG_INVALID:c1.mode",),
    ),
    "a total at a price of the PSA": (
        (configuration(mode="total", price_owner="psa"),),
        {},
        ("CONFIG_INVALID:c1.price_owner",),
    ),
    "a negative rate": (
        (C1,),
        {"rates": {"desktop": {"cost": "-1", "price": "2"}}},
        ("CONFIG_INVALID:desktop.cost",),
    ),
    "a rate that is no number": (
        (C1,),
        {"rates": {"desktop": {"cost": "1", "price": "NaN"}}},
        ("CONFIG_INVALID:desktop.price",),
    ),
    "a negative restore rate": (
        (S3,),
        {"rates": {"s3": {"cost": "1", "price": "1", "restore_price": "-1"}}},
        ("CONFIG_INVALID:s3.restore_price",),
    ),
    "two rates of one currency": (
        (C1,),
        {"rates": {"desktop": (rate(price="1", cost="1"), rate(price="2", cost="1"))}},
        ("CONFIG_INVALID:desktop.currency",),
    ),
    "a negative minimum": ((C1,), _rule(minimum="-1"), ("CONFIG_INVALID:desktop.minimum",)),
    "a negative allowance": ((C1,), _rule(included="-1"), ("CONFIG_INVALID:desktop.included",)),
    "a negative override": ((C1,), _rule(override="-1"), ("CONFIG_INVALID:desktop.override",)),
    "a negative maximum": ((C1,), _rule(maximum="-1"), ("CONFIG_INVALID:desktop.maximum",)),
    "half a seat": ((C1,), _rule(override="2.5"), ("CONFIG_INVALID:desktop.override",)),
    "half a block as minimum": (
        (S3,),
        _rule("s3", minimum="0.5", bill_blocks=True),
        ("CONFIG_INVALID:s3.minimum",),
    ),
    "an endless maximum": ((C1,), _rule(maximum="Infinity"), ("CONFIG_INVALID:desktop.maximum",)),
    "a block below 1": ((C1,), _rule(block="0.5"), ("CONFIG_INVALID:desktop.block",)),
    "a block that is no number": ((C1,), _rule(block="NaN"), ("CONFIG_INVALID:desktop.block",)),
    "a block of storage without bill_blocks": (
        (S3,),
        _rule("s3", block="50"),
        ("BLOCK_RULES_NEED_BILL_BLOCKS:s3",),
    ),
    "a minimum of storage without bill_blocks": (
        (S3,),
        _rule("s3", minimum="5"),
        ("BLOCK_RULES_NEED_BILL_BLOCKS:s3",),
    ),
    "a maximum of storage without bill_blocks": (
        (S3,),
        _rule("s3", maximum="5"),
        ("BLOCK_RULES_NEED_BILL_BLOCKS:s3",),
    ),
    "rates in other currencies only": (
        (C1,),
        {"rates": {"desktop": {"price": "5", "cost": "1", "currency": "EUR"}}},
        ("CURRENCY_MISMATCH:desktop",),
    ),
    "an impossible scale": (
        (C1,),
        {"settings": {"money_scale": -1, "unit_scale": 9}},
        ("CONFIG_INVALID:settings.money_scale", "CONFIG_INVALID:settings.unit_scale"),
    ),
    "a source that was not read whole": (
        (C1,),
        {"source_errors": ("SOURCE_INCOMPLETE",)},
        ("SOURCE_INCOMPLETE",),
    ),
    "no snapshot": ((C1,), {"source_errors": ("NO_SNAPSHOT",)}, ("NO_SNAPSHOT",)),
    "a negative count": ((C1,), {"usage": {"desktop": -1}}, ("SOURCE_INVALID:desktop",)),
    "a fractional count": (
        (C1,),
        {"usage": {"desktop": licence("2.5")}},
        ("SOURCE_INVALID:desktop",),
    ),
    "a count that is no number": (
        (C1,),
        {"usage": {"desktop": licence("NaN")}},
        ("SOURCE_INVALID:desktop",),
    ),
    "negative bytes": ((S3,), {"usage": {"s3": storage(-1)}}, ("SOURCE_INVALID:s3",)),
    "a volume for a licence": (
        (C1,),
        {"usage": {"desktop": storage(1)}},
        ("SOURCE_INVALID:desktop",),
    ),
    "a count for a storage": ((S3,), {"usage": {"s3": 1}}, ("SOURCE_INVALID:s3",)),
    "a pool with an account that is not proven": (
        (C1,),
        {"usage": {"desktop": licence(3, pool_incomplete=True)}},
        ("POOL_INCOMPLETE:desktop",),
    ),
    "several faults are said at once": (
        (configuration(name=""), configuration("c2", products=("server", "desktop"))),
        {"usage": {"desktop": -1}, "site": None},
        (
            "SITE_NOT_MAPPED",
            "CONFIG_INVALID:c1.name",
            "PRODUCT_IN_TWO_CONFIGURATIONS:desktop",
            "SOURCE_INVALID:desktop",
        ),
    ),
}


@pytest.mark.parametrize("says", ERRORS)
def test_an_error_is_named_and_stops_the_whole_bill(says: str):
    configurations, parts, expected = ERRORS[says]
    other = configuration("ok", products=("server",))
    lines_before = {"ok/10": "average", "gone/99": "average"}
    fault = bill(*configurations, **parts)
    assert fault.errors == expected
    assert (fault.lines, fault.skipped) == ((), ())
    if "server" not in {key for given in configurations for key in given.products}:
        usage = {**parts.get("usage", {}), "server": 2}
        beside = bill(*configurations, other, **{**parts, "usage": usage, "existing": lines_before})
        assert beside.lines == (), "nothing else of the account is billed or zeroed"
        assert set(expected) <= set(beside.errors)


WARNINGS: dict[str, tuple[tuple[Any, ...], dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "an unused product without an asset type": (
        (configuration(products=("desktop", "vm")),),
        {"usage": USED},
        ("ASSET_TYPE_MISSING_UNUSED:vm",),
        (),
    ),
    "a supplier that the PSA does not know": (
        (C1,),
        {"usage": USED, "supplier": "Acme", "supplier_resolves": False},
        ("SUPPLIER_NOT_FOUND",),
        (),
    ),
    "a late snapshot": (
        (C1,),
        {"usage": USED, "source_warnings": ("LATE_SNAPSHOT",)},
        ("LATE_SNAPSHOT",),
        (),
    ),
    "units of another cycle": (
        (configuration(products=("desktop", "server")),),
        {"usage": {"desktop": 3, "server": licence(2, cycle="yearly", renewal="2027-03")}},
        (),
        ("CYCLE_NOT_MONTHLY:server:2027-03",),
    ),
    "units of another cycle whose renewal is not known": (
        (configuration(products=("desktop", "server")),),
        {"usage": {"desktop": 3, "server": licence(2, cycle="yearly")}},
        (),
        ("CYCLE_NOT_MONTHLY:server",),
    ),
    "a product whose rate is not monthly": (
        (configuration(products=("desktop", "server")),),
        {
            "usage": {"desktop": 3, "server": 2},
            "rates": {
                "desktop": {"cost": "2.00", "price": "5.00"},
                "server": {"cost": "60.00", "price": "150.00", "cycle": "annual"},
            },
        },
        (),
        ("CYCLE_NOT_MONTHLY:server",),
    ),
    "an override without an end": (
        (C1,),
        {"usage": USED, **_rule(override="3")},
        ("OVERRIDE_OPEN_ENDED:desktop",),
        (),
    ),
    "an override with an end": (
        (C1,),
        {"usage": USED, **_rule(override="3", until="2026-12-31")},
        (),
        (),
    ),
    "an account that was removed": (
        (configuration(products=("desktop", "server")),),
        {"usage": {"desktop": 3, "server": licence(0, removed=True)}},
        ("COMPANY_REMOVED",),
        (),
    ),
    "used products that nobody configured": (
        (C1,),
        {"usage": {**USED, "server": 4, "vm": 0, "s3": storage(1), "wasabi": storage(-1)}},
        ("USAGE_NOT_CONFIGURED:s3", "USAGE_NOT_CONFIGURED:server", "USAGE_NOT_CONFIGURED:wasabi"),
        (),
    ),
}


@pytest.mark.parametrize("says", WARNINGS)
def test_a_warning_is_named_and_stops_nothing(says: str):
    configurations, parts, warnings, skipped = WARNINGS[says]
    made = bill(*configurations, **parts)
    assert (made.errors, made.warnings, made.skipped) == ((), warnings, skipped)
    assert [(line.key, line.quantity) for line in made.lines] == [("c1/10", 3)]


def test_a_supplier_unknown_to_the_psa_is_refused_when_saved_and_only_warned_of_in_a_run():
    data = bill_input(C1, usage=USED, supplier="Acme", supplier_resolves=False)
    assert saving_errors(data) == ("SUPPLIER_NOT_FOUND",)
    assert run_errors(data) == ()
    assert saving_errors(dataclasses.replace(data, supplier_resolves=True)) == ()


def test_configurations_are_checked_without_looking_at_usage():
    data = bill_input(C1, usage={"desktop": -1}, site=None)
    assert configuration_errors(data) == ()


def test_quantity_mode_and_a_psa_owned_price_need_no_rate_in_the_currency():
    euro = {"desktop": {"price": "5", "cost": "1", "currency": "EUR"}}
    for given in (
        configuration(mode="quantity"),
        configuration(price_owner="psa", cost_owner="psa"),
    ):
        assert bill(given, usage=USED, rates=euro).errors == ()


def test_the_rate_in_the_billing_currency_is_chosen_among_several():
    rates = {"desktop": (rate(price="9", cost="9", currency="EUR"), rate(price="5", cost="2"))}
    (line,) = bill(C1, usage=USED, rates=rates).lines
    assert (line.unit_cost, line.unit_price) == (Decimal(2), Decimal(5))


def test_a_configured_product_that_the_source_no_longer_knows_counts_0():
    given = configuration(mode="total", products=("desktop", "ghost"), asset_type="30")
    (line,) = bill(given, usage=USED).lines
    assert (line.total_price, line.units) == (Decimal("15.00"), 3)
    alone = bill(configuration(products=("ghost",)))
    assert alone.warnings == ("ASSET_TYPE_MISSING_UNUSED:ghost",)
    assert alone.lines == ()


def test_an_unknown_product_does_not_decide_whether_kinds_are_mixed():
    given = configuration(products=("desktop", "ghost"), asset_type="30")
    assert bill(given, usage=USED).errors == ()


def test_a_product_without_figures_counts_0_after_a_complete_read():
    made = compute_bill(bill_input(C1, configuration("c2", "total", ("s3",))))
    assert made.skipped == ("ZERO_NEW:c1/10", "ZERO_NEW:c2/20")
