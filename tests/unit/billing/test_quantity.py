"""From raw counts to billed quantities, and a client's quantity shared among its accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.arithmetic import total as exact_sum
from syncd.core.billing.model import LicenceUsage, QuantityRule, StorageUsage, Usage
from syncd.core.billing.quantity import average_count, count, pooled
from tests.builders_billing import bill, configuration, licence, rule, storage

STEPS: dict[str, tuple[dict[str, Any], int, int]] = {
    "no rule": ({}, 12, 12),
    "an override replaces the count": ({"override": 3}, 12, 3),
    "an override of 0 replaces the count": ({"override": 0}, 12, 0),
    "an override is what allowances are taken from": ({"override": 8, "included": 5}, 12, 3),
    "included units are free": ({"included": 5}, 12, 7),
    "included units never go below 0": ({"included": 5}, 3, 0),
    "a started block counts whole": ({"block": 5}, 11, 3),
    "full blocks are not rounded": ({"block": 5}, 10, 2),
    "blocks come after included units": ({"included": 1, "block": 5}, 11, 2),
    "a minimum counts blocks": ({"block": 5, "minimum": 4}, 11, 4),
    "a minimum below the count says nothing": ({"minimum": 10}, 12, 12),
    "a maximum above the count says nothing": ({"maximum": 20}, 12, 12),
    "a minimum also lifts 0": ({"minimum": 10}, 0, 10),
    "a maximum caps": ({"maximum": 9}, 12, 9),
    "a maximum wins over a minimum": ({"minimum": 10, "maximum": 4}, 0, 4),
    "a minimum also lifts an override": ({"override": 2, "minimum": 6}, 12, 6),
    "a block may be fractional": ({"block": "2.5"}, 11, 5),
}


@pytest.mark.parametrize("says", STEPS)
def test_steps_of_a_licence_come_in_their_order(says: str):
    parts, raw, expected = STEPS[says]
    counted = count(licence(raw), rule(**parts))
    assert (counted.raw, counted.billed, counted.quantity) == (raw, expected, expected)


STORAGES: dict[str, tuple[dict[str, Any], str, str, int]] = {
    "the exact GB carry the money": ({}, "250.25", "250.25", 251),
    "whole GB are not rounded": ({}, "250", "250", 250),
    "included GB are free": ({"included": "100.25"}, "250.25", "150", 150),
    "an override is in GB": ({"override": "7.5"}, "250.25", "7.5", 8),
    "blocks that are billed carry the money": ({"block": 50, "bill_blocks": True}, "120.1", "3", 3),
    "bounds need billed blocks": (
        {"block": 50, "minimum": 5, "bill_blocks": True},
        "120.1",
        "5",
        5,
    ),
    "one byte too many starts a block": ({"block": 1, "bill_blocks": True}, "1", "1", 1),
}


@pytest.mark.parametrize("says", STORAGES)
def test_steps_of_a_storage_come_in_their_order(says: str):
    parts, gb, billed, quantity = STORAGES[says]
    counted = count(storage(gb), rule(**parts))
    assert (counted.billed, counted.quantity) == (Decimal(billed), quantity)


def test_a_single_byte_over_a_whole_gb_is_one_more_unit():
    counted = count(StorageUsage(average_bytes=Decimal(100 * 2**30 + 1)))
    assert counted.quantity == 101
    assert counted.billed == Decimal("100.000000000931322574615478515625")


def test_four_and_four_units_with_five_included_are_three():
    shared = pooled(rule(included=5), [("a", licence(4)), ("b", licence(4))])
    assert [count(usage).quantity for usage in shared.values()] == [0, 3]


def test_a_pool_is_billed_through_the_accounts_bills():
    shared = pooled(rule(included=5), [("a", licence(4)), ("b", licence(4))])
    rules = {"desktop": rule(included=5)}
    billed = [
        sum(
            line.quantity for line in bill(configuration(), usage={"desktop": u}, rules=rules).lines
        )
        for u in shared.values()
    ]
    assert sum(billed) == 3


@pytest.mark.parametrize(
    ("removed", "until", "expected"),
    [(False, None, 10), (True, None, 0), (True, "2026-12-31", 10)],
    ids=["the account exists", "it was removed", "it was removed and is committed"],
)
def test_a_minimum_ends_with_the_account_unless_it_is_a_commitment(
    removed: bool, until: str | None, expected: int
):
    usage = licence(0, removed=removed)
    minimum = rule(minimum=10, until=until)
    assert count(usage, minimum).quantity == expected
    assert count(pooled(minimum, [("a", usage)])["a"], minimum).quantity == expected


def test_a_minimum_falls_on_an_account_that_exists():
    shared = pooled(rule(minimum=10), [("a", licence(0, removed=True)), ("b", licence(4))])
    assert {key: count(usage).quantity for key, usage in shared.items()} == {"a": 0, "b": 10}


def test_without_a_binding_rule_every_account_stands_alone():
    one, two = licence(4), licence(5)
    assert pooled(rule(), [("a", one), ("b", two), ("c", None)]) == {"a": one, "b": two}


@pytest.mark.parametrize("broken", [None, licence(-1), licence("1.5")])
def test_one_unproven_account_stops_the_others_of_a_binding_pool(broken: Usage | None):
    shared = pooled(rule(included=5), [("a", licence(4)), ("b", broken), ("c", licence(1))])
    assert shared["a"].pool_incomplete
    assert shared["c"].pool_incomplete
    assert all(usage.share is None for usage in shared.values())


def test_an_invalid_account_that_is_alone_is_named_invalid_and_not_incomplete():
    (usage,) = pooled(rule(included=5), [("a", licence(-1))]).values()
    assert not usage.pool_incomplete


def test_a_rule_that_cannot_be_computed_shares_nothing():
    given = [("a", licence(4)), ("b", licence(4))]
    assert pooled(rule(block=0), given) == dict(given)


def test_units_of_another_cycle_stay_outside_of_the_pool():
    yearly = licence(100, cycle="yearly")
    shared = pooled(rule(included=5), [("a", licence(4)), ("b", yearly), ("c", licence(4))])
    assert shared["b"] == yearly
    assert [count(shared[key]).quantity for key in ("a", "c")] == [0, 3]


def test_a_storage_pool_shares_money_and_quantity():
    shared = pooled(rule(included="1"), [("a", storage("0.5")), ("b", storage("1.25"))])
    counted = [count(usage) for usage in shared.values()]
    assert [(item.billed, item.quantity) for item in counted] == [
        (Decimal(0), 0),
        (Decimal("0.75"), 1),
    ]


AVERAGES = {"7 of 30 days": (7, 30, 0), "23 of 30 days": (23, 30, 1), "half a unit": (15, 30, 1)}


@pytest.mark.parametrize("says", AVERAGES)
def test_a_daily_average_is_rounded_half_up_to_whole_units(says: str):
    unit_days, days, expected = AVERAGES[says]
    assert average_count(unit_days, days) == expected


def test_a_month_without_a_snapshot_averages_0():
    assert average_count(0, 0) == 0


wholes = st.integers(0, 10_000).map(Decimal)
rules = st.builds(
    QuantityRule,
    override=st.none() | wholes,
    included=wholes,
    block=st.integers(1, 500).map(Decimal),
    minimum=st.none() | wholes,
    maximum=st.none() | wholes,
)
storage_rules = st.builds(
    QuantityRule,
    override=st.none() | st.decimals(0, 1000, places=3),
    included=st.decimals(0, 1000, places=3),
    block=st.integers(1, 500).map(Decimal),
    minimum=st.none() | wholes,
    maximum=st.none() | wholes,
    bill_blocks=st.just(True),
) | st.builds(QuantityRule, included=st.decimals(0, 1000, places=3))
licences = st.builds(LicenceUsage, raw=wholes)
storages = st.builds(StorageUsage, average_bytes=st.integers(0, 10**15).map(Decimal))


def _check_pool(given_rule: QuantityRule, usages: list[Any], whole: Usage) -> None:
    members = [(f"{n:03d}", usage) for n, usage in enumerate(usages)]
    shared = pooled(given_rule, members)
    counted = [count(usage, given_rule) for usage in shared.values()]
    everything = count(whole, given_rule)
    if any(usage.share for usage in shared.values()):
        assert sum(item.quantity for item in counted) == everything.quantity
        assert exact_sum(item.billed for item in counted) == everything.billed
    assert all(item.quantity >= 0 and item.billed >= 0 for item in counted)
    assert pooled(given_rule, reversed(members)) == shared


@given(rules, st.lists(licences, min_size=1, max_size=6))
def test_shares_of_units_are_never_negative_and_add_up_to_the_clients_quantity(
    given_rule: QuantityRule, usages: list[LicenceUsage]
):
    whole = LicenceUsage(raw=sum((usage.raw for usage in usages), Decimal(0)))
    _check_pool(given_rule, usages, whole)


@given(storage_rules, st.lists(storages, min_size=1, max_size=6))
def test_shares_of_storage_are_never_negative_and_add_up_to_the_clients_quantity(
    given_rule: QuantityRule, usages: list[StorageUsage]
):
    total = sum((usage.average_bytes for usage in usages), Decimal(0))
    _check_pool(given_rule, usages, StorageUsage(average_bytes=total))
