"""What the PSA shows that speaks against a write: lost, changed, shared, doubled, regrouped."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.billing.model import BillInput, Mode
from syncd.core.billing.plan_input import BillPlan, RecordState, Style
from syncd.sdk.records import ChangeKind, PlannedChange, Receipt
from tests.builders_billing import bill_input, configuration, storage
from tests.builders_plan import NOVEMBER, Desk, only, record, recurring, rules

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


def test_a_record_that_a_person_deleted_is_not_made_again_without_a_word():
    desk = billed()
    desk.subscriptions.clear()
    made = desk.plan(uses(12))
    assert rules(made) == {"PSA_RECORD_GONE"}
    assert only(made).kind is ChangeKind.CREATE
    assert "record 900 is no longer in the PSA" in message(made)


def test_a_deleted_record_is_noticed_even_when_no_figure_moved():
    desk = billed()
    desk.subscriptions.clear()
    assert rules(desk.plan(uses(10))) == {"PSA_RECORD_GONE"}


def test_a_deleted_record_of_a_line_at_zero_is_only_told():
    desk = billed()
    desk.subscriptions.clear()
    made = desk.plan(uses(0))
    assert (made.bill.changes, made.objections) == ((), ())
    assert made.bill.warnings == ("PSA_RECORD_GONE:c1/10",)
    assert (made.bill.total_before, made.bill.total_after) == (D(0), D(0))


def test_a_deleted_record_whose_key_stands_on_another_is_shown_with_both():
    desk = billed()
    key = desk.records(NOVEMBER)["c1/10"].key
    desk.subscriptions = {"77": record("77", marker=key, quantity=10)}
    made = desk.plan(uses(10))
    assert rules(made) == {"PSA_RECORD_GONE", "PSA_DRIFT"}
    assert only(made).remote == "77"
    assert "goes on with record 77" in made.objections[0].message


def test_a_line_at_zero_that_never_had_a_record_needs_none():
    desk = Desk(billed_before=True)
    desk.adopt("c1/10", RecordState(uid="u", key="k", remote=None, mode=Mode.AVERAGE))
    made = desk.plan(uses(0))
    assert (made.bill.changes, made.bill.warnings, made.objections) == ((), (), ())
    assert only(desk.plan(uses(5))).kind is ChangeKind.CREATE


@pytest.mark.parametrize("parts", [{"active": False}, {"end": "2026-10-15"}])
def test_a_record_that_bills_no_more_is_held(parts: dict[str, Any]):
    desk = billed()
    desk.edit("900", **parts)
    made = desk.plan(uses(10))
    assert rules(made) == {"PSA_RECORD_INACTIVE"}
    assert only(made).reason == "same figures"
    expected = "is inactive" if "active" in parts else "ended on 2026-10-15"
    assert expected in message(made)
    zero = desk.plan(uses(0))
    assert (zero.bill.changes, zero.bill.warnings) == ((), ("PSA_RECORD_INACTIVE:c1/10",))


def test_a_record_that_ends_later_still_bills():
    desk = billed()
    desk.edit("900", end="2026-11-30")
    assert desk.plan(uses(10)).objections == ()


def test_two_records_with_one_key_stop_the_bill():
    desk = billed()
    key = desk.records(NOVEMBER)["c1/10"].key
    desk.subscriptions["77"] = record("77", marker=key)
    made = desk.plan(uses(12))
    assert made.bill.errors == ("DUPLICATE_IN_PSA:c1/10:77,900",)
    assert made.bill.changes == ()


def test_two_lines_never_write_to_one_record():
    both = bill_input(
        configuration(asset_type="10"),
        configuration("c2", products=("server",), asset_type="11"),
        usage={"desktop": 10, "server": 1},
    )
    desk = billed()
    desk.adopt("c2/11", RecordState(uid="u", key="other", remote="900"))
    made = desk.plan(both)
    assert (made.bill.errors, made.bill.changes) == (("LINES_SHARE_RECORD:c2/11",), ())
    moved = billed()
    state = moved.records(NOVEMBER)["c1/10"]
    moved.adopt("c2/11", RecordState(uid=state.uid, key=state.key, remote=None))
    assert moved.plan(both).bill.errors == ("LINES_SHARE_RECORD:c2/11",)
    lost = Desk()
    for line in ("c1/10", "c2/11"):
        lost.adopt(line, RecordState(uid="u", key="one", remote=None))
    assert lost.plan(both).bill.errors == ("LINES_SHARE_RECORD:c2/11",)


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


def test_a_look_up_that_names_a_second_record_stops_the_bill():
    desk = billed()
    key = desk.records(NOVEMBER)["c1/10"].key
    found = {key: [Receipt(key=key, remote="77", record=record("77", marker=key))]}
    assert desk.plan(uses(12), found=found).bill.errors == ("DUPLICATE_IN_PSA:c1/10:77,900",)


def test_a_key_on_a_record_that_this_client_does_not_have_stops_the_bill():
    desk = Desk()
    key = only(desk.plan(uses(10))).key
    found = {key: [Receipt(key=key, remote="77")]}
    assert desk.plan(uses(10), found=found).bill.errors == ("CLIENT_CHANGED:c1/10:77",)
    elsewhere = record("77", client="999", marker=key)
    found = {key: [Receipt(key=key, remote="77", record=elsewhere)]}
    assert desk.plan(uses(10), found=found).bill.errors == ("CLIENT_CHANGED:c1/10:77",)


def test_a_link_to_another_client_stops_the_bill_until_the_old_records_are_settled():
    desk = billed()
    made = desk.plan(uses(10), client="483", subscriptions=())
    assert made.bill.errors == ("CLIENT_CHANGED:c1/10:900",)


DRIFTS = {
    "quantity": ({"quantity": 99}, "quantity sent as 10, now 99"),
    "price": ({"unit_price": D("7.00")}, "unit price sent as 5.0000, now 7.00"),
    "price taken away": ({"unit_price": None}, "unit price sent as 5.0000, now None"),
    "cost": ({"unit_cost": D("1.00")}, "unit cost sent as 2.0000, now 1.00"),
    "name": ({"name": "Mine"}, "name sent as Plan c1, now Mine"),
    "asset type": ({"asset_type": "11"}, "asset type sent as 10, now 11"),
    "start": ({"start": "2026-01-01"}, "start sent as 2026-11-01, now 2026-01-01"),
}


@pytest.mark.parametrize("says", DRIFTS)
def test_a_hand_edit_of_our_field_is_held_with_both_values(says: str):
    parts, expected = DRIFTS[says]
    desk = billed()
    desk.edit("900", **parts)
    made = desk.plan(uses(10))
    assert rules(made) == {"PSA_DRIFT"}
    assert message(made).endswith(expected)
    assert only(made).reason == "the PSA shows other values than were sent"
    assert rules(desk.plan(uses(12))) == {"PSA_DRIFT"}


def test_a_price_edited_by_hand_is_not_ours_in_quantity_mode():
    desk = billed(mode="quantity")
    desk.edit("900", unit_price=D("7.00"), unit_cost=D("1.00"))
    assert desk.plan(uses(10, "quantity")).bill.changes == ()
    made = desk.plan(uses(12, "quantity"))
    assert (rules(made), only(made).fields.unit_price) == (set(), None)


def test_a_field_that_is_no_longer_ours_is_not_looked_at():
    desk = billed()
    desk.edit("900", unit_price=D("7.00"))
    given = configuration(asset_type="10", price_owner="psa")
    made = desk.plan(bill_input(given, usage={"desktop": 10}))
    assert rules(made) == set()


def test_a_line_long_at_zero_that_somebody_revived_is_a_hand_edit_and_no_removal():
    desk = billed()
    desk.bill(bill_input())
    desk.edit("900", quantity=4)
    made = desk.plan(bill_input(), DECEMBER)
    assert rules(made) == {"PSA_DRIFT"}
    assert only(made).fields.quantity == 0
    assert "REMOVED_BY_CONFIGURATION" not in only(made).warnings


def test_what_the_psa_does_not_show_is_no_drift():
    desk = billed()
    desk.edit("900", asset_type=None, start=None)
    assert desk.plan(uses(10)).bill.changes == ()


def test_blanks_around_a_name_are_no_drift():
    desk = billed()
    desk.edit("900", name="Plan c1 ")
    assert desk.plan(uses(10)).bill.changes == ()


def test_an_edit_to_what_we_are_about_to_write_is_no_conflict():
    desk = billed()
    desk.edit("900", quantity=12)
    made = desk.plan(uses(12))
    assert (rules(made), only(made).reason) == (set(), "10 → 12 units")


def test_a_month_that_is_not_over_overwrites_a_hand_edit_with_a_warning():
    desk = billed()
    desk.edit("900", quantity=99)
    made = desk.plan(uses(10), temporary=True)
    assert rules(made) == set()
    assert "PSA_DRIFT" in only(made).warnings


def test_a_hand_edit_of_a_final_monthly_record_is_reported_and_left():
    desk = billed(Style.PER_PERIOD)
    desk.edit("900", quantity=99)
    made = desk.plan(uses(10))
    assert (made.bill.changes, made.objections) == ((), ())
    assert "PSA_DRIFT:c1/10" in made.bill.warnings
    assert rules(desk.plan(uses(12))) == {"PSA_DRIFT"}
    assert only(desk.plan(uses(10), temporary=True)).fields.quantity == 10


LOOKALIKES: dict[str, dict[str, Any]] = {
    "the same name": {"name": "Plan c1"},
    "the same name but for case and accents": {"name": "  PLÁN-C1 "},
    "the same asset type": {"asset_type": "10"},
    "the key of another installation": {"name": "Plan c1", "marker": "syncd:dead:17:c1:u"},
}


@pytest.mark.parametrize("says", LOOKALIKES)
def test_a_create_next_to_a_look_alike_is_held(says: str):
    desk = Desk()
    desk.subscriptions["55"] = record("55", **LOOKALIKES[says])
    made = desk.plan(uses(10))
    assert rules(made) == {"POSSIBLE_TWIN"}
    assert "record 55" in message(made)


OTHERS: dict[str, dict[str, Any]] = {
    "another client's": {"name": "Plan c1", "client": "999"},
    "an inactive one": {"name": "Plan c1", "active": False},
    "one that ended before": {"name": "Plan c1", "end": "2026-10-31"},
    "another thing": {"asset_type": "11"},
}


@pytest.mark.parametrize("says", OTHERS)
def test_a_record_that_bills_something_else_is_no_twin(says: str):
    desk = Desk()
    desk.subscriptions["55"] = record("55", **OTHERS[says])
    assert desk.plan(uses(10)).objections == ()


def test_our_own_records_are_no_twins():
    desk = billed()
    both = bill_input(
        configuration(asset_type="10"),
        configuration("c2", products=("server",), asset_type="10"),
        usage={"desktop": 10, "server": 1},
    )
    made = desk.plan(both)
    assert (only(made).kind, made.objections) == (ChangeKind.CREATE, ())
    desk.forget("c1/10")
    made = desk.plan(both)
    assert [change.kind for change in made.bill.changes] == [ChangeKind.UPDATE, ChangeKind.CREATE]
    assert made.objections == ()


def test_after_adoption_there_is_one_record_with_its_price_and_links():
    desk = Desk()
    desk.subscriptions["55"] = record("55", name="Plan c1", quantity=9, unit_price=D("4.00"))
    desk.recurring = [recurring("55")]
    assert rules(desk.plan(uses(10, "quantity"))) == {"POSSIBLE_TWIN"}
    desk.adopt("c1/10", RecordState(uid="u", key="k", remote="55"))
    made = desk.bill(uses(10, "quantity"))
    assert made.objections == ()
    assert list(desk.subscriptions) == ["55"]
    assert desk.subscriptions["55"].unit_price == D("4.00")
    assert only(made).billed_by == "Monthly / Managed devices (24967)"


def test_a_look_alike_of_a_distributor_is_named():
    desk = Desk()
    desk.subscriptions["55"] = record("55", name="Plan c1", foreign_writer="Distributor")
    made = desk.plan(uses(10))
    assert rules(made) == {"FOREIGN_WRITER"}
    assert "kept by Distributor" in message(made)


def test_a_record_that_a_distributor_keeps_as_well_is_held():
    desk = billed()
    desk.edit("900", foreign_writer="Distributor")
    assert rules(desk.plan(uses(12))) == {"FOREIGN_WRITER"}


def test_a_record_of_a_distributor_is_never_adopted_by_its_key():
    desk = billed()
    desk.forget("c1/10")
    desk.edit("900", foreign_writer="Distributor")
    assert desk.plan(uses(10)).bill.errors == ("FOREIGN_WRITER:c1/10:900",)


def retype(desktop: int, to: str = "15", **more: Any) -> BillInput:
    return bill_input(configuration(asset_type=to), usage={"desktop": desktop}, **more)


def test_a_new_asset_type_of_one_group_keeps_the_record_and_is_held():
    desk = billed()
    made = desk.plan(retype(10), DECEMBER)
    change = only(made)
    assert (change.kind, change.remote, change.line) == (ChangeKind.UPDATE, "900", "c1/15")
    assert change.key == desk.records(NOVEMBER)["c1/10"].key
    assert (change.fields.asset_type, change.reason) == ("15", "asset type 10 → 15")
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


def _remember(desk: Desk, products: dict[str, tuple[str, ...]]) -> None:
    for line, names in products.items():
        desk.adopt(line, dataclasses.replace(desk.forget(line), products=names))


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
