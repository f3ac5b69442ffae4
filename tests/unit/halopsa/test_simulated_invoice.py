"""What holds for every invoice of the simulator, whatever its lines are."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syncd_halopsa.sandbox.app import Simulator
from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.periods import moved
from syncd_halopsa.sandbox.proration import charges
from syncd_halopsa.sandbox.recurring_fields import PRORATA

from syncd.sandbox.presets import small

PRICES = st.decimals(0, 500, places=4, allow_nan=False)
LINES = st.fixed_dictionaries(
    {
        "qty_order": st.decimals(0, 60, places=2, allow_nan=False),
        "unit_price": PRICES,
        "discount_perc": st.sampled_from((Decimal(0), Decimal("7.5"))),
        "tax_code": st.sampled_from(("", "1", "2", "5")),
    }
)
ROWS = st.lists(
    st.tuples(
        st.dates(date(2026, 9, 1), date(2027, 2, 28)),
        st.integers(-20, 20).filter(bool),
        st.booleans(),
    ),
    max_size=6,
)
START, END = date(2026, 12, 1), date(2027, 1, 1)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(LINES, max_size=6), day=st.integers(1, 28), mode=st.sampled_from(("one", "two"))
)
def test_an_invoice_is_the_sum_of_its_rounded_lines(
    lines: list[dict[str, Any]], day: int, mode: Any
) -> None:
    sim = Simulator(small(), Options(extras=False, proration_lines=mode))
    for one in lines:
        number = sim.hand.add_line(1001, "A", **one)
        sim.hand.prorate(number, f"2026-11-{day:02d}", 3)
    (invoice,) = sim.hand.invoice(client=1001)
    for column, total in (
        ("net_amount", "revenue"),
        ("tax_amount", "tax_total"),
        ("total_price", "total"),
    ):
        amounts = [one[column] for one in invoice["lines"]]
        assert all(one == one.quantize(Decimal("0.01")) for one in amounts)
        assert invoice[total] == sum(amounts)
    assert len(invoice["lines"]) == 1 + len(lines) * (3 if mode == "two" else 2)


def row(number: int, day: date, quantity: int, *, own: bool) -> dict[str, Any]:
    return {
        **PRORATA,
        "id": number,
        "date": f"{day}T00:00:00",
        "quantity": Decimal(quantity),
        "quantity_id": 7 if own else 0,
    }


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, extra=st.integers(0, 30))
def test_a_period_is_charged_for_no_more_units_than_are_counted(
    rows: list[tuple[date, int, bool]], extra: int
) -> None:
    made = [row(n, day, units, own=own) for n, (day, units, own) in enumerate(rows, start=1)]
    net = sum(units for _day, units, own in rows if own)
    live = Decimal(max(0, net) + extra)
    base, found = charges(made, live, START, END, 1)
    late = sum(units for day, units, own in rows if own and day >= START)
    whole = sum(one.whole for one in found if one.row["quantity_id"])
    assert base >= 0
    if live >= late:
        assert base + whole == live - late
    assert all(one.share > 0 for one in found)
    assert {one.row["id"] for one in found} == {
        n for n, (day, _units, _own) in enumerate(rows, start=1) if day < END
    }


@pytest.mark.parametrize(
    ("day", "start", "share"),
    [
        (date(2026, 12, 1), START, Fraction(1)),
        (date(2026, 12, 16), START, Fraction(16, 31)),
        (date(2026, 12, 31), START, Fraction(1, 31)),
        (date(2026, 11, 16), START, Fraction(15, 30)),
        (date(2026, 10, 31), START, 1 + Fraction(1, 31)),
    ],
)
def test_a_row_is_charged_for_the_days_that_are_left(
    day: date, start: date, share: Fraction
) -> None:
    _base, (charge,) = charges([row(1, day, 2, own=False)], Decimal(5), start, END, 1)
    assert charge.share == share
    assert charge.whole == (2 if day < start else 0)


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2027, 1, 1), -1, date(2026, 12, 1)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
    ],
)
def test_a_period_ends_on_the_same_day_or_the_last_one(
    day: date, months: int, expected: date
) -> None:
    assert moved(day, months) == expected
