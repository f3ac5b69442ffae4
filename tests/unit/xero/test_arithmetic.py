"""Xero's arithmetic: per line, half up, four decimals; the rest is refused with advice."""

from __future__ import annotations

import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import msgspec
import pytest
from syncd_xero.arithmetic import totals

from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from tests.builders_xero import ledger_document, ledger_line


def tax(key: str, *rates: str) -> LedgerReference:
    parts = tuple(Decimal(rate) for rate in rates)
    return LedgerReference(kind=ReferenceKind.TAX, key=key, name=key, rates=parts)


TAXES = {
    "OUTPUT2": tax("OUTPUT2", "20"),
    "RROUTPUT": tax("RROUTPUT", "5"),
    "ZERORATEDOUTPUT": tax("ZERORATEDOUTPUT", "0"),
    "NONE": tax("NONE", "0"),
    "TAX001": tax("TAX001", "8.3750"),
    "RATELESS": tax("RATELESS"),
}


def shown(document: LedgerDocument) -> tuple[str, str, str]:
    found = totals(document, TAXES)
    return str(found.net), str(found.tax), str(found.total)


def of(*lines: LedgerLine, **more: object) -> LedgerDocument:
    return ledger_document("SI-1", *lines, **more)


def test_tax_is_rounded_per_line_and_then_added_up() -> None:
    thirds = [ledger_line("1", "3.33") for _ in range(3)]
    assert shown(of(*thirds)) == ("9.99", "2.01", "12.00")


def test_a_price_keeps_four_decimals() -> None:
    assert shown(of(ledger_line("137", "0.0625"))) == ("8.56", "1.71", "10.27")


def test_halves_go_away_from_zero() -> None:
    assert shown(of(ledger_line("1", "0.005"), ledger_line("1", "1")))[0] == "1.01"
    lines = totals(of(ledger_line("-1", "0.005"), ledger_line("1", "5")), TAXES).lines
    assert lines == (Decimal("-0.01"), Decimal("5.00"))


def test_a_discount_is_taken_before_rounding() -> None:
    line = msgspec.structs.replace(ledger_line("3", "9.99"), discount_percent=Decimal("12.5"))
    assert shown(of(line)) == ("26.22", "5.24", "31.46")


def test_a_credit_note_has_its_discount_in_the_price_or_is_refused() -> None:
    line = msgspec.structs.replace(ledger_line("3", "9.99"), discount_percent=Decimal("12.5"))
    with pytest.raises(DataError, match="credit notes in Xero") as refused:
        totals(of(line, kind=DocumentKind.CREDIT), TAXES)
    assert "8.74125" in refused.value.remedy
    line = msgspec.structs.replace(ledger_line("3", "10"), discount_percent=Decimal("12.5"))
    assert shown(of(line, kind=DocumentKind.CREDIT)) == ("26.25", "5.25", "31.50")


def test_amounts_that_include_tax_give_it_back_per_line() -> None:
    lines = [ledger_line("1", "3.99"), ledger_line("2", "1.01")]
    found = totals(of(*lines, basis=AmountBasis.INCLUSIVE), TAXES)
    assert (found.net, found.tax, found.total) == (
        Decimal("5.00"), Decimal("1.01"), Decimal("6.01"),
    )  # fmt: skip
    assert found.lines == (Decimal("3.32"), Decimal("1.68"))


def test_a_document_without_tax_takes_the_code_that_xero_would_write() -> None:
    line = ledger_line("1", "10", "NONE")
    assert shown(of(line, basis=AmountBasis.NO_TAX)) == ("10.00", "0.00", "10.00")
    with pytest.raises(DataError, match="silently write NONE"):
        totals(of(ledger_line(), basis=AmountBasis.NO_TAX), TAXES)


def test_an_odd_rate_is_exact() -> None:
    assert shown(of(ledger_line("1", "100", "TAX001"))) == ("100.00", "8.38", "108.38")


def test_words_have_no_money_and_need_no_tax() -> None:
    words = ledger_line("0", "0", "", account="", text_only=True)
    assert totals(of(words, ledger_line()), TAXES).lines == (Decimal(0), Decimal("10.00"))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (ledger_line("1", "0.1234567"), "price 0.1234567 has 7 decimals"),
        (ledger_line("1.00001", "3"), "quantity 1.00001 has 5 decimals"),
        (ledger_line(tax=""), "no tax code"),
        (ledger_line(tax="GONE"), "no tax type GONE"),
        (ledger_line(tax="RATELESS"), "tells no rate"),
        (ledger_line(account=""), "neither account nor item"),
        (ledger_line("-1", "10"), "no negative documents"),
        (ledger_line("1", "99999999999"), "no number of a size"),
    ],
    ids=["price", "quantity", "untaxed", "gone", "rateless", "unaccounted", "negative", "huge"],
)
def test_what_xero_cannot_hold_is_refused_by_name(line: LedgerLine, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        totals(of(line), TAXES)


def test_zeros_behind_the_point_are_no_decimals() -> None:
    assert shown(of(ledger_line("1.0000000", "3.1000000")))[0] == "3.10"


def test_random_documents_equal_the_rule_in_fractions() -> None:
    chance = random.Random(20261101)
    codes = [("OUTPUT2", 20), ("RROUTPUT", 5), ("ZERORATEDOUTPUT", 0)]

    def rounded(exact: Fraction) -> Decimal:
        quotient = Decimal(exact.numerator * 10**12 // exact.denominator).scaleb(-12)
        return quotient.quantize(Decimal("0.01"), ROUND_HALF_UP)

    for _ in range(2000):
        lines, net, due = [], Decimal(0), Decimal(0)
        for _ in range(chance.randint(1, 8)):
            quantity = Decimal(chance.randint(1, 50_000)).scaleb(-chance.randint(0, 4))
            price = Decimal(chance.randint(1, 90_000)).scaleb(-chance.randint(0, 4))
            code, rate = codes[chance.randrange(3)]
            lines.append(ledger_line(str(quantity), str(price), code))
            amount = rounded(Fraction(quantity) * Fraction(price))
            net += amount
            due += rounded(Fraction(amount) * rate / 100)
        found = totals(of(*lines), TAXES)
        assert (found.net, found.tax, found.total) == (net, due, net + due)
