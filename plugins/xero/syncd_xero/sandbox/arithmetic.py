"""Xero's arithmetic in whole numbers: prices cut to places, each line's tax rounded, then summed.

Written from the vendor's rules alone and in another way than the connector's, so that each proves
the other. Halves are rounded away from zero.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

HUNDRED: Final = 100


def rounded(value: Fraction, places: int = 2) -> Fraction:
    """The nearest multiple of ten to the minus `places`; a half goes away from zero."""
    scale = 10**places
    scaled = abs(value) * scale
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, scale)


def exact(value: Decimal | int) -> Fraction:
    return Fraction(value)


def decimal(value: Fraction, places: int = 2) -> Decimal:
    """A rounded value as a number with that many places."""
    scaled = value * 10**places
    assert scaled.denominator == 1, "not rounded"
    return Decimal(scaled.numerator).scaleb(-places)


def line_amount(
    quantity: Decimal, price: Decimal, *, rate: Decimal | None, amount: Decimal | None
) -> Decimal:
    """Quantity times price less a discount in percent or in money, to cents."""
    gross = Fraction(quantity) * Fraction(price)
    if rate is not None:
        gross = gross * (HUNDRED - Fraction(rate)) / HUNDRED
    elif amount is not None:
        gross -= Fraction(amount)
    return decimal(rounded(gross))


def line_tax(amount: Decimal, percent: Decimal, *, inclusive: bool) -> Decimal:
    """Tax of one line, to cents."""
    of = HUNDRED + Fraction(percent) if inclusive else Fraction(HUNDRED)
    return decimal(rounded(Fraction(amount) * Fraction(percent) / of))


def totals(
    lines: list[tuple[Decimal, Decimal]], *, inclusive: bool
) -> tuple[Decimal, Decimal, Decimal]:
    """SubTotal, TotalTax and Total of amounts and taxes of lines."""
    cents = [(int(amount * HUNDRED), int(tax * HUNDRED)) for amount, tax in lines]
    tax = sum(one for _, one in cents)
    amounts = sum(one for one, _ in cents)
    net = amounts - tax if inclusive else amounts
    told = [Decimal(one).scaleb(-2) for one in (net, tax, net + tax)]
    return told[0], told[1], told[2]
