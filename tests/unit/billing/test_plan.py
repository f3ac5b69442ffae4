"""Planning against a PSA: what is written, under which key, and when nothing is."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from syncd.core.billing.model import BillInput
from syncd.core.billing.plan_input import Style
from syncd.sdk.records import ChangeKind
from tests.builders_billing import bill_input, configuration
from tests.builders_plan import NOVEMBER, OCTOBER, Desk, only, recurring, rules, sent_fields

D = Decimal
DECEMBER = NOVEMBER.following()
STYLES = list(Style)


def uses(desktop: int, mode: str = "average", **more: object) -> BillInput:
    return bill_input(configuration(mode=mode, asset_type="10"), usage={"desktop": desktop}, **more)


@pytest.mark.parametrize("style", STYLES)
def test_the_first_bill_creates_a_record_under_a_lasting_key(style: Style):
    made = Desk(style).plan(uses(10))
    change = only(made)
    key = "syncd:c0ffee01:17:c1:uid-c1-10"
    assert change.key == (key if style is Style.ROLLING else f"{key}:2026-11")
    assert (change.kind, change.remote, change.before, change.observed) == (
        ChangeKind.CREATE,
        None,
        None,
        None,
    )
    assert (change.fields.quantity, change.fields.unit_price) == (10, D("5.0000"))
    assert (change.money_effect, change.reason) == (D("50.00"), "first bill, 10 units")
    assert (change.line, change.mode) == ("c1/10", "average")
    assert made.bill.first_bill
    assert (made.bill.total_before, made.bill.total_after) == (None, D("50.00"))


@pytest.mark.parametrize("style", STYLES)
def test_a_second_plan_writes_nothing(style: Style):
    desk = Desk(style)
    desk.bill(uses(10))
    again = desk.plan(uses(10))
    assert (again.bill.changes, again.bill.unchanged, again.objections) == ((), 1, ())
    assert (again.bill.total_before, again.bill.total_after) == (D("50.00"), D("50.00"))


def test_a_lasting_record_has_a_stable_name_no_end_and_the_month_in_its_notes():
    desk = Desk()
    first = only(desk.bill(uses(10), OCTOBER)).fields
    second = only(desk.plan(uses(12), NOVEMBER)).fields
    assert (first.name, first.start, first.end) == ("Plan c1", "2026-10-01", None)
    assert (second.name, second.start, second.end) == ("Plan c1", "2026-10-01", None)
    assert first.notes is not None
    assert second.notes is not None
    assert "2026-10" in first.notes
    assert "2026-11" in second.notes


def test_a_monthly_record_has_the_month_in_its_name_and_dates():
    fields = only(Desk(Style.PER_PERIOD).plan(uses(10))).fields
    assert (fields.name, fields.start, fields.end) == (
        "Plan c1 2026-11",
        "2026-11-01",
        "2026-11-30",
    )


def test_three_months_of_a_line_are_one_record_and_three_writes():
    desk = Desk()
    written = [
        only(desk.bill(uses(count), period)).kind
        for count, period in ((10, OCTOBER), (12, NOVEMBER), (12, DECEMBER))
    ]
    assert written == [ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.UPDATE]
    assert len(desk.subscriptions) == 1
    assert desk.records(DECEMBER)["c1/10"].sent_period == "2026-12"


def test_three_months_per_period_are_three_records():
    desk = Desk(Style.PER_PERIOD)
    for period in (OCTOBER, NOVEMBER, DECEMBER):
        desk.bill(uses(10), period)
    assert len(desk.subscriptions) == 3


def test_an_older_month_never_overwrites_a_newer_one():
    desk = Desk()
    desk.bill(uses(10), OCTOBER)
    desk.bill(uses(12), NOVEMBER)
    made = desk.plan(uses(11), OCTOBER)
    assert made.bill.errors == ("PERIOD_SUPERSEDED:2026-11",)
    assert made.bill.changes == ()


def test_an_older_month_has_its_own_record_per_period():
    desk = Desk(Style.PER_PERIOD)
    desk.bill(uses(12), NOVEMBER)
    assert only(desk.plan(uses(11), OCTOBER)).kind is ChangeKind.CREATE


def test_the_same_month_again_with_other_figures_updates_its_record():
    for style in STYLES:
        desk = Desk(style)
        desk.bill(uses(10))
        change = only(desk.plan(uses(12)))
        assert (change.kind, change.remote, change.reason) == (
            ChangeKind.UPDATE,
            "900",
            "10 -> 12 units",
        )
        assert change.observed is not None


def test_reasons_say_what_moved_in_words():
    desk = Desk()
    desk.bill(uses(10), OCTOBER)
    dearer = uses(10, rates={"desktop": {"cost": "2.25", "price": "5.50"}})
    assert only(desk.plan(dearer)).reason == "price 5.00 -> 5.50, cost 2.00 -> 2.25"
    assert only(desk.plan(uses(1))).reason == "10 -> 1 unit"
    assert only(desk.plan(uses(10))).reason == "same figures, period 2026-10 -> 2026-11"
    other = dataclasses.replace(
        uses(10), configurations=(configuration(name="Care", asset_type="10"),), supplier="Acme"
    )
    assert only(desk.plan(other, supplier="7", site="3")).reason == (
        "name Plan c1 -> Care, supplier none -> 7, site none -> 3"
    )


def test_a_new_line_of_an_account_that_was_billed_says_its_units():
    desk = Desk()
    desk.bill(uses(10))
    both = bill_input(
        configuration(asset_type="10"),
        configuration("c2", products=("server",)),
        usage={"desktop": 10, "server": 2},
    )
    change = only(desk.plan(both))
    assert (change.line, change.reason, change.before) == ("c2/10", "2 units", None)


def test_a_monthly_record_is_compared_with_the_last_sent_bill():
    desk = Desk(Style.PER_PERIOD)
    october = only(desk.bill(uses(10), OCTOBER))
    desk.last_bill = {"c1/10": october.after}
    change = only(desk.plan(uses(12)))
    assert (change.kind, change.reason) == (ChangeKind.CREATE, "10 -> 12 units")
    assert change.money_effect == D("10.00")
    assert only(desk.plan(uses(10))).reason == "same figures, a record of 2026-11"


def test_a_monthly_line_that_vanishes_is_held_although_nothing_is_written():
    desk = Desk(Style.PER_PERIOD)
    october = only(desk.bill(uses(40), OCTOBER))
    desk.last_bill = {"c1/10": october.after}
    made = desk.plan(uses(0))
    assert (made.bill.changes, rules(made)) == ((), {"FELL_TO_ZERO"})
    assert made.objections[0].bill == made.bill.key
    assert (made.bill.total_before, made.bill.total_after) == (D("200.00"), D(0))
    desk.last_bill = {"c1/10": only(desk.plan(uses(0), OCTOBER)).after}
    assert desk.plan(uses(0)).objections == ()


def test_errors_of_the_bill_leave_no_change():
    desk = Desk()
    desk.bill(uses(10))
    made = desk.plan(uses(10, site=None))
    assert (made.bill.errors, made.bill.changes) == (("SITE_NOT_MAPPED",), ())
    assert (made.bill.total_before, made.bill.total_after) == (D("50.00"), None)


def test_money_the_psa_owns_is_absent_and_estimated_from_the_recurring_line():
    desk = Desk()
    desk.bill(uses(10, "quantity"), OCTOBER)
    assert desk.plan(uses(12, "quantity")).bill.total_after is None
    desk.recurring = [recurring("900", unit_price=D("4.00"), price_from_subscription=False)]
    change = only(desk.plan(uses(12, "quantity")))
    assert (change.fields.unit_price, change.fields.unit_cost) == (None, None)
    assert change.before is not None
    assert (change.before.total_price, change.after.total_price) == (D("40.00"), D("48.00"))
    assert change.money_effect == D("8.00")


def test_money_that_is_no_longer_known_was_not_nothing_before():
    desk = Desk()
    desk.bill(uses(10), OCTOBER)
    bill = desk.plan(uses(10, "quantity")).bill
    assert (bill.total_before, bill.total_after) == (None, None)


def test_a_new_line_of_a_billed_account_grew_from_nothing():
    made = Desk(billed_before=True).plan(uses(10))
    assert (made.bill.total_before, made.bill.total_after) == (D("0"), D("50.00"))


def test_the_estimate_takes_the_price_that_the_recurring_line_takes():
    desk = Desk()
    desk.bill(uses(10, "quantity"), OCTOBER)
    desk.edit("900", unit_price=D("3.00"))
    desk.recurring = [recurring("900", unit_price=D("9.99"))]
    assert only(desk.plan(uses(12, "quantity"))).after.total_price == D("36.00")


def test_nothing_is_worth_nothing_at_any_price():
    desk = Desk()
    desk.bill(uses(10, "quantity"), OCTOBER)
    change = only(desk.plan(uses(0, "quantity")))
    assert (change.after.total_price, change.money_effect) == (0, None)


def test_unknown_money_has_no_effect_and_counts_in_no_total():
    desk = Desk()
    mixed = bill_input(
        configuration(mode="quantity", asset_type="10"),
        configuration("c2", products=("server",)),
        usage={"desktop": 10, "server": 2},
    )
    made = desk.bill(mixed, OCTOBER)
    assert [change.money_effect for change in made.bill.changes] == [None, D("30.00")]
    assert made.bill.total_after == D("30.00")


def test_a_total_carries_the_units_behind_it():
    desk = Desk()
    desk.bill(uses(8, "total"), OCTOBER)
    change = only(desk.plan(uses(4, "total")))
    assert change.before is not None
    assert (change.before.units, change.after.units, change.after.quantity) == (8, 4, 1)
    assert change.reason == "8 -> 4 units, price 40.00 -> 20.00, cost 16.00 -> 8.00"


def test_a_renamed_account_keeps_its_keys():
    desk = Desk()
    desk.bill(uses(10))
    made = desk.plan(uses(10), client_name="Acme Renamed")
    assert (made.bill.changes, made.bill.client_name) == ((), "Acme Renamed")


def test_two_regions_of_one_vendor_with_the_same_account_number_never_share_a_key():
    desk = Desk()
    one = only(desk.plan(uses(10), connection_uid="aaaa", account="5"))
    two = only(desk.plan(uses(10), connection_uid="bbbb", account="5"))
    assert one.key != two.key


def test_a_client_that_dropped_to_zero_is_written_as_zero_once():
    desk = Desk()
    desk.bill(uses(3), OCTOBER)
    change = only(desk.plan(uses(0)))
    assert (change.fields.quantity, change.reason) == (
        0,
        "3 -> 0 units, price 5.00 -> 0.00, cost 2.00 -> 0.00",
    )
    desk.bill(uses(0))
    assert desk.plan(uses(0)).bill.changes == ()


@pytest.mark.parametrize("mode", ["average", "total", "quantity"])
def test_a_line_that_is_no_longer_configured_goes_to_zero_and_then_rests(mode: str):
    desk = Desk()
    both = bill_input(
        configuration(mode=mode, asset_type="10"),
        configuration("c2", products=("server",)),
        usage={"desktop": 10, "server": 2},
    )
    one = bill_input(configuration("c2", products=("server",)), usage={"server": 2})
    desk.bill(both, OCTOBER)
    made = desk.plan(one)
    stale = made.bill.changes[-1]
    assert "REMOVED_BY_CONFIGURATION" in stale.warnings
    assert stale.line_name == "Plan c1"
    assert stale.fields.quantity == (1 if mode == "total" else 0)
    assert (stale.fields.unit_price is None) is (mode == "quantity")
    assert "STALE_LINE_ZEROED:c1/10" in made.bill.warnings
    desk.apply(made)
    later = desk.plan(one, DECEMBER)
    assert [change.line for change in later.bill.changes] == ["c2/10"]
    assert not [code for code in later.bill.warnings if code.startswith("STALE_LINE_ZEROED")]


def test_a_price_that_was_never_ours_is_not_set_to_zero_with_a_removed_line():
    desk = Desk()
    given = configuration(asset_type="10", price_owner="psa")
    desk.bill(bill_input(given, usage={"desktop": 10}), OCTOBER)
    change = only(desk.plan(bill_input()))
    assert (change.fields.quantity, change.fields.unit_price) == (0, None)
    assert change.fields.unit_cost == 0
    cost = configuration(asset_type="10", cost_owner="psa")
    other = Desk()
    other.bill(bill_input(cost, usage={"desktop": 10}), OCTOBER)
    change = only(other.plan(bill_input()))
    assert (change.fields.unit_price, change.fields.unit_cost) == (0, None)


def test_a_rounding_line_that_is_not_needed_is_zeroed_once_and_keeps_its_name():
    desk = Desk()
    rates = {"desktop": {"cost": "1", "price": "5"}, "server": {"cost": "1", "price": "6"}}
    settings = {"unit_scale": 2, "rounding_policy": "adjust"}
    given = configuration(products=("desktop", "server"), asset_type="10")
    odd = bill_input(given, usage={"desktop": 2, "server": 1}, rates=rates, settings=settings)
    even = bill_input(given, usage={"desktop": 3}, rates=rates, settings=settings)
    made = desk.bill(odd, OCTOBER)
    assert [change.line for change in made.bill.changes] == ["c1/10", "c1/10/rounding"]
    assert len({change.key for change in made.bill.changes}) == 2
    made = desk.bill(even)
    assert [(c.line_name, c.fields.quantity) for c in made.bill.changes] == [
        ("Plan c1", 3),
        ("Plan c1 (rounding)", 0),
    ]
    assert "REMOVED_BY_CONFIGURATION" not in made.bill.changes[1].warnings
    assert [change.line for change in desk.plan(even, DECEMBER).bill.changes] == ["c1/10"]
    assert [change.line for change in desk.plan(odd, DECEMBER).bill.changes] == [
        "c1/10",
        "c1/10/rounding",
    ]


def test_a_line_without_a_uid_is_a_fault_of_the_caller():
    with pytest.raises(KeyError):
        Desk().plan(uses(10), uids={})


def test_sent_fields_read_back_from_text_plan_no_write():
    desk = Desk()
    desk.bill(uses(10))
    state = desk.forget("c1/10")
    assert state.sent is not None
    padded = dataclasses.replace(
        state, sent=sent_fields(**{**_as_dict(state.sent), "unit_price": D("5.00000000")})
    )
    desk.adopt("c1/10", padded)
    assert desk.plan(uses(10)).bill.changes == ()


def _as_dict(fields: object) -> dict[str, object]:
    return {name: getattr(fields, name) for name in fields.__struct_fields__}  # type: ignore[attr-defined]
