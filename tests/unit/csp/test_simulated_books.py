"""The simulated seller agrees with the simulated directory, and its books live by the day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from syncd_csp.sandbox.books import Books, Invoice
from syncd_csp.sandbox.charges import charges
from syncd_csp.sandbox.names import PARTNER_TENANT, commerce_id, tenant_id
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.spans import days, later, month_of, span
from syncd_entra.sandbox import directory

from syncd.sandbox.presets import PRESETS
from syncd.sandbox.world import SimulatedWorld
from tests.builders_entra import cloud
from tests.builders_ninjaone import world_device
from tests.builders_partner import FIVE, FOUR, ONE, SEVEN, TWO, market

DAYS = (0, 1, 6, 13, 19, 20, 33, 61)


def books(world: Any, **options: Any) -> Books:
    made = Books(world, Options(**options))
    made.refresh()
    return made


def rows_on(world: SimulatedWorld, day: datetime, customer: str) -> dict[str, dict[str, Any]]:
    world.clock.set(day)
    made = books(world)
    return {row["id"]: row for row in made.subscriptions(customer)}


def on(month: int, day: int, year: int = 2026) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.mark.parametrize("make", [*PRESETS.values(), cloud], ids=[*PRESETS, "plain"])
def test_both_simulators_tell_the_same_customers_ids_and_seats(make: Callable[[], Any]) -> None:
    world = make()
    moved = DAYS if isinstance(world, SimulatedWorld) else (0,)
    start = world.now()
    for later_by in moved:
        if isinstance(world, SimulatedWorld):
            world.clock.set(start + timedelta(days=later_by))
        tenants, seller = directory.tenants(world), books(world)
        assert {tenant_id(one.id) for one in seller.customers()} == set(tenants)
        for tenant in tenants.values():
            bought = {
                row["commerceSubscriptionId"]: row["totalLicenses"]
                for row in tenant.subscriptions
                if row["commerceSubscriptionId"]
            }
            named = {commerce_id(tenant.id, sku) for sku in directory.PARTS}
            sold = {
                row["id"]: row["quantity"]
                for row in seller.subscriptions(tenant.id)
                if row["id"] in named and row["status"] == "active"
            }
            assert sold == bought
            assert bought


def test_both_simulators_name_the_same_seller() -> None:
    assert PARTNER_TENANT == directory.PARTNER_TENANT


def test_a_term_that_is_let_go_goes_on_the_next_day_under_another_id_and_sku() -> None:
    world = market(7)
    last, first = rows_on(world, on(12, 9), FIVE), rows_on(world, on(12, 10), FIVE)
    visio = [row for row in last.values() if row["offerName"] == "Visio Plan 2"]
    assert [(row["status"], row["scheduledActions"][0]["actionType"]) for row in visio] == [
        ("active", "RenewToExtendedServiceTerm")
    ]
    assert visio[0]["autoRenewEnabled"] is False
    assert visio[0]["commitmentEndDate"].startswith("2026-12-09")
    assert first[visio[0]["id"]]["status"] == "expired"
    (new,) = [row for key, row in first.items() if key not in last]
    assert new["status"] == "active"
    assert new["quantity"] == visio[0]["quantity"]
    assert new["offerId"] != visio[0]["offerId"]
    assert (new["termDuration"], new["billingCycle"]) == ("P1M", "monthly")


def test_a_renewal_takes_the_quantity_that_was_scheduled() -> None:
    world = market(7)

    def copilot(when: datetime) -> dict[str, Any]:
        found = rows_on(world, when, TWO).values()
        (one,) = [row for row in found if row["offerName"] == "Microsoft 365 Copilot"]
        return one

    before, after = copilot(on(12, 13)), copilot(on(12, 14))
    assert (before["quantity"], before["scheduledNextTermInstructions"]["quantity"]) == (5, 3)
    assert after["quantity"] == 3
    assert "scheduledNextTermInstructions" not in after
    assert before["commitmentEndDate"].startswith("2026-12-13")
    assert after["commitmentEndDate"].startswith("2027-12-13")


def test_added_seats_may_be_given_back_for_seven_days() -> None:
    joined = on(11, 20)
    late = replace(world_device(2002, client=2, kind="laptop"), arrives=joined.date())
    world = market(2, extra=[late])
    premium = commerce_id(TWO, directory.BUSINESS_PREMIUM)

    def refundable(after: int) -> int:
        row = rows_on(world, joined + timedelta(days=after), TWO)[premium]
        number: int = row["refundableQuantity"]["totalQuantity"]
        return number

    assert [refundable(after) for after in (-1, 0, 6, 7)] == [0, 1, 1, 0]
    renewed = rows_on(world, on(1, 7, 2027), TWO)[premium]
    assert renewed["refundableQuantity"]["totalQuantity"] == renewed["quantity"]
    settled = rows_on(world, on(1, 13, 2027), TWO)[premium]
    assert settled["refundableQuantity"]["totalQuantity"] == 0


def test_there_is_everything_that_a_list_of_subscriptions_can_hold() -> None:
    seller = books(PRESETS["demo"]())
    rows = [row for one in seller.customers() for row in seller.subscriptions(tenant_id(one.id))]
    assert {row["status"] for row in rows} == {"active", "expired", "pending", "suspended"}
    assert {row["billingCycle"] for row in rows} == {"monthly", "annual", "triennial"}
    assert {row.get("termDuration") for row in rows} == {None, "P1M", "P1Y", "P3Y"}
    assert {row["isTrial"] for row in rows} == {True, False}
    assert {row["billingType"] for row in rows} == {"license", "usage"}
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    parents = {row["parentSubscriptionId"] for row in rows if "parentSubscriptionId" in row}
    assert parents
    assert parents <= set(ids)


def test_a_subscription_whose_last_seat_went_is_deleted_and_no_longer_active() -> None:
    world = PRESETS["demo"]()
    bakery = tenant_id(13)
    gone = rows_on(world, on(12, 20), bakery)[commerce_id(bakery, directory.BUSINESS_PREMIUM)]
    assert (gone["status"], gone["quantity"]) == ("deleted", 3)


def test_an_invoice_comes_between_the_eighth_and_the_tenth_for_the_month_before() -> None:
    for month in range(1, 13):
        first, last = month_of(on(month, 15).date())
        invoice = Invoice.of(first)
        assert (invoice.first, invoice.last) == (first, last)
        assert 8 <= invoice.came.day <= 10
        assert invoice.came.replace(day=1) == later(first, 1)
    world = market()
    world.clock.set(datetime(2026, 12, 7, 23, tzinfo=UTC))
    assert books(world).invoices()[0].first == on(10, 1).date()
    world.clock.set(datetime(2026, 12, 10, 0, tzinfo=UTC))
    assert books(world).invoices()[0].first == on(11, 1).date()
    numbers = [one.number for one in books(world).invoices()]
    assert len(set(numbers)) == len(numbers) > 12


def test_a_change_of_seats_gives_the_old_back_and_charges_the_new_for_the_days_left() -> None:
    world = PRESETS["demo"]()
    world.clock.set(on(12, 31))
    quayside = tenant_id(10)
    lines = [
        one
        for one in books(world).lines(on(12, 1).date(), on(12, 31).date())
        if one.contract.customer == quayside and one.kind == "removeQuantity"
    ]
    assert lines
    for back, new in zip(lines[::2], lines[1::2], strict=True):
        assert back.quantity < 0 < new.quantity
        assert -back.quantity - new.quantity == 1
        assert back.unit == new.unit < back.listed
        days_left = (back.last - back.first).days + 1
        share = Decimal(days_left) / ((back.last - later(back.last, -1)).days)
        assert abs(back.unit - back.listed * share) < Decimal("0.01")


def test_what_is_charged_in_a_month_is_seats_times_price_to_the_cent() -> None:
    seller = books(market(7))
    cycles = [
        one
        for one in seller.lines(on(11, 1).date(), on(11, 30).date())
        if one.kind in {"cycleCharge", "renew"} and not one.contract.extended
    ]
    assert cycles
    for one in cycles:
        price = one.contract.sku.charge(one.contract.term, one.contract.cycle)
        assert one.unit == price
        assert one.subtotal == price * one.contract.seats(one.first)
        assert one.subtotal == round(one.subtotal, 2)


def test_a_month_is_charged_the_same_however_it_is_cut() -> None:
    seller = books(market(7))
    whole = list(charges(seller.bought, on(10, 1).date(), on(10, 31).date()))
    licences = [one for one in whole if one.contract.kind != "usage"]
    by_day = [
        one
        for day in days(on(10, 1).date(), on(10, 31).date())
        for one in charges(seller.bought, day, day)
        if one.contract.kind != "usage"
    ]
    assert sum(one.subtotal for one in licences) == sum(one.subtotal for one in by_day)
    assert len(licences) == len(by_day)


def test_an_annual_subscription_is_charged_once_in_its_year() -> None:
    seller = books(market(7))
    (annual,) = [
        one
        for one in seller.bought
        if one.customer == TWO and one.cycle == "annual" and one.client.id == 2
    ]
    charged = [
        one.first
        for one in charges([annual], on(1, 1).date(), on(11, 30).date())
        if one.kind == "renew"
    ]
    assert charged == []
    (once,) = charges([annual], on(12, 1).date(), on(12, 31).date())
    assert (once.kind, once.first) == ("renew", on(12, 14).date())


def test_trials_and_what_is_not_yet_bought_cost_nothing() -> None:
    seller = books(PRESETS["demo"]())
    lines = list(seller.lines(on(11, 1).date(), on(11, 30).date()))
    assert not any(one.contract.held == "pending" for one in lines)
    trials = [one for one in lines if one.contract.kind == "trial"]
    assert trials
    assert all(one.subtotal == 0 for one in trials)


def test_spans_follow_each_other_without_a_gap() -> None:
    start = on(1, 28).date()
    for months in (1, 12, 36):
        first, last = span(start, months, start)
        for _ in range(40):
            following = span(start, months, last + timedelta(days=1))
            assert following[0] == last + timedelta(days=1)
            assert span(start, months, following[1]) == following
            first, last = following
        assert first > start


def test_hand_made_rows_take_the_place_of_a_customers_own() -> None:
    seller = books(market(7))
    seller.replaced[ONE] = [{"id": "x"}]
    some = seller.subscriptions(FOUR)[0]["id"]
    seller.edits[some] = {"quantity": 99, "termDuration": None}
    assert seller.subscriptions(ONE) == [{"id": "x"}]
    row = next(row for row in seller.subscriptions(FOUR) if row["id"] == some)
    assert row["quantity"] == 99
    assert "termDuration" not in row
    assert seller.subscriptions(SEVEN)
