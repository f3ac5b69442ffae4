"""What the PSA shows that speaks against a write: lost, changed, shared or doubled records."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from syncd.core.billing.model import BillInput, Mode
from syncd.core.billing.plan_input import BillPlan, RecordState, Style
from syncd.sdk.records import ChangeKind, Receipt
from tests.builders_billing import bill_input, configuration
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


def test_a_record_that_was_moved_to_the_linked_client_is_gone_on_with():
    desk = billed()
    desk.edit("900", client="483")
    made = desk.plan(uses(12), client="483")
    assert made.bill.errors == ()
    assert [change.remote for change in made.bill.changes] == ["900"]


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
    assert (rules(made), only(made).reason) == (set(), "10 -> 12 units")


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


@pytest.mark.parametrize(
    ("zone", "held"), [("Europe/Athens", {"LOCKED_BY_INVOICE"}), ("Europe/London", set())]
)
def test_the_invoice_of_a_month_is_known_by_the_day_in_the_zone_of_billing(zone: str, held: Any):
    desk = billed()
    made = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)
    desk.recurring = [recurring("900", last_made=made)]
    assert rules(desk.plan(uses(12), zone=ZoneInfo(zone))) == held
    assert rules(desk.plan(uses(12), DECEMBER, zone=ZoneInfo(zone))) == set()
