"""Records that exist before a line does: found by their key, adopted, or only invoiced."""

from __future__ import annotations

from decimal import Decimal

from syncd.core.billing.model import BillInput
from syncd.core.billing.plan_input import RecordState, Style
from syncd.sdk.records import ChangeKind, Receipt
from tests.builders_billing import bill_input, configuration, licence, rule
from tests.builders_plan import NOVEMBER, OCTOBER, Desk, only, record

D = Decimal
DECEMBER = NOVEMBER.following()
STYLES = list(Style)


def uses(desktop: int, mode: str = "average", **more: object) -> BillInput:
    return bill_input(configuration(mode=mode, asset_type="10"), usage={"desktop": desktop}, **more)


def test_a_lost_answer_to_a_create_is_found_by_its_key_and_not_made_again():
    desk = Desk()
    desk.bill(uses(10))
    desk.forget("c1/10")
    change = only(desk.plan(uses(10)))
    assert (change.kind, change.remote) == (ChangeKind.UPDATE, "900")
    assert "FOUND_BY_KEY" in change.warnings
    desk.bill(uses(10))
    assert len(desk.subscriptions) == 1
    assert desk.plan(uses(10)).bill.changes == ()


def test_a_look_up_also_finds_it_where_the_sweep_does_not():
    desk = Desk()
    made = only(desk.plan(uses(10)))
    seen = record("77", marker="h4sh", quantity=10)
    found = {made.key: [Receipt(key=made.key, remote="77", record=seen)]}
    change = only(desk.plan(uses(10), found=found))
    assert (change.kind, change.remote) == (ChangeKind.UPDATE, "77")


def test_a_hashed_marker_is_compared_in_its_own_form():
    desk = Desk()
    desk.subscriptions["77"] = record("77", marker="short")
    change = only(desk.plan(uses(10), marker=lambda key: "short"))
    assert change.remote == "77"


def test_an_adopted_record_keeps_its_id_and_is_the_state_before():
    desk = Desk(billed_before=True)
    desk.subscriptions["55"] = record(
        "55", name="Old name", quantity=8, unit_price=D("4.00"), unit_cost=D("1.50")
    )
    desk.adopt("c1/10", RecordState(uid="u9", key="syncd:c0ffee01:17:c1:u9", remote="55"))
    change = only(desk.plan(uses(10, "quantity")))
    assert (change.kind, change.remote, change.key) == (
        ChangeKind.UPDATE,
        "55",
        "syncd:c0ffee01:17:c1:u9",
    )
    assert change.before is not None
    assert (change.before.quantity, change.before.total_price) == (8, D("32.00"))
    assert (change.fields.unit_price, change.fields.start) == (None, None)
    desk.bill(uses(10, "quantity"))
    assert desk.subscriptions["55"].unit_price == D("4.00")
    assert len(desk.subscriptions) == 1


def test_an_adopted_record_that_already_fits_is_still_written_once():
    desk = Desk(billed_before=True)
    desk.subscriptions["55"] = record(
        "55", name="Plan c1", quantity=10, unit_price=D(5), unit_cost=D(2), asset_type="10"
    )
    desk.adopt("c1/10", RecordState(uid="u9", key="k", remote="55"))
    made = desk.plan(uses(10))
    assert only(made).reason == "first write to an adopted record"
    assert made.objections == ()


def test_an_adopted_record_that_nobody_configures_keeps_its_price_when_it_goes_to_zero():
    desk = Desk(billed_before=True)
    desk.subscriptions["55"] = record("55", name="Old name", quantity=8, unit_price=D("4.00"))
    desk.adopt("old/77", RecordState(uid="u9", key="k", remote="55"))
    change = only(desk.plan(bill_input()))
    assert (change.fields.quantity, change.fields.unit_price) == (0, None)
    assert "REMOVED_BY_CONFIGURATION" in change.warnings


def test_what_was_last_invoiced_stands_in_where_nothing_was_sent():
    before = only(Desk().plan(uses(9))).after
    change = only(Desk().plan(uses(10), last_invoiced={"c1/10": before}))
    assert (change.before, change.reason) == (before, "first bill, 9 -> 10 units")


def test_a_minimum_after_removal_is_zeroed_for_the_guards_to_hold():
    desk = Desk()
    minimum = {"desktop": rule(minimum=10)}
    desk.bill(
        bill_input(configuration(asset_type="10"), usage={"desktop": 0}, rules=minimum), OCTOBER
    )
    gone = bill_input(
        configuration(asset_type="10"), usage={"desktop": licence(0, removed=True)}, rules=minimum
    )
    made = desk.plan(gone)
    assert (only(made).after.quantity, made.bill.warnings[0]) == (0, "COMPANY_REMOVED")
