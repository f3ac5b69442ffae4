"""The line of an accepted difference: its own, at quantity 1, and back to nothing unhindered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.billing.bill import compute_bill
from syncd.core.billing.corrections import (
    CorrectionDue,
    corrected,
    correction_key,
    is_correction,
)
from syncd.core.billing.guards import GuardInput, review
from syncd.core.billing.model import Bill, GuardLimits, Line, Mode
from tests.builders_billing import bill_input, configuration
from tests.builders_plan import change, planned, state, whole

D = Decimal
KEY = "c1/10/correction/2026-10"


def due(price: str | None = "5.00", cost: str | None = "2.00", **more: Any) -> CorrectionDue:
    whole: dict[str, Any] = {
        "id": 1,
        "period": "2026-10",
        "line_key": "c1/10",
        "name": "Managed - Workstation",
        "price": None if price is None else D(price),
        "cost": None if cost is None else D(cost),
        **more,
    }
    return CorrectionDue(**whole)


def bill(*corrections: CorrectionDue, **parts: Any) -> Bill:
    data = bill_input(
        configuration("c1", "average"),
        usage={"desktop": 10},
        corrections=corrections,
        **parts,
    )
    return compute_bill(data)


def extra(found: Bill) -> list[Line]:
    return [line for line in found.lines if is_correction(line.key)]


def test_the_key_names_the_line_and_the_month() -> None:
    assert correction_key("c1/10", "2026-10") == KEY
    assert corrected(KEY) == ("c1/10", "2026-10")
    assert not is_correction("c1/10/rounding")


def test_a_difference_is_a_line_of_its_own_after_the_others() -> None:
    found = bill(due())
    assert found.lines[0] == bill().lines[0], "the counted line stays as it is"
    line = found.lines[-1]
    assert (line.key, line.name) == (KEY, "Correction 2026-10: Managed - Workstation")
    assert (line.mode, line.quantity, line.units) == (Mode.ADJUSTMENT, 1, 1)
    assert (line.unit_price, line.unit_cost) == (D("5.00"), D("2.00"))
    assert (line.total_price, line.total_cost) == (D("5.00"), D("2.00"))
    assert (line.asset_type, line.action) == ("10", "create")


def test_differences_of_one_line_and_month_are_added_and_of_others_are_not() -> None:
    found = extra(bill(due(), due("-1.50", id=2), due("3.00", id=3, period="2026-09")))
    assert [(line.key[-7:], line.total_price) for line in found] == [
        ("2026-09", D("3.00")),
        ("2026-10", D("3.50")),
    ]


def test_differences_that_come_to_nothing_make_no_line() -> None:
    assert extra(bill(due(), due("-5.00", "-2.00", id=2))) == []


def test_a_cost_that_is_not_ours_is_absent() -> None:
    (line,) = extra(bill(due(cost=None)))
    assert (line.unit_cost, line.total_cost) == (None, None)


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_corrected_before_goes_back_to_nothing_as_no_fall_of_a_configuration(
    gone: bool,
) -> None:
    key = "c9/12/correction/2026-09" if gone else KEY
    found = bill(existing={"c1/10": Mode.AVERAGE, key: Mode.ADJUSTMENT})
    (line,) = extra(found)
    assert (line.quantity, line.total_price, line.removed_by_configuration) == (0, D(0), False)
    assert line.asset_type == ("12" if gone else "10")
    assert not any(code.startswith("STALE_LINE_ZEROED") for code in found.warnings)


def test_a_bill_that_stops_carries_none() -> None:
    assert bill(due(), site=None).lines == ()


@given(st.lists(st.decimals(-1000, 1000, places=2), max_size=6))
def test_a_bill_is_worth_its_counts_and_its_corrections(prices: list[Decimal]) -> None:
    found = bill(*(due(str(price), "0.00", id=n) for n, price in enumerate(prices)))
    assert sum(line.total_price or 0 for line in found.lines) == D(50) + sum(prices)


SPENT = {"line": KEY, "mode": "adjustment"}
LIMITS = GuardLimits(line_money=D(1), client_money=D(1), client_percent=D(1), run_percent=D(1))


def rules(before: str, after: str, sums: tuple[str, str]) -> set[str]:
    made = msgspec.structs.replace(
        change(state(int(after != "0"), after), state(int(before != "0"), before)), **SPENT
    )
    plan = whole(planned(made, before=sums[0], after=sums[1]))
    return {one.rule for one in review(plan, GuardInput(), LIMITS)}


def test_the_fall_of_a_correction_holds_nothing_and_is_in_no_total_of_before() -> None:
    assert rules("300.00", "0", ("380.00", "80.00")) == set()
    assert rules("-300.00", "0", ("-220.00", "80.00")) == set()


def test_the_rest_of_the_bill_is_judged_beside_such_a_fall() -> None:
    assert rules("300.00", "0", ("380.00", "380.00")) == {
        "CLIENT_TOTAL_CHANGED",
        "RUN_TOTAL_CHANGED",
    }


def test_a_correction_that_comes_counts_in_line_and_totals() -> None:
    assert rules("0", "300.00", ("80.00", "380.00")) == {
        "MONEY_CHANGED",
        "CLIENT_TOTAL_CHANGED",
        "RUN_TOTAL_CHANGED",
    }
