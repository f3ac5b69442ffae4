"""Exact money: Decimal in, Decimal out, every rounding named.

Nothing here is a float. Amounts are rounded half-up, because that is what invoices in the target
systems do; Python's default (half-even) differs by a cent often enough to be noticed.
"""

from __future__ import annotations

import decimal
from decimal import ROUND_HALF_UP, Context, Decimal

EXACT = Context(
    prec=38, rounding=ROUND_HALF_UP, traps=[decimal.InvalidOperation, decimal.DivisionByZero]
)
"""The context for sums and quotients: 38 digits, half-up, invalid operations raise."""

STORED_SCALE = 8
"""Decimals kept in the database: unit prices with 7 decimals exist, so 8 are kept."""

_STORED_UNIT = Decimal(1).scaleb(-STORED_SCALE)
_HUNDREDTH = 10 ** (STORED_SCALE - 2)
_MAX_STORED = Decimal(2**63 - 1).scaleb(-STORED_SCALE)


def round_half_up(amount: Decimal, scale: int) -> Decimal:
    """Round to `scale` decimals, halves away from zero.

    Args:
        amount: exact amount.
        scale: number of decimals to keep, 0 or more.
    """
    return amount.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=EXACT)


def divide(amount: Decimal, by: Decimal | int) -> Decimal:
    """Quotient to 38 significant digits; the caller rounds it by name.

    Raises:
        decimal.DivisionByZero: `by` is 0.
    """
    return EXACT.divide(amount, Decimal(by))


def parse_amount(text: str) -> Decimal:
    """Read an amount as people type it in a file: digits, one dot, an optional sign.

    `1,234.50` and `1.234,50` are refused rather than guessed, since they differ by a factor.

    Raises:
        ValueError: the text is not such a number; the message says what to write.
    """
    cleaned = text.strip()
    body = cleaned[1:] if cleaned[:1] in {"-", "+"} else cleaned
    whole, dot, fraction = body.partition(".")
    if (
        not whole.isascii()
        or not whole.isdigit()
        or (dot and not (fraction.isascii() and fraction.isdigit()))
    ):
        message = f"'{text}' is not an amount; write it like 1234.50, without thousands separators"
        raise ValueError(message)
    return Decimal(cleaned)


def to_scaled(amount: Decimal) -> int:
    """Integer of 10^-8 units for the database.

    Raises:
        ValueError: more than 8 decimals, or beyond 64 bits; never rounded silently.
    """
    if not amount.is_finite() or abs(amount) > _MAX_STORED:
        message = f"{amount} is outside of what can be stored"
        raise ValueError(message)
    if amount != amount.quantize(_STORED_UNIT, context=EXACT):
        message = f"{amount} has more than {STORED_SCALE} decimals"
        raise ValueError(message)
    return int(amount.scaleb(STORED_SCALE, context=EXACT))


def from_scaled(stored: int) -> Decimal:
    """The amount behind `to_scaled`, without trailing zeros beyond two decimals."""
    whole, rest = divmod(stored, _HUNDREDTH)
    if not rest:
        return Decimal(whole).scaleb(-2, context=EXACT)
    amount = Decimal(stored).scaleb(-STORED_SCALE, context=EXACT)
    shortened = amount.normalize(EXACT)
    exponent = shortened.as_tuple().exponent
    if isinstance(exponent, int) and exponent > -2:
        return amount.quantize(Decimal("0.01"), context=EXACT)
    return shortened
