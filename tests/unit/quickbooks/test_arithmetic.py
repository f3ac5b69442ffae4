"""What QuickBooks makes of a document is predicted to the cent, or refused with advice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from syncd_quickbooks.arithmetic import exact_cents, predict_american, predict_global, price_of

from syncd.sdk.errors import DataError
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, ReferenceKind
from tests.builders_quickbooks import document, line, rate

TAXES = {
    "2": rate("2", "20", ids="3"),
    "6": rate("6", "5", ids="11"),
    "3": rate("3", "0", ids="5"),
    "8": rate("8", "5", "9.975", ids="21,22"),
    "9": rate("9", "20", ids="3"),
}


def test_tax_is_computed_on_the_sum_of_a_rate_and_rounded_once() -> None:
    totals = predict_global(document(lines=[line("1", "3.33")] * 3), TAXES)
    assert (totals.net, totals.tax, totals.total) == (
        Decimal("9.99"),
        Decimal("2.00"),
        Decimal("11.99"),
    )
    assert totals.lines == (Decimal("3.33"),) * 3


def test_codes_that_share_a_rate_are_summed_before_they_are_rounded() -> None:
    lines = [line("1", "0.02", tax="2"), line("1", "0.02", tax="9")]
    assert predict_global(document(lines=lines), TAXES).tax == Decimal("0.01")


def test_each_rate_is_rounded_for_itself() -> None:
    lines = [line("1", "10.02", tax="8")]
    # 5 % is 0.501, 9.975 % is 0.999495
    assert predict_global(document(lines=lines), TAXES).tax == Decimal("1.50")


def test_half_a_cent_is_rounded_away_from_zero() -> None:
    lines = [line("1", "0.10", tax="6"), line("1", "100", tax="3")]
    assert predict_global(document(lines=lines), TAXES).tax == Decimal("0.01")
    given_back = [line("-1", "0.10", tax="6"), line("1", "100", tax="3")]
    assert predict_global(document(lines=given_back), TAXES).tax == Decimal("-0.01")


def test_amounts_that_include_tax_keep_their_total() -> None:
    totals = predict_global(
        document(lines=[line("1", "9.99")] * 3, basis=AmountBasis.INCLUSIVE), TAXES
    )
    assert totals.total == Decimal("29.97")
    assert totals.tax == Decimal("5.00")  # 29.97 / 6 is 4.995
    assert totals.net == Decimal("24.97")


def test_a_document_without_tax_has_none_whatever_its_codes_say() -> None:
    totals = predict_global(document(basis=AmountBasis.NO_TAX), TAXES)
    assert (totals.tax, totals.total) == (0, Decimal("30.00"))


def test_a_code_that_nobody_knows_is_refused() -> None:
    with pytest.raises(DataError, match="'77' is not among"):
        predict_global(document(lines=[line(tax="77")]), TAXES)


def test_a_code_that_cannot_be_computed_is_refused_with_its_reason() -> None:
    blocked = LedgerReference(
        kind=ReferenceKind.TAX, key="2", name="QST", blocked=True, detail={"why": "on top"}
    )
    with pytest.raises(DataError, match="'QST' cannot be used: on top"):
        predict_global(document(), {"2": blocked})


def test_an_american_total_is_the_net_and_the_tax_that_is_stated() -> None:
    lines = [line("50", "24.37", tax="TAX")]
    assert predict_american(document(lines=lines)).total == Decimal("1218.50")
    stated = predict_american(document(lines=lines, tax=Decimal("100.53")))
    assert stated.total == Decimal("1319.03")


def test_american_amounts_do_not_include_tax() -> None:
    with pytest.raises(DataError, match="without tax only"):
        predict_american(document(basis=AmountBasis.INCLUSIVE))


@pytest.mark.parametrize(
    ("price", "decimals", "written"),
    [("10.00", 4, "10"), ("24.37", 4, "24.37"), ("0.0123", 4, "0.0123"), ("0.0123456", 7, None)],
)
def test_a_price_is_written_without_an_exponent(
    price: str, decimals: int, written: str | None
) -> None:
    assert str(price_of(line("3", price), decimals)) == (written or price)


def test_a_price_that_quickbooks_would_round_is_refused_with_advice() -> None:
    with pytest.raises(DataError, match="more than 4 decimals") as refused:
        price_of(line("1000", "0.0123456"), 4)
    assert "price_decimals" in refused.value.remedy


def test_a_discount_becomes_part_of_the_price() -> None:
    assert price_of(line("3", "10", discount_percent=Decimal(15)), 4) == Decimal("8.5")


def test_a_discount_that_no_price_can_hold_is_refused() -> None:
    many = line("100000", "0.0333", discount_percent=Decimal("33.3"))
    with pytest.raises(DataError, match="no discount on a line"):
        price_of(many, 4)


def test_exact_halves_are_exact() -> None:
    from fractions import Fraction

    assert exact_cents(Fraction(1, 200)) == Decimal("0.01")
    assert exact_cents(Fraction(-1, 200)) == Decimal("-0.01")
    assert exact_cents(Fraction(1, 201)) == Decimal("0.00")
