"""Exact sums, products and whole blocks, so that a bill never depends on the order of its parts.

A byte count divided by 2^30 has up to 30 decimals; 120 digits keep every sum and product of such
numbers exact, and the only roundings left are the named ones in `syncd.sdk.money`.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

ZERO = Decimal(0)
BYTES_PER_GB = Decimal(2**30)
"""1 GB as storage vendors sell it: a limit of 100 GB is 107,374,182,400 bytes."""

EXACT = Context(
    prec=120, rounding=ROUND_HALF_UP, traps=[decimal.InvalidOperation, decimal.DivisionByZero]
)


product = EXACT.multiply
"""One amount times another; like `difference` the context's own method, called for every line."""

product_and = EXACT.fma
"""One amount times another, plus a further one, in one step."""

difference = EXACT.subtract

quotient = EXACT.divide
"""To 120 digits; what follows is one named rounding. By 0 it raises `decimal.DivisionByZero`."""

_quantize, _plus, _add = EXACT.quantize, EXACT.plus, EXACT.add


def total(amounts: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for amount in amounts:
        result = _add(result, amount)
    return result


def rounded(amount: Decimal, scale: int) -> Decimal:
    """Half-up to `scale` decimals; never a negative zero."""
    result = _quantize(amount, _units(scale))
    return result or _plus(result)


def settled(amount: Decimal) -> Decimal:
    """A sum of quotients without what their 120 digits left over: three thirds are one."""
    return rounded(amount, 80)


@cache
def _units(scale: int) -> Decimal:
    return Decimal(1).scaleb(-scale)


def whole_blocks(amount: Decimal, block: Decimal) -> Decimal:
    """How many blocks hold the amount, a started block counted whole."""
    full, rest = EXACT.divmod(amount, block)
    return EXACT.add(full, 1) if rest else full


def is_whole(amount: Decimal) -> bool:
    return amount.is_finite() and amount == amount.to_integral_value()
