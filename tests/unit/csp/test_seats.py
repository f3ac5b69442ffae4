"""What counts, what is kept with a reason, and what is told of the term."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from syncd_csp.products import Catalogue
from syncd_csp.seats import Seats

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Observation
from syncd.sdk.terms import Term, term_of
from tests.builders_csp import NOW, ONE, config, subscription


def seats(catalogue: Catalogue | None = None, **settings: Any) -> Seats:
    return Seats(ONE, config(**settings), catalogue or Catalogue(), connection="pc", now=NOW)


def unit(settings: dict[str, Any] | None = None, **told: Any) -> Observation:
    return seats(**settings or {}).units([subscription(**told)])[0]


def term(settings: dict[str, Any] | None = None, **told: Any) -> Term:
    found = term_of(unit(settings, **told).attributes)
    assert found is not None
    return found


def test_a_subscription_is_a_unit_under_its_own_id_with_its_seats() -> None:
    one = unit()
    assert (one.account, one.unit, one.quantity, one.excluded) == (
        ONE, "aaaaaaaa-0000-4000-8000-000000000001", 25, None,
    )  # fmt: skip
    assert one.product == "seat:CFQ7TTC0LCHC:0002:P1Y:monthly"
    assert one.name == "M365 BP"
    assert json.loads(one.attributes)["sku"] == "CFQ7TTC0LCHC:0002"


def test_numbers_as_text_count_like_numbers() -> None:
    assert unit(quantity="25").quantity == unit(quantity=25.0).quantity == 25


def test_an_add_on_is_a_unit_of_its_own_that_names_its_parent() -> None:
    one = unit(parentSubscriptionId="BBBB", offerId="CFQ7TTC0LHSX:0003:X", quantity=3)
    assert (one.quantity, one.excluded) == (3, None)
    assert json.loads(one.attributes)["parent"] == "bbbb"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"status": "suspended"}, "suspended"),
        ({"status": "Deleted"}, "status_deleted"),
        ({"status": "expired"}, "status_expired"),
        ({"status": "pending"}, "status_pending"),
        ({"status": "disabled"}, "status_disabled"),
        ({"status": "none"}, "status_none"),
        ({"status": None}, "status_none"),
        ({"status": "onVacation"}, "status_on_vacation"),
        ({"isTrial": True}, "trial"),
        ({"billingType": "usage"}, "usage"),
        ({"unitType": "Usage-based"}, "usage"),
        ({"offerId": "DZH318Z0BPS6:0001:X", "billingType": None}, "usage"),
        ({"billingType": "barter"}, "billing_barter"),
        ({"billingCycle": "annual"}, "not_monthly"),
        ({"billingCycle": "Triennial"}, "not_monthly"),
        ({"billingCycle": "oneTime"}, "not_monthly"),
        ({"billingCycle": "fortnightly"}, "cycle_fortnightly"),
        ({"billingCycle": "none"}, "cycle_none"),
        ({"billingCycle": None}, "cycle_none"),
        ({"billingCycle": "MONTHLY", "status": "ACTIVE", "billingType": "License"}, None),
        ({"billingType": None, "unitType": None, "isTrial": None}, None),
    ],
)
def test_what_is_not_counted_is_kept_with_its_reason(
    told: dict[str, Any], reason: str | None
) -> None:
    assert unit(**told).excluded == reason
    assert unit(**told).quantity == 25


def test_values_that_are_new_are_told_and_never_counted() -> None:
    read = seats()
    units = read.units(
        [
            subscription(status="on_vacation"),
            subscription(id="b", billingCycle="fortnightly"),
            subscription(id="c", billingCycle="fortnightly"),
            subscription(id="d", billingType="barter"),
        ]
    )
    assert [one.excluded is None for one in units] == [False] * 4
    assert read.notes() == [
        "UNKNOWN_VALUE: status on_vacation, 1 subscription",
        "UNKNOWN_VALUE: billingCycle fortnightly, 2 subscriptions",
        "UNKNOWN_VALUE: billingType barter, 1 subscription",
    ]


def test_settings_count_what_is_left_out_by_default() -> None:
    assert unit({"suspended": "count"}, status="suspended").excluded is None
    assert unit({"count_trials": True}, isTrial=True).excluded is None
    assert unit({"count_trials": True}, isTrial=True, billingCycle="none").excluded is None
    assert unit({"not_monthly": "count"}, billingCycle="annual").excluded is None
    new = {"not_monthly": "count", "count_trials": True}
    assert unit(new, isTrial=True, billingCycle="weekly").excluded == "cycle_weekly"


def test_metered_plans_are_no_seats() -> None:
    one = unit(offerId="DZH318Z0BPS6:0001:X", billingType="usage", quantity=None)
    assert (one.product, one.quantity, one.excluded) == ("usage:DZH318Z0BPS6:0001", 0, "usage")


def test_an_offer_of_the_former_commerce_has_a_product_of_its_own() -> None:
    one = unit(offerId="031C9E47-4802-4248-838E-778FB1D2CC05", termDuration=None)
    assert one.product == "seat:031c9e47-4802-4248-838e-778fb1d2cc05:legacy:none:monthly"


@pytest.mark.parametrize(
    "rule",
    [
        {"customer": ONE.upper()},
        {"customer": f"org:{ONE}", "product": "CFQ7TTC0LCHC"},
        {"product": "cfq7ttc0lchc:0002"},
        {"subscription": "AAAAAAAA-0000-4000-8000-000000000001"},
    ],
)
def test_do_not_import_names_a_customer_a_product_or_a_subscription(rule: dict[str, str]) -> None:
    settings = {"do_not_import": [{"reason": "our own", **rule}]}
    one = unit(settings, billingCycle="annual")
    assert one.excluded == "do_not_import"
    assert json.loads(one.attributes)["why"] == "our own"


def test_do_not_import_of_another_customer_leaves_this_one_alone() -> None:
    rule = {"reason": "theirs", "customer": "other", "product": "CFQ7TTC0LCHC"}
    assert unit({"do_not_import": [rule]}).excluded is None


@pytest.mark.parametrize("quantity", [None, -1, 1.5, "NaN"])
def test_a_subscription_that_counts_needs_a_whole_number_of_seats(quantity: Any) -> None:
    with pytest.raises(ProtocolError, match="COUNT_UNREADABLE"):
        unit(quantity=quantity)


def test_a_subscription_that_counts_needs_an_offer() -> None:
    with pytest.raises(ProtocolError, match="COUNT_UNREADABLE"):
        unit(offerId=None)
    assert unit(offerId=None, status="deleted").excluded == "status_deleted"


def test_the_term_is_told_beside_the_seats() -> None:
    assert term() == Term(
        ends=date(2027, 1, 9), then="renews", length="P1Y", billed="monthly",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("told", "then"),
    [
        ({"autoRenewEnabled": True}, "renews"),
        ({"autoRenewEnabled": None}, "unknown"),
        ({"autoRenewEnabled": False}, "extended"),
        ({"autoRenewEnabled": False, "effectiveStartDate": "2025-03-31T00:00:00Z"}, "ends"),
        (
            {"autoRenewEnabled": False, "commitmentEndDate": "2026-05-04T00:00:00Z",
             "effectiveStartDate": "2025-04-01T00:00:00Z"},
            "extended",
        ),
        ({"autoRenewEnabled": False, "commitmentEndDate": "2026-05-03T00:00:00Z"}, "ends"),
        ({"autoRenewEnabled": False, "commitmentEndDate": None}, "unknown"),
        ({"autoRenewEnabled": False, "status": "Expired"}, "ends"),
        ({"autoRenewEnabled": True, "status": "deleted"}, "ends"),
    ],
)  # fmt: skip
def test_what_happens_at_the_end_of_a_term(told: dict[str, Any], then: str) -> None:
    assert term(**told).then == then


@pytest.mark.parametrize(
    ("action", "then"),
    [
        ("RenewToNewTerm", "renews"),
        ("renewToExtendedServiceTerm", "extended"),
        ("Cancel", "ends"),
        ("Transition", "unknown"),
        ("Teleport", "unknown"),
    ],
)
def test_a_choice_for_the_end_of_the_term_is_obeyed(action: str, then: str) -> None:
    actions = [
        {"scheduleType": "CustomDate", "actionType": "Cancel"},
        {"scheduleType": "TermEnd", "actionType": action},
    ]
    assert term(autoRenewEnabled=False, scheduledActions=actions).then == then


@pytest.mark.parametrize("then", ["extended", "ends", "unknown"])
def test_what_becomes_of_it_without_a_renewal_can_be_set(then: str) -> None:
    assert term({"without_renewal": then}, autoRenewEnabled=False).then == then


def test_seats_may_fall_until_their_window_closes() -> None:
    window = {
        "totalQuantity": 5,
        "details": [
            {"quantity": 3, "allowedUntilDateTime": "2026-11-19T10:00:00Z"},
            {"quantity": "2", "allowedUntilDateTime": "2026-11-25T10:00:00Z"},
        ],
    }
    one = unit(refundableQuantity=window)
    found = term_of(one.attributes)
    assert found is not None
    assert found.falls_until == date(2026, 11, 24)
    assert json.loads(one.attributes)["may_fall"] == 2
    late = unit(cancellationAllowedUntilDate="2026-11-21T00:00:00Z")
    assert json.loads(late.attributes)["may_fall"] == 25
    over = unit(cancellationAllowedUntilDate="2026-01-17T09:00:01Z")
    assert term_of(over.attributes) == term()
    assert "may_fall" not in json.loads(over.attributes)


def test_seats_of_the_next_term_are_told_where_they_change() -> None:
    change = {"product": {"productId": "P", "skuId": "1", "termDuration": "P1M"}, "quantity": 20}
    assert term(scheduledNextTermInstructions=change).next_quantity == 20
    one = unit(scheduledNextTermInstructions=change)
    assert json.loads(one.attributes)["next"] == "P:1:P1M"
    assert term(scheduledNextTermInstructions={"quantity": 25}).next_quantity is None


def test_an_extended_term_is_known_by_the_names_of_the_settings() -> None:
    name = "Microsoft 365 Business Premium (Extended Service Term)"
    assert term(offerName=name).extended
    assert term(offerName=name).then == "extended"
    assert not term().extended
    assert term({"extended_terms": ["CFQ7TTC0LCHC:0*"]}).extended


def test_an_end_that_is_farther_than_any_is_none() -> None:
    assert term(commitmentEndDate="9999-12-30T00:00:00Z").ends is None


def test_a_date_that_cannot_be_read_is_told_once_and_changes_no_count() -> None:
    read = seats()
    (one,) = read.units([subscription(commitmentEndDate="soon", creationDate="later")])
    assert (one.quantity, one.excluded) == (25, None)
    assert read.notes() == ["UNREADABLE_VALUE: a date of a subscription, 1 subscription"]


def test_products_are_declared_with_their_term() -> None:
    catalogue = Catalogue()
    seats(catalogue).units([subscription(), subscription(id="b", billingCycle="annual")])
    assert {one.key: one.name for one in catalogue.all()} == {
        "seat:CFQ7TTC0LCHC:0002:P1Y:monthly":
            "Microsoft 365 Business Premium (yearly term, monthly)",
        "seat:CFQ7TTC0LCHC:0002:P1Y:annual":
            "Microsoft 365 Business Premium (yearly term, annual)",
    }  # fmt: skip
    assert catalogue.bought["b"] == "seat:CFQ7TTC0LCHC:0002:P1Y:annual"
