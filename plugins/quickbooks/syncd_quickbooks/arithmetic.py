"""What QuickBooks makes of a document, to the cent: pure functions over exact decimals.

Outside of the United States tax is computed for each rate on the summed net of its lines, rounded
once, half up: three lines of 3.33 at 20 % carry 2.00, where rounding each line would make 2.01.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from syncd.sdk.errors import DataError
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, Totals
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine

CENT: Final = Decimal("0.01")
HUNDRED: Final = Decimal(100)
LARGEST: Final = Decimal("9999999999.99")
"""Intuit takes amounts of ten digits before the point."""

RATE_IDS: Final = "rates"
"""Name of the detail that holds the ids of a tax's rates, one for each component."""


def cents(amount: Decimal) -> Decimal:
    """Rounded to cents, half up, away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def amount_of(line: LedgerLine) -> Decimal:
    """Amount of a line: quantity times price, less its discount."""
    if line.text_only:
        return Decimal(0)
    return cents(line.quantity * line.unit_price * (1 - line.discount_percent / HUNDRED))


def price_of(line: LedgerLine, decimals: int) -> Decimal:
    """The price that is written: QuickBooks has no discount on a line, so it is taken off here.

    Args:
        line: with money.
        decimals: most decimals of a price.

    Raises:
        DataError: no price of so many decimals gives the amount of the line.
    """
    step = Decimal(1).scaleb(-decimals)
    exact = line.unit_price * (1 - line.discount_percent / HUNDRED)
    if exact == exact.quantize(step):
        return plain(exact)
    if line.discount_percent == 0:
        raise DataError(
            f"a unit price of {line.unit_price} has more than {decimals} decimals, which"
            " QuickBooks would round",
            remedy="round the price in the PSA, or raise price_decimals after a trial in the"
            " company showed that it keeps them",
        )
    rounded = exact.quantize(step, ROUND_HALF_UP)
    if cents(line.quantity * rounded) != amount_of(line):
        raise DataError(
            f"a discount of {line.discount_percent.normalize():f} % on {line.unit_price} leaves a"
            f" price of more than {decimals} decimals, and QuickBooks has no discount on a line",
            remedy="write the discounted price on the PSA's line instead of the discount",
        )
    return plain(rounded)


def plain(number: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent, as it is sent."""
    whole = number == number.to_integral_value()
    return number.quantize(Decimal(1)) if whole else number.normalize()


def predict_global(document: LedgerDocument, taxes: Mapping[str, LedgerReference]) -> Totals:
    """What a company outside of the United States makes of a document.

    Raises:
        DataError: a tax code is not among `taxes`, or is one that cannot be computed.
    """
    amounts = tuple(amount_of(line) for line in document.lines)
    stated = sum(amounts, Decimal("0.00"))
    if document.basis is AmountBasis.NO_TAX:
        return Totals(net=stated, tax=Decimal("0.00"), total=stated, lines=amounts)
    tax = sum(rate_taxes(document, amounts, taxes).values(), Decimal("0.00"))
    if document.basis is AmountBasis.INCLUSIVE:
        return Totals(net=stated - tax, tax=tax, total=stated, lines=amounts)
    return Totals(net=stated, tax=tax, total=stated + tax, lines=amounts)


def rate_taxes(
    document: LedgerDocument, amounts: Sequence[Decimal], taxes: Mapping[str, LedgerReference]
) -> dict[tuple[str, ...], Decimal]:
    """Tax of each rate of a document, by the rate's id, or by code and place where it has none.

    A tax of several rates taxes the same net several times, each rate rounded for itself. Amounts
    that include tax are first brought to their exact net, which is rounded nowhere.

    Raises:
        DataError: a tax code is not among `taxes`, or is one that cannot be computed.
    """
    nets: dict[tuple[str, ...], Fraction] = {}
    percents: dict[tuple[str, ...], Decimal] = {}
    for line, amount in zip(document.lines, amounts, strict=True):
        if line.text_only:
            continue
        code = _known(line, taxes)
        net = Fraction(amount)
        if document.basis is AmountBasis.INCLUSIVE:
            net /= 1 + Fraction(sum(code.rates, Decimal(0))) / 100
        for key, percent in zip(_keys(code), code.rates, strict=True):
            nets[key] = nets.get(key, Fraction(0)) + net
            percents[key] = percent
    return {key: exact_cents(net * Fraction(percents[key]) / 100) for key, net in nets.items()}


def exact_cents(amount: Fraction) -> Decimal:
    """Rounded to cents, half away from zero, without a division on the way."""
    hundredths = (abs(amount) * 200 + 1) // 2
    return Decimal(-int(hundredths) if amount < 0 else int(hundredths)).scaleb(-2)


def _keys(code: LedgerReference) -> list[tuple[str, ...]]:
    ids = code.detail.get(RATE_IDS, "").split(",")
    if len(ids) == len(code.rates) and all(ids):
        return [(one,) for one in ids]
    return [(code.key, str(at)) for at in range(len(code.rates))]


def _known(line: LedgerLine, taxes: Mapping[str, LedgerReference]) -> LedgerReference:
    found = taxes.get(line.tax_code)
    if found is None:
        raise DataError(
            f"tax code {line.tax_code!r} is not among those of the company",
            remedy="map the PSA's tax to a tax code of the company",
        )
    if found.blocked:
        raise DataError(
            f"tax code {found.name!r} cannot be used: {found.detail.get('why', 'it is no rate')}",
            remedy="map the PSA's tax to another tax code of the company",
        )
    return found


def predict_american(document: LedgerDocument) -> Totals:
    """What an American company makes of a document: its net; tax is QuickBooks's, or as stated.

    Raises:
        DataError: amounts that include tax, which such companies do not have.
    """
    if document.basis is AmountBasis.INCLUSIVE:
        raise DataError(
            "an American company takes amounts without tax only",
            remedy='write basis = "exclusive" for this connection in [invoices]',
        )
    amounts = tuple(amount_of(line) for line in document.lines)
    net = sum(amounts, Decimal(0))
    tax = Decimal("0.00")
    if document.tax is not None and document.basis is not AmountBasis.NO_TAX:
        tax = document.tax
    return Totals(net=net, tax=tax, total=net + tax, lines=amounts)
