"""Money is exact, its rounding named, and what does not fit is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.money import divide, from_scaled, parse_amount, round_half_up, to_scaled


@pytest.mark.parametrize(
    ("amount", "scale", "expected"),
    [
        ("0.345", 2, "0.35"),
        ("1.005", 2, "1.01"),
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("7.5075", 2, "7.51"),
        ("0.00005", 4, "0.0001"),
    ],
)
def test_halves_go_away_from_zero(amount: str, scale: int, expected: str) -> None:
    assert round_half_up(Decimal(amount), scale) == Decimal(expected)


def test_a_quotient_keeps_38_digits() -> None:
    assert str(divide(Decimal(16), 3)) == "5." + "3" * 37


@pytest.mark.parametrize(
    "text", ["1,234.50", "1.234,50", "", "abc", "1.", ".5", "1e3", "=1", "٣", "NaN"]
)
def test_amounts_that_could_be_misread_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("1234.50", "1234.50"), (" -3 ", "-3"), ("+0.0229", "0.0229")]
)
def test_plain_amounts_are_read_exactly(text: str, expected: str) -> None:
    assert parse_amount(text) == Decimal(expected)


@pytest.mark.parametrize("amount", ["0.000000001", "92233720369", "Infinity", "NaN"])
def test_what_does_not_fit_the_database_is_refused_never_rounded(amount: str) -> None:
    with pytest.raises(ValueError, match=r"decimals|outside"):
        to_scaled(Decimal(amount))


@given(st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1))
def test_storing_and_reading_back_is_the_identity(stored: int) -> None:
    assert to_scaled(from_scaled(stored)) == stored


def test_read_amounts_show_at_least_two_decimals() -> None:
    assert str(from_scaled(to_scaled(Decimal(5)))) == "5.00"
    assert str(from_scaled(to_scaled(Decimal("0.0229")))) == "0.0229"
