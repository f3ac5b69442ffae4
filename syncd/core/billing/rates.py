"""What one product costs and sells for: the rate in the billing currency, and exact money from it.

Nothing is converted and nothing is rounded here; an unset rate counts 0 and is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import BYTES_PER_GB, ZERO, product_and, quotient
from syncd.core.billing.model import LineProduct, QuantityRule, Rate, StorageUsage, Usage
from syncd.core.billing.quantity import Counted

NO_RATE = Rate()


class Priced(msgspec.Struct, frozen=True, gc=False):
    """A product of a line with its money and what is missing in its rate.

    Attributes:
        basis: what `explain` prints.
        fee_cost: part of the cost that does not follow the quantity (limits, restored volume).
        fee_price: likewise of the price.
        missing: the parts of the rate that are needed and unset: `cost`, `price`, and for
            restored volume `restore_cost`, `restore_price`.
    """

    basis: LineProduct
    fee_cost: Decimal
    fee_price: Decimal
    missing: tuple[str, ...]


def rate_in(rates: Sequence[Rate], currency: str) -> Rate | None:
    """The rate in the currency, or None; `checks` has refused two of one currency."""
    for rate in rates:
        if rate.currency == currency:
            return rate
    return None


def priced(
    key: str, usage: Usage, counted: Counted, rate: Rate | None, rule: QuantityRule
) -> Priced:
    """Exact cost and price of a product: billed amount x rate, plus fees of a storage."""
    chosen = rate or NO_RATE
    restored = fees_cost = fees_price = ZERO
    if isinstance(usage, StorageUsage):
        restored = quotient(usage.restore_bytes, BYTES_PER_GB)
        limit_cost, limit_price = usage.limit_cost, usage.limit_price
        fees_cost = product_and(restored, chosen.restore_cost or ZERO, limit_cost)
        fees_price = product_and(restored, chosen.restore_price or ZERO, limit_price)
    return Priced(
        basis=LineProduct(
            product=key,
            raw=counted.raw,
            billed=counted.billed,
            quantity=counted.quantity,
            cost=product_and(counted.billed, chosen.cost or ZERO, fees_cost),
            price=product_and(counted.billed, chosen.price or ZERO, fees_price),
            unit_cost=chosen.cost,
            unit_price=chosen.price,
            rate_version=chosen.version,
            rule_version=rule.version,
        ),
        fee_cost=fees_cost,
        fee_price=fees_price,
        missing=_missing(chosen, used=bool(counted.quantity or counted.billed), restored=restored),
    )


def _missing(rate: Rate, *, used: bool, restored: Decimal) -> tuple[str, ...]:
    if rate.cost is not None and rate.price is not None and not restored:
        return ()
    needed = (
        ("cost", rate.cost, used),
        ("price", rate.price, used),
        ("restore_cost", rate.restore_cost, restored),
        ("restore_price", rate.restore_price, restored),
    )
    return tuple([name for name, value, needs in needed if value is None and needs])
