"""Xero's arithmetic of a sales document, as pure functions: each line by itself, half up, to cents.

Sources: "Rounding in Xero" of the vendor's developer pages for `unitdp=4` and tax per line; public
test doubles for amounts that include their tax.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, LedgerReference, Totals
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine

CENT: Final = Decimal("0.01")
HUNDRED: Final = Decimal(100)
ZERO: Final = Decimal(0)
DECIMALS: Final = 4
LARGEST: Final = Decimal("9999999999.99")

NO_TAX: Final = "NONE"
"""The tax type of every line of a document without tax; Xero puts it there itself."""

_EXACT: Final = Context(prec=80)


def cents(amount: Decimal) -> Decimal:
    """Half up, away from zero, to cents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP, context=_EXACT)


def decimals(number: Decimal) -> int:
    """How many decimals a number really has."""
    exponent = number.normalize(_EXACT).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def line_amount(line: LedgerLine) -> Decimal:
    """Quantity x price less discount."""
    if line.text_only:
        return ZERO
    part = _EXACT.multiply(line.quantity, line.unit_price)
    whole = _EXACT.multiply(part, HUNDRED - line.discount_percent)
    return cents(_EXACT.divide(whole, HUNDRED))


def tax_on(amount: Decimal, rate: Decimal, basis: AmountBasis) -> Decimal:
    """Tax of one line, on top of its amount or within it."""
    if basis is AmountBasis.NO_TAX:
        return ZERO
    if basis is AmountBasis.EXCLUSIVE:
        return cents(_EXACT.divide(_EXACT.multiply(amount, rate), HUNDRED))
    return cents(_EXACT.divide(_EXACT.multiply(amount, rate), HUNDRED + rate))


def totals(document: LedgerDocument, taxes: Mapping[str, LedgerReference]) -> Totals:
    """What Xero will show for a document.

    Raises:
        DataError: a tax code is unknown, or Xero cannot hold a line as it is.
    """
    nets: list[Decimal] = []
    tax = ZERO
    for number, line in enumerate(document.lines, 1):
        if line.text_only:
            nets.append(ZERO)
            continue
        _require_writable(document, line, number)
        amount = line_amount(line)
        of_line = tax_on(amount, _rate(document, line, number, taxes), document.basis)
        inclusive = document.basis is AmountBasis.INCLUSIVE
        nets.append(amount - of_line if inclusive else amount)
        tax += of_line
    net = sum(nets, ZERO)
    found = Totals(net=cents(net), tax=cents(tax), total=cents(net + tax), lines=tuple(nets))
    _require_holdable(document, found)
    return found


def plain_price(document: LedgerDocument, line: LedgerLine) -> tuple[Decimal, Decimal]:
    """Price and discount as written; a credit note has no discounts, so its price holds it.

    Raises:
        DataError: the price less its discount has too many decimals.
    """
    if document.kind is DocumentKind.INVOICE or not line.discount_percent:
        return line.unit_price, line.discount_percent
    price = _EXACT.divide(
        _EXACT.multiply(line.unit_price, HUNDRED - line.discount_percent), HUNDRED
    )
    if decimals(price) > DECIMALS:
        message = (
            f"'{line.description[:40]}' has a discount, which credit notes in Xero cannot have"
        )
        raise DataError(
            message,
            remedy=f"write the price less the discount in the PSA: {price:f} has over {DECIMALS}"
            " decimals",
        )
    return price, ZERO


def _require_writable(document: LedgerDocument, line: LedgerLine, number: int) -> None:
    what = f"line {number} ('{line.description[:40]}')"
    numbers = (line.quantity, line.unit_price, line.discount_percent)
    if not all(one.is_finite() and abs(one) <= LARGEST for one in numbers):
        raise DataError(f"{what} holds something that is no number of a size that Xero can hold")
    for name, value, most in (
        ("quantity", line.quantity, DECIMALS),
        ("price", line.unit_price, DECIMALS),
        ("discount", line.discount_percent, DECIMALS),
    ):
        if decimals(value) > most:
            raise DataError(
                f"{what}: the {name} {value:f} has {decimals(value)} decimals, and Xero keeps"
                f" {most}",
                remedy="write it with fewer decimals in the PSA, or as one piece at its amount",
            )
    if not ZERO <= line.discount_percent <= HUNDRED:
        raise DataError(f"{what}: a discount of {line.discount_percent:f} % is none")
    if not (line.account or line.item):
        raise DataError(
            f"{what} has neither account nor item, and Xero needs one",
            remedy="map its nominal code, or its item: `syncd map books`",
        )
    plain_price(document, line)


def _rate(
    document: LedgerDocument,
    line: LedgerLine,
    number: int,
    taxes: Mapping[str, LedgerReference],
) -> Decimal:
    what = f"line {number} ('{line.description[:40]}')"
    if not line.tax_code:
        raise DataError(f"{what} has no tax code", remedy="map its tax: `syncd map books`")
    tax = taxes.get(line.tax_code)
    if tax is None:
        raise DataError(
            f"{what}: Xero has no tax type {line.tax_code}",
            remedy="read the books' catalogues again, then mend the mapping of taxes",
        )
    if not tax.rates:
        raise DataError(
            f"{what}: Xero tells no rate of tax type {line.tax_code}",
            remedy="mend the tax rate in Xero, or map to another one",
        )
    if document.basis is AmountBasis.NO_TAX and line.tax_code != NO_TAX:
        raise DataError(
            f"{what}: the document states no tax and the line has {line.tax_code}; Xero would"
            f" silently write {NO_TAX}",
            remedy='write basis = "exclusive" for these books, or map the tax to NONE',
        )
    return sum(tax.rates, ZERO)


def _require_holdable(document: LedgerDocument, found: Totals) -> None:
    if found.total < 0:
        raise DataError(
            f"{document.number} adds up to {found.total:f}, and Xero has no negative documents",
            remedy="what is below zero is a document of the other kind: negative_invoice says how",
        )
    if found.total > LARGEST:
        raise DataError(f"{document.number} adds up to {found.total:f}, more than Xero can hold")
