"""Groups that change their asset type, split or merge: which record goes on, and what is held."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from syncd.core.billing.model import BillInput
from syncd.core.billing.plan_input import BillPlan, Style
from syncd.sdk.records import ChangeKind, PlannedChange
from tests.builders_billing import bill_input, configuration
from tests.builders_plan import NOVEMBER, Desk, only, rules

D = Decimal
DECEMBER = NOVEMBER.following()


def uses(desktop: int, mode: str = "average", **more: Any) -> BillInput:
    return bill_input(configuration(mode=mode, asset_type="10"), usage={"desktop": desktop}, **more)


def billed(style: Style = Style.ROLLING, mode: str = "average", desktop: int = 10) -> Desk:
    desk = Desk(style)
    desk.bill(uses(desktop, mode))
    return desk


def message(made: BillPlan) -> str:
    (objection,) = made.objections
    assert (objection.bill, objection.line) == (made.bill.key, only(made).key)
    return objection.message


def retype(desktop: int, to: str = "15", **more: Any) -> BillInput:
    return bill_input(configuration(asset_type=to), usage={"desktop": desktop}, **more)


def test_a_new_asset_type_of_one_group_keeps_the_record_and_is_held():
    desk = billed()
    made = desk.plan(retype(10), DECEMBER)
    change = only(made)
    assert (change.kind, change.remote, change.line) == (ChangeKind.UPDATE, "900", "c1/15")
    assert change.key == desk.records(NOVEMBER)["c1/10"].key
    assert (change.fields.asset_type, change.reason) == ("15", "asset type 10 -> 15")
    assert rules(made) == {"RETYPED"}
    assert "from 10 to 15 and keeps record 900" in message(made)
    assert "RETYPED" in change.warnings
    assert "RETYPED:c1/10:c1/15" in made.bill.warnings
    assert "STALE_LINE_ZEROED:c1/10" not in made.bill.warnings
    assert (made.bill.total_before, made.bill.total_after) == (D("50.00"), D("50.00"))
    desk.apply(made, DECEMBER)
    assert desk.plan(retype(10), DECEMBER).bill.changes == ()


def test_per_period_a_new_asset_type_makes_a_new_record_and_zeroes_the_old():
    desk = billed(Style.PER_PERIOD)
    made = desk.plan(retype(10))
    assert [(c.line, c.kind, c.fields.quantity) for c in made.bill.changes] == [
        ("c1/15", ChangeKind.CREATE, 10),
        ("c1/10", ChangeKind.UPDATE, 0),
    ]
    assert "REMOVED_BY_CONFIGURATION" in made.bill.changes[1].warnings


PENNY = {
    "rates": {"desktop": {"cost": "1", "price": "5"}, "server": {"cost": "1", "price": "6"}},
    "settings": {"unit_scale": 2, "rounding_policy": "adjust"},
}


def test_the_rounding_line_follows_its_line_to_the_new_asset_type():
    desk = Desk()
    both = ("desktop", "server")
    usage = {"desktop": 2, "server": 1}
    old = bill_input(configuration(products=both, asset_type="10"), usage=usage, **PENNY)
    new = bill_input(configuration(products=both, asset_type="15"), usage=usage, **PENNY)
    keys = [change.key for change in desk.bill(old).bill.changes]
    made = desk.plan(new, DECEMBER)
    assert [(c.line, c.key) for c in made.bill.changes] == [
        ("c1/15", keys[0]),
        ("c1/15/rounding", keys[1]),
    ]


def test_a_group_that_was_split_is_held():
    desk = Desk()
    both = configuration(products=("desktop", "server"))
    usage = {"desktop": 3, "server": 2}
    desk.bill(bill_input(both, usage=usage))
    _remember(desk, {"c1/10": ("desktop", "server")})
    split = bill_input(both, usage=usage, types={"desktop": "10", "server": "11"})
    made = desk.plan(split, DECEMBER)
    assert rules(made) == {"GROUPS_CHANGED"}
    (objection,) = made.objections
    assert objection.line == made.bill.changes[1].key
    assert "c1/11 takes over products that were billed on line c1/10" in objection.message


def test_groups_that_were_merged_are_held():
    desk = Desk()
    both = configuration(products=("desktop", "server"))
    usage = {"desktop": 3, "server": 2}
    desk.bill(bill_input(both, usage=usage, types={"desktop": "10", "server": "11"}))
    _remember(desk, {"c1/10": ("desktop",), "c1/11": ("server",)})
    made = desk.plan(bill_input(both, usage=usage), DECEMBER)
    assert rules(made) == {"GROUPS_CHANGED"}
    assert "REMOVED_BY_CONFIGURATION" in made.bill.changes[1].warnings


def test_groups_merged_into_a_new_asset_type_are_no_retyping():
    desk = Desk()
    both = configuration(products=("desktop", "server"))
    usage = {"desktop": 3, "server": 2}
    desk.bill(bill_input(both, usage=usage, types={"desktop": "10", "server": "11"}))
    made = desk.plan(bill_input(both, usage=usage, types={"desktop": "12", "server": "12"}))
    assert [change.kind for change in made.bill.changes] == [
        ChangeKind.CREATE,
        ChangeKind.UPDATE,
        ChangeKind.UPDATE,
    ]


def test_a_group_that_became_two_new_ones_is_no_retyping():
    desk = Desk()
    both = configuration(products=("desktop", "server"))
    usage = {"desktop": 3, "server": 2}
    desk.bill(bill_input(both, usage=usage))
    made = desk.plan(bill_input(both, usage=usage, types={"desktop": "12", "server": "13"}))
    assert [(change.line, change.kind) for change in made.bill.changes] == [
        ("c1/12", ChangeKind.CREATE),
        ("c1/13", ChangeKind.CREATE),
        ("c1/10", ChangeKind.UPDATE),
    ]
    assert "REMOVED_BY_CONFIGURATION" in made.bill.changes[2].warnings


def test_a_product_without_units_takes_nothing_over():
    desk = Desk()
    both = configuration(products=("desktop", "server"))
    types = {"desktop": "10", "server": "11"}
    desk.bill(bill_input(both, usage={"desktop": 3, "server": 2}, types=types))
    _remember(desk, {"c1/10": ("desktop",), "c1/11": ("server",)})
    moved = {"desktop": "11", "server": "11"}
    made = desk.plan(bill_input(both, usage={"server": 2}, types=moved))
    assert "GROUPS_CHANGED" not in rules(made)


def test_a_group_of_other_products_does_not_inherit_a_record():
    desk = billed()
    _remember(desk, {"c1/10": ("desktop",)})
    other = bill_input(configuration(products=("server",), asset_type="15"), usage={"server": 4})
    made = desk.plan(other, DECEMBER)
    assert [change.kind for change in made.bill.changes] == [ChangeKind.CREATE, ChangeKind.UPDATE]


def test_a_record_long_at_zero_is_not_retyped():
    desk = billed()
    desk.bill(bill_input())
    made = desk.plan(retype(10), DECEMBER)
    assert only(made).kind is ChangeKind.CREATE


def test_a_product_that_starts_to_be_used_is_no_split():
    desk = Desk()
    both = configuration(products=("desktop", "server"))
    types = {"desktop": "10", "server": "11"}
    desk.bill(bill_input(both, usage={"desktop": 3}, types=types))
    _remember(desk, {"c1/10": ("desktop",)})
    made = desk.plan(bill_input(both, usage={"desktop": 3, "server": 1}, types=types))
    assert (only(made).line, made.objections) == ("c1/11", ())


def test_a_change_of_mode_on_a_record_is_held_with_the_price_that_stays():
    desk = billed(mode="total")
    made = desk.plan(uses(10, "quantity"))
    assert rules(made) == {"MODE_CHANGED"}
    assert message(made).endswith("from total to quantity; the record's price (50.00) stays")
    other = billed(mode="quantity").plan(uses(10))
    assert message(other).endswith("the record's price (none) becomes 5.00")


def test_a_slot_whose_record_moved_on_gets_a_record_of_its_own():
    desk = billed()
    desk.bill(retype(10))
    both = configuration(products=("desktop", "server"))
    types = {"desktop": "15", "server": "10"}
    made = desk.plan(bill_input(both, usage={"desktop": 10, "server": 2}, types=types))
    create = only_of(made, ChangeKind.CREATE)
    assert create.line == "c1/10"
    assert create.key != desk.records(NOVEMBER)["c1/15"].key


def only_of(made: BillPlan, kind: ChangeKind) -> PlannedChange:
    (change,) = (change for change in made.bill.changes if change.kind is kind)
    return change


def _remember(desk: Desk, products: dict[str, tuple[str, ...]]) -> None:
    for line, names in products.items():
        desk.adopt(line, dataclasses.replace(desk.forget(line), products=names))
