"""The arithmetic of a comparison: differences, sums, and a reason for every difference."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncd.core.billing.adoption import OpenLine
from syncd.core.billing.plan_input import Style
from syncd.core.service.shadow_match import Billed, Known, Matches, Sheet, match
from syncd.core.service.shadow_rows import Facts, OurSide, Why, add_up, alone, compare
from syncd.sdk.period import Period
from syncd.sdk.records import Subscription


def ours(units: int = 10, money: str | None = "50.00", **more: Any) -> OurSide:
    whole: dict[str, Any] = {
        "client": "1001",
        "client_name": "Acme",
        "line": "c1/10",
        "name": "Workstations",
        "units": Decimal(units),
        "money": None if money is None else Decimal(money),
        **more,
    }
    return OurSide(**whole)


def billed(units: int = 10, price: str | None = "5.00", **more: Any) -> Billed:
    each = None if price is None else Decimal(price)
    whole: dict[str, Any] = {
        "key": "700",
        "name": "Workstations",
        "units": Decimal(units),
        "unit_price": each,
        "money": None if each is None else each * units,
        "billed_by": "Monthly / Workstations (r1)",
        **more,
    }
    return Billed(**whole)


def whys(side: OurSide, *found: Billed) -> list[Why]:
    return [one.why for one in compare(side, found, 2).reasons]


@pytest.mark.parametrize(
    ("side", "found", "expected"),
    [
        (ours(), [billed()], []),
        (ours(0, "0.00"), [], []),
        (ours(), [], [Why.ONLY_OURS]),
        (ours(12, "60.00"), [billed()], [Why.COUNT]),
        (ours(12, "60.00", facts=Facts(since="2026-09", joined=("a", "b"))), [billed()],
         [Why.JOINED]),
        (ours(8, "40.00", facts=Facts(since="2026-09", left=("a", "b"))), [billed()], [Why.LEFT]),
        (ours(8, "40.00", facts=Facts(excluded=2)), [billed()], [Why.EXCLUDED]),
        (ours(12, "60.00", facts=Facts(excluded=2)), [billed()], [Why.COUNT]),
        (ours(7, "35.00", facts=Facts(ruled=Decimal(-3))), [billed()], [Why.RULE]),
        (ours(10, "55.00"), [billed()], [Why.PRICE]),
        (ours(12, "66.00"), [billed()], [Why.COUNT, Why.PRICE]),
        (ours(), [billed(billed_by=None)], [Why.NOT_LINKED]),
        (ours(), [billed(price=None)], [Why.UNKNOWN_PRICE]),
        (ours(stopped=("NO_SNAPSHOT",)), [billed()], [Why.STOPPED]),
        (ours(total_mode=True), [billed(1, "50.00")], []),
        (ours(total_mode=True), [billed(1, "45.00")], [Why.PRICE]),
        (ours(total_mode=True), [billed(10)], []),
        (ours(0, "0.01"), [billed(0, "0.00")], [Why.PRICE]),
        (ours(0, "0.00"), [billed(0, "0.00")], []),
    ],
)  # fmt: skip
def test_every_difference_has_its_reason(
    side: OurSide, found: list[Billed], expected: list[Why]
) -> None:
    assert whys(side, *found) == expected


def test_what_is_unknown_is_unknown_in_the_difference_and_in_no_sum() -> None:
    rows = [
        compare(ours(), [billed()], 2),
        compare(ours(stopped=("NO_SNAPSHOT",)), [billed()], 2),
        compare(ours(), [billed(price=None)], 2),
    ]
    assert [row.money for row in rows] == [0, None, None]
    total = add_up(rows)
    assert (total.ours, total.billed, total.unknown) == (50, 50, 2)


def test_what_the_psa_bills_alone_counts_against_us() -> None:
    row = alone("1001", "Acme", billed(3, "9.00", billed_by=None))
    assert (row.units, row.money, row.not_linked) == (-3, Decimal("-27.00"), Decimal("27.00"))
    assert [one.why for one in row.reasons] == [Why.ONLY_PSA, Why.NOT_LINKED]


_AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=2)
_COUNTS = st.integers(min_value=0, max_value=10**4)


@given(st.lists(st.tuples(_COUNTS, _AMOUNTS, _COUNTS, _AMOUNTS), max_size=20))
@example([(0, Decimal("0.01"), 0, Decimal("0.00"))])
def test_the_sum_of_the_differences_is_the_difference_of_the_sums(
    found: list[tuple[int, Decimal, int, Decimal]],
) -> None:
    rows = [
        compare(ours(units, str(money)), [billed(count, str(price))], 2)
        for units, money, count, price in found
    ]
    total = add_up(rows)
    assert total.difference == sum((row.money for row in rows if row.money is not None), Decimal(0))
    assert total.unknown == 0
    for row in rows:
        assert bool(row.units or row.money) <= row.differs


def line(key: str, name: str, asset_type: str, *names: str) -> OpenLine:
    return OpenLine(
        key=key,
        marker=f"m:{key}",
        client="1001",
        site=None,
        name=name,
        names=names,
        asset_type=asset_type,
        units=10,
        unit_price=Decimal("5.00"),
    )


def record(key: str, name: str, asset_type: str | None = None, **more: Any) -> Subscription:
    whole: dict[str, Any] = {
        "key": key,
        "client": "1001",
        "site": None,
        "marker": None,
        "name": name,
        "quantity": 10,
        "unit_price": Decimal("5.00"),
        "unit_cost": None,
        "asset_type": asset_type,
        **more,
    }
    return Subscription(**whole)


def matched(lines: list[OpenLine], records: list[Subscription], **more: Any) -> Matches:
    sheet = Sheet(
        **{"lines": lines, "remotes": {}, "records": records, "recurring": (), "ours": (), **more}
    )
    known = Known(asset_types={"10", "11"}, names={"workstation"})
    return match(sheet, known=known, style=Style.ROLLING, period=Period(2026, 10), scale=2)


def test_no_record_is_counted_twice_and_none_of_ours_is_lost() -> None:
    lines = [line("a", "Workstations", "10"), line("b", "Servers", "11")]
    records = [
        record("1", "Workstations", "10"),
        record("2", "Workstations extra", "10"),
        record("3", "Something else"),
        record("4", "Whatever", "11"),
        record("5", "Servers", active=False),
    ]
    found = matched(lines, records)
    keys = {key: [one.key for one in held] for key, held in found.by_line.items()}
    assert keys == {"a": ["1", "2"], "b": ["4"]}
    assert [one.key for one in found.other] == ["3"]


def test_a_record_of_our_books_stands_for_its_line_whatever_it_is_called() -> None:
    lines = [line("a", "Workstations", "10"), line("b", "Servers", "11")]
    found = matched(
        lines, [record("1", "Servers", "11")], remotes={"1": "a"}, ours=frozenset({"1"})
    )
    assert [one.ours for one in found.by_line["a"]] == [True]
    assert "b" not in found.by_line


def test_a_record_of_our_books_without_a_line_is_told() -> None:
    found = matched([], [record("1", "Old thing")], ours=frozenset({"1"}))
    assert [one.key for one in found.alone] == ["1"]
