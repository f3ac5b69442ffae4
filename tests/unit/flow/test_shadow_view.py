"""The reasons of a comparison in few words, and its table within a terminal of 100 columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from syncd.cli.shadow import brief, lines_table
from syncd.core.service.shadow_match import Billed
from syncd.core.service.shadow_rows import OurSide, ShadowRow, compare


def row(units: int, money: str | None, *found: Billed, **more: Any) -> ShadowRow:
    side = OurSide(
        client="1001",
        client_name="Acme Corporation",
        name="Managed endpoints",
        units=Decimal(units),
        money=None if money is None else Decimal(money),
        **more,
    )
    return compare(side, found, 2)


def billed(units: int, price: str | None, *, line: str | None = "Monthly / PCs (1)") -> Billed:
    each = None if price is None else Decimal(price)
    return Billed(
        key="882",
        name="Workstations",
        units=Decimal(units),
        unit_price=each,
        money=None if each is None else each * units,
        billed_by=line,
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (row(14, "102.00"), "only ours"),
        (row(32, "129.00", billed(25, "7.25")), "count +7, price 7.25 there, 4.03 by ours"),
        (row(2, "60.00", billed(2, "30.00", line=None)), "not linked (882)"),
        (row(2, "60.00", billed(2, None)), "price unknown"),
        (row(2, "60.00", billed(2, "30.00"), stopped=("NO_SNAPSHOT",)), "stopped: NO_SNAPSHOT"),
        (row(100, "0.30", billed(100, "0.002")), "price 0.0020 there, 0.0030 by ours"),
        (
            row(9, "50.00", billed(1, "45.00"), total_mode=True),
            "price 45.00 there, 50.00 by ours",
        ),
        (row(2, "60.00", billed(2, "30.00")), ""),
    ],
)
def test_a_reason_takes_few_words(shown: ShadowRow, expected: str) -> None:
    assert brief(shown) == expected


def test_the_table_of_a_comparison_is_short_and_fits_100_columns() -> None:
    rows = [row(1559, "12345.77"), row(32, "129.00", billed(25, "7.25")), row(3, None)]
    text = lines_table(rows).plain(100)
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("Acme Corporation") == 1
    assert len(text.splitlines()) <= 4 + len(rows) + 1
