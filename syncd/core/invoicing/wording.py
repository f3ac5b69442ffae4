"""How sums of money are said in plans, issues and stories, the same everywhere.

A sum that has more decimals than cents keeps them, so that no difference is hidden by its words.
"""

from __future__ import annotations

from decimal import Decimal

_CENTS = 2


def shown(amount: Decimal, *, signed: bool = False) -> str:
    """Such as `1,234.50`; never `120.0`, and `1.005` rather than `1.01`.

    Args:
        amount: a sum, no unit price and no quantity.
        signed: with a plus where it is above zero, for differences and effects.
    """
    amount = amount or Decimal(0)  # a zero has no sign
    exponent = amount.normalize().as_tuple().exponent
    decimals = max(_CENTS, -exponent) if isinstance(exponent, int) else _CENTS
    plus = "+" if signed and amount > 0 else ""
    return f"{plus}{amount:,.{decimals}f}"
