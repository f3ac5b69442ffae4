"""What bought, used and billed say of each other; unknown stays unknown, currencies stay apart."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from syncd.core.service.reconciliation import (
    Reconciled,
    Reconciliation,
    Status,
    in_order,
    status_of,
    totals,
)
from syncd.core.service.reconciliation_joins import (
    Billing,
    Bought,
    ClientFacts,
    Other,
    reconcile_client,
)


def gbp(amount: str) -> dict[str, Decimal]:
    return {"GBP": Decimal(amount)}


def word(**facts: Any) -> Status:
    usual: dict[str, Any] = {
        "linked": True,
        "bought": 10,
        "counted": True,
        "kept_out": {},
        "cost": gbp("100"),
        "used": 10,
        "billed": 10,
        "price": gbp("120"),
    }
    return status_of(**{**usual, **facts})


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, Status.AGREES),
        ({"used": None}, Status.AGREES),
        ({"used": 11}, Status.AGREES),
        ({"used": 7}, Status.UNUSED),
        ({"billed": 8}, Status.BOUGHT_MORE),
        ({"billed": 8, "used": 5}, Status.BOUGHT_MORE),
        ({"billed": 12}, Status.BILLED_MORE),
        ({"billed": 0, "price": {}}, Status.NOT_BILLED),
        ({"billed": 0, "price": None}, Status.NOT_BILLED),
        ({"billed": 0, "price": {}, "bought": 0}, Status.NOT_BILLED),
        ({"billed": 0, "price": {}, "bought": 0, "cost": gbp("-3")}, Status.AGREES),
        ({"billed": 0, "price": {}, "bought": 0, "cost": None}, Status.AGREES),
        ({"bought": 0, "cost": {}}, Status.NOT_BOUGHT),
        ({"bought": None, "counted": False, "billed": 0, "price": {}}, Status.NOT_BILLED),
        ({"bought": None, "counted": False}, Status.UNKNOWN),
        ({"bought": None}, Status.UNKNOWN),
        ({"bought": None, "billed": 0, "price": {}}, Status.UNKNOWN),
        ({"billed": None}, Status.UNKNOWN),
        ({"linked": False}, Status.NOT_LINKED),
        ({"bought": 0, "kept_out": {"trial": 5}, "billed": 0, "price": {}}, Status.KEPT_OUT),
        ({"bought": 0, "kept_out": {"trial": 5}, "billed": 5}, Status.BILLED_MORE),
    ],
)
def test_the_word_for_a_row(facts: dict[str, Any], status: Status) -> None:
    assert word(**facts) is status


def row(**facts: Any) -> Reconciled:
    usual: dict[str, Any] = {
        "client": "1",
        "client_name": "Acme",
        "sku": "A",
        "name": "A",
        "bought": 10,
        "kept_out": {},
        "cost": gbp("100"),
        "used": 8,
        "billed": 9,
        "price": gbp("90"),
        "status": Status.BOUGHT_MORE,
    }
    return Reconciled(**{**usual, **facts})


def test_differences_are_billed_minus_bought_and_bought_minus_used() -> None:
    assert (row().units, row().unused, row().money) == (-1, 2, Decimal(-10))


@pytest.mark.parametrize("missing", ["bought", "used", "billed"])
def test_a_difference_with_something_unknown_is_unknown(missing: str) -> None:
    found = row(**{missing: None})
    assert None in (found.units, found.unused)
    assert 0 not in (found.units, found.unused)


@pytest.mark.parametrize("missing", ["cost", "price"])
def test_money_with_something_unknown_is_unknown(missing: str) -> None:
    assert row(**{missing: None}).money is None


def test_amounts_of_two_currencies_have_no_difference_and_are_added_apart() -> None:
    mixed = row(cost={"USD": Decimal(70)})
    both = row(cost={"GBP": Decimal(30), "USD": Decimal(70)}, price={})
    assert (mixed.money, both.money) == (None, None)
    found = {one.currency: one for one in totals([mixed, both, row()])}
    assert (found["GBP"].cost, found["GBP"].price) == (Decimal(130), Decimal(180))
    assert (found["GBP"].difference, found["GBP"].unknown) == (Decimal(-10), 2)
    assert (found["USD"].cost, found["USD"].price) == (Decimal(140), Decimal(0))
    assert (found["USD"].difference, found["USD"].unknown) == (Decimal(0), 2)


def test_a_currency_with_nothing_in_it_hides_no_difference() -> None:
    assert row(cost={"GBP": Decimal(100), "USD": Decimal(0)}).money == Decimal(-10)


def test_the_largest_loss_stands_first_and_the_unknown_last() -> None:
    rows = [
        row(sku="gain", price=gbp("500")),
        row(sku="unknown", price=None, cost=gbp("1")),
        row(sku="dear", price=None, cost=gbp("9")),
        row(sku="loss", price=gbp("1")),
    ]
    assert [one.sku for one in in_order(rows)] == ["loss", "gain", "dear", "unknown"]


def test_rows_that_agree_are_not_open() -> None:
    rows = [row(), row(status=Status.AGREES)]
    found = Reconciliation(period="2026-10", billed=True, rows=rows, totals=[])
    assert found.open == [rows[0]]


# -- joins


def bought(sku: str, seats: int | None = 10, **more: Any) -> Bought:
    usual: dict[str, Any] = {
        "name": sku.title(),
        "counted": True,
        "cost": defaultdict(Decimal, gbp("100")),
        "subscriptions": {f"sub-{sku}"},
        "products": {hash(sku) % 1000 + 1000},
    }
    return Bought(sku=sku, seats=seats, **{**usual, **more})


def other(number: int, figure: str = "assigned", **more: Any) -> Other:
    usual: dict[str, Any] = {
        "key": f"sku:X:{figure}",
        "name": f"X {figure}",
        "group": "directory sku:X",
        "used": 8,
        "tells_use": figure == "assigned",
        "licence": True,
    }
    return Other(id=number, **{**usual, **more})


def facts(*found: Bought, **more: Any) -> ClientFacts:
    return ClientFacts(
        client="1", name="Acme", linked=True, bought={one.sku: one for one in found}, **more
    )


def one_row(given: ClientFacts) -> Reconciled:
    (found,) = reconcile_client(given)
    return found


def bill(units: int, amount: str | None) -> Billing:
    return Billing(units=units, price=None if amount is None else gbp(amount))


def test_seats_are_billed_by_their_own_product() -> None:
    found = one_row(facts(bought("a", products={1}), billed={1: bill(10, "120")}))
    assert (found.bought, found.used, found.billed) == (10, None, 10)
    assert (found.money, found.status) == (Decimal(20), Status.AGREES)


def test_a_product_that_names_the_purchase_tells_what_is_used_and_billed() -> None:
    named = frozenset({"sub-a"})
    found = one_row(
        facts(
            bought("a", products={1}),
            others=[other(5, purchases=named), other(6, "bought", purchases=named, used=10)],
            billed={5: bill(8, "96")},
        )
    )
    assert (found.used, found.billed, found.status) == (8, 8, Status.BOUGHT_MORE)


def test_a_product_of_the_same_asset_type_stands_for_the_purchase() -> None:
    found = one_row(
        facts(
            bought("a", products={1}, asset_types={"10"}),
            others=[other(5, asset_types=frozenset({"10"}))],
            billed={5: bill(10, "96")},
        )
    )
    assert (found.used, found.billed, found.status) == (8, 10, Status.UNUSED)


def test_a_product_that_names_purchases_is_not_joined_by_its_asset_type() -> None:
    found = reconcile_client(
        facts(
            bought("a", products={1}, asset_types={"10"}),
            bought("b", products={2}, asset_types={"10"}),
            others=[
                other(5, purchases=frozenset({"sub-b"}), asset_types=frozenset({"10"})),
            ],
            billed={5: bill(8, "96")},
        )
    )
    assert {one.sku: one.billed for one in found} == {"a": 0, "b": 8}


def test_purchases_that_one_product_stands_for_become_one_row() -> None:
    found = one_row(
        facts(
            bought("a", 4, products={1}),
            bought("b", 6, products={2}),
            others=[other(5, purchases=frozenset({"sub-a", "sub-b"}), used=9)],
            billed={5: bill(10, "230")},
        )
    )
    assert (found.sku, found.bought, found.used, found.billed) == ("a + b", 10, 9, 10)
    assert found.cost == gbp("200")
    assert found.status is Status.UNUSED


def test_a_purchase_that_changed_what_it_is_of_is_one_row_with_its_bill() -> None:
    one = frozenset({"sub"})
    given = facts(
        bought("new", products={1}, subscriptions=set(one)),
        bought("old", 0, products=set(), counted=False, subscriptions=set(one)),
        others=[other(5, purchases=one, used=10)],
        billed={5: bill(10, "250")},
    )
    found = one_row(given)
    assert (found.sku, found.bought, found.billed) == ("new + old", 10, 10)
    assert (found.cost, found.status) == (gbp("200"), Status.AGREES)
    assert one_row(replace(given, others=[], billed={1: bill(10, "250")})).status is Status.AGREES


def test_a_purchase_that_an_unclear_account_may_bill_is_unknown_and_no_loss() -> None:
    unclear = facts(bought("a", products={1}), unclear=("what T of directory used is not known",))
    found = one_row(unclear)
    assert (found.billed, found.price, found.status) == (None, None, Status.UNKNOWN)
    assert found.why == ("what T of directory used is not known",)
    billed = one_row(replace(unclear, billed={1: bill(10, "120")}))
    assert (billed.billed, billed.status) == (10, Status.AGREES)


def test_two_products_of_one_asset_type_are_added() -> None:
    same = frozenset({"10"})
    found = one_row(
        facts(
            bought("a", products={1}, asset_types={"10"}),
            others=[
                other(5, asset_types=same, used=3),
                other(7, asset_types=same, used=4, group="directory sku:Y"),
            ],
        )
    )
    assert found.used == 7


def test_one_unknown_use_makes_the_whole_unknown() -> None:
    same = frozenset({"10"})
    found = one_row(
        facts(
            bought("a", products={1}, asset_types={"10"}),
            others=[
                other(5, asset_types=same, used=3),
                other(7, asset_types=same, used=None, group="directory sku:Y"),
            ],
        )
    )
    assert found.used is None


def test_what_is_billed_and_not_bought_has_a_row_and_what_is_only_used_has_none() -> None:
    given = facts(
        others=[other(5), other(8, group="directory sku:FREE", used=30)],
        billed={5: bill(8, "96")},
    )
    found = one_row(given)
    assert (found.sku, found.bought, found.billed) == ("directory sku:X", 0, 8)
    assert found.status is Status.NOT_BOUGHT


def test_without_an_account_that_tells_what_is_bought_it_is_unknown_and_not_nothing() -> None:
    found = one_row(facts(others=[other(5)], billed={5: bill(8, "96")}, seats_known=False))
    assert (found.bought, found.cost, found.status) == (None, None, Status.UNKNOWN)
    assert found.why == ("no proven account of the client tells what is bought",)


def test_a_bill_that_is_still_to_come_is_unknown_and_not_nothing() -> None:
    found = one_row(facts(bought("a", products={1}), open={1: "Acme has no bill of the month"}))
    assert (found.billed, found.price, found.money) == (None, None, None)
    assert (found.status, found.why) == (Status.UNKNOWN, ("Acme has no bill of the month",))


def test_a_price_of_the_psa_is_unknown_while_the_units_are_known() -> None:
    found = one_row(facts(bought("a", products={1}), billed={1: bill(9, None)}))
    assert (found.billed, found.price, found.money) == (9, None, None)
    assert found.status is Status.BOUGHT_MORE


def test_a_cost_that_was_not_read_is_unknown() -> None:
    found = one_row(facts(bought("a", products={1}, cost=None), billed={1: bill(9, "90")}))
    assert (found.cost, found.money, found.status) == (None, None, Status.BOUGHT_MORE)


def test_what_has_no_seats_is_judged_by_its_money() -> None:
    found = one_row(facts(bought("azure", 0, counted=False, products=set())))
    assert (found.bought, found.status) == (None, Status.NOT_BILLED)


def test_nothing_bought_nothing_charged_and_nothing_billed_has_no_row() -> None:
    empty: dict[str, Decimal] = defaultdict(Decimal)
    assert reconcile_client(facts(bought("a", 0, cost=empty))) == []


def test_customers_without_a_client_are_shown() -> None:
    given = ClientFacts(
        client="",
        name="Tenant nine",
        linked=False,
        bought={"a": bought("a")},
        unknown=("no client is linked",),
    )
    found = one_row(given)
    assert (found.client_name, found.status, found.billed) == (
        "Tenant nine",
        Status.NOT_LINKED,
        None,
    )
    assert found.cost == gbp("100")
