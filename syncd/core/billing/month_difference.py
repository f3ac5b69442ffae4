"""Why a client's bill is not what it was the month before, in money that adds up to the cent.

Each product's money moves by its count, its rule, its price, or its fees; what rounding leaves is
named. The order is fixed: counts and rules at the old price, then the price at the new count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import ZERO, difference, product, rounded, total


class ProductMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One product of a line in one month.

    Attributes:
        raw: count before rules, or GB.
        billed: after rules, in what the price is for.
        unit_price: None when unset.
        price: exact money, fees included.
        rule: what made `billed` of `raw`; two months with the same text have the same rule.
    """

    raw: Decimal
    billed: Decimal
    unit_price: Decimal | None
    price: Decimal
    rule: str


class LineMonth(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bill in one month.

    Attributes:
        price: money of the line, None where the PSA's own price applies.
        correction: it corrects an earlier month and counts nothing of this one.
        products: by key.
    """

    price: Decimal | None
    correction: bool = False
    products: Mapping[str, ProductMonth] = {}


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A difference between two months, by cause; the parts add up to the whole.

    Attributes:
        joined: units that are billed and were not, at the old price (a new product: at its own).
        left: units that were billed and are not; negative.
        price: the change of prices, at the new count.
        rule: what included units, blocks, bounds and overrides changed.
        correction: lines that correct earlier months.
        fees: restored volume, limits, and other money without a count.
        rounding: what rounding lines to cents leaves.
    """

    joined: Decimal = ZERO
    left: Decimal = ZERO
    price: Decimal = ZERO
    rule: Decimal = ZERO
    correction: Decimal = ZERO
    fees: Decimal = ZERO
    rounding: Decimal = ZERO

    @property
    def whole(self) -> Decimal:
        return total(getattr(self, name) for name in CAUSES)

    def plus(self, other: Split) -> Split:
        both = ((name, getattr(self, name), getattr(other, name)) for name in CAUSES)
        return Split(**{name: total((one, more)) for name, one, more in both})

    def in_money(self, scale: int) -> Split:
        """Each part half-up to `scale` decimals; what that leaves over is rounding."""
        parts = {name: rounded(getattr(self, name), scale) for name in CAUSES[:-1]}
        rest = difference(rounded(self.whole, scale), total(parts.values()))
        return Split(**parts, rounding=rest)


CAUSES = ("joined", "left", "price", "rule", "correction", "fees", "rounding")
"""The parts of a `Split`, in the order in which they are told."""

_NOTHING = ProductMonth(raw=ZERO, billed=ZERO, unit_price=None, price=ZERO, rule="")


def split(before: Sequence[LineMonth], now: Sequence[LineMonth]) -> Split:
    """Why the money of `now` is not that of `before`.

    A product is the same wherever it stands, so that a move to another line is no difference. Lines
    whose money is not known are left out on both sides.
    """
    old, new = _products(before), _products(now)
    parts = Split(correction=_corrections(now) - _corrections(before))
    for key in {**old, **new}:
        parts = parts.plus(_of_product(old.get(key, _NOTHING), new.get(key, _NOTHING)))
    return parts.plus(Split(rounding=_rounded_away(now, new) - _rounded_away(before, old)))


def _of_product(old: ProductMonth, new: ProductMonth) -> Split:
    change = difference(new.price, old.price)
    if not change and old.billed == new.billed:
        return Split()
    was = old.unit_price if old is not _NOTHING else new.unit_price
    now = new.unit_price if new is not _NOTHING else old.unit_price
    was, now = was or ZERO, now or ZERO
    counted = product(difference(new.billed, old.billed), was)
    by_rule = ZERO
    if old is not _NOTHING and new is not _NOTHING and old.rule != new.rule:
        by_rule = difference(counted, product(difference(new.raw, old.raw), was))
    by_count = difference(counted, by_rule)
    by_price = product(new.billed, difference(now, was))
    return Split(
        joined=max(by_count, ZERO),
        left=min(by_count, ZERO),
        price=by_price,
        rule=by_rule,
        fees=difference(change, total((counted, by_price))),
    )


def _products(lines: Sequence[LineMonth]) -> dict[str, ProductMonth]:
    found: dict[str, ProductMonth] = {}
    for line in lines:
        if line.price is None or line.correction:
            continue
        for key, one in line.products.items():
            other = found.get(key)
            found[key] = one if other is None else _together(other, one)
    return found


def _together(one: ProductMonth, other: ProductMonth) -> ProductMonth:
    """A product of two accounts of one client; two prices of it cannot be told apart as one."""
    same = one.unit_price == other.unit_price
    return ProductMonth(
        raw=total((one.raw, other.raw)),
        billed=total((one.billed, other.billed)),
        unit_price=one.unit_price if same else None,
        price=total((one.price, other.price)),
        rule=one.rule if one.rule == other.rule else f"{one.rule}+{other.rule}",
    )


def _corrections(lines: Sequence[LineMonth]) -> Decimal:
    return total(line.price for line in lines if line.correction and line.price is not None)


def _rounded_away(lines: Sequence[LineMonth], products: Mapping[str, ProductMonth]) -> Decimal:
    billed = total(line.price for line in lines if not line.correction and line.price is not None)
    return difference(billed, total(one.price for one in products.values()))
