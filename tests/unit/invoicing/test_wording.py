"""How sums of money are said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from syncd.core.invoicing.wording import shown


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("692.7", "692.70"),
        ("120.0", "120.00"),
        ("0", "0.00"),
        ("0.0", "0.00"),
        ("-0.0", "0.00"),
        ("-3.5", "-3.50"),
        ("1234567.5", "1,234,567.50"),
        ("1E+3", "1,000.00"),
        ("10.2500", "10.25"),
    ],
)
def test_a_sum_has_two_decimals_and_its_thousands_apart(amount: str, said: str) -> None:
    assert shown(Decimal(amount)) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [("1.005", "1.005"), ("-0.0010", "-0.001"), ("1000.12345", "1,000.12345")],
)
def test_what_is_finer_than_a_cent_is_never_hidden(amount: str, said: str) -> None:
    assert shown(Decimal(amount)) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [("0.01", "+0.01"), ("-0.01", "-0.01"), ("0", "0.00"), ("0.005", "+0.005")],
)
def test_a_difference_says_its_direction(amount: str, said: str) -> None:
    assert shown(Decimal(amount), signed=True) == said
