"""What facts that arrived late would have made of a bill: lines before and after. Pure.

Only counts make a difference: the bill's month is reckoned again with the decisions of then, and a
line whose counts are the same says nothing, whatever a rate has become since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import difference, total
from syncd.core.service.basis import LineBasis
from syncd.sdk.records import canonical_json

MOST_UNITS = 50
"""So many units are named; the number of all of them is told."""

_ZERO = Decimal(0)


class LateProduct(msgspec.Struct, frozen=True):
    """A product, or a part that is billed with one, whose count differs.

    Attributes:
        key: product key.
        product_id: row id, None for one that is not known any more.
        name: for people.
        raw_before: the count that was billed from, before rules.
        raw_after: the count by what is known now.
        billed_before: after rules and pools.
        billed_after: likewise.
    """

    key: str
    product_id: int | None
    name: str
    raw_before: Decimal
    raw_after: Decimal
    billed_before: Decimal
    billed_after: Decimal


class LateLine(msgspec.Struct, frozen=True):
    """A line with such a product.

    Attributes:
        key: `<configuration>/<asset type>`.
        name: for people.
        quantity_before: as billed, 0 for a line that the bill did not have.
        quantity_after: likewise by what is known now.
        price_change: signed, None where the PSA sets the price.
        cost_change: likewise.
        products: those that differ.
    """

    key: str
    name: str
    quantity_before: int
    quantity_after: int
    price_change: Decimal | None
    cost_change: Decimal | None
    products: tuple[LateProduct, ...]


class LateUnits(msgspec.Struct, frozen=True):
    """The units behind a difference.

    Attributes:
        product: product key.
        joined: units that count now and did not, by name.
        left: units that counted and do not now.
        resized: units that count with another quantity.
        n: how many there are in all.
    """

    product: str
    joined: tuple[str, ...]
    left: tuple[str, ...]
    resized: tuple[str, ...]
    n: int


class LateContent(msgspec.Struct, frozen=True):
    """What is kept of a late change.

    Attributes:
        lines: those that differ.
        units: behind them, where the source tells units one by one.
        unproven: code when nothing proves the month any more, else empty.
    """

    lines: tuple[LateLine, ...]
    units: tuple[LateUnits, ...] = ()
    unproven: str = ""

    @property
    def price_change(self) -> Decimal | None:
        """Signed, None where the PSA sets a price or nothing is proven."""
        return self._sum([line.price_change for line in self.lines])

    @property
    def cost_change(self) -> Decimal | None:
        return self._sum([line.cost_change for line in self.lines])

    @property
    def digest(self) -> str:
        """The same for the same facts, whatever rates make of them."""
        facts = [
            (one.key, str(one.raw_before), str(one.raw_after), str(one.billed_after))
            for line in self.lines
            for one in line.products
        ]
        return hashlib.sha256(canonical_json([self.unproven, sorted(facts)])).hexdigest()

    def _sum(self, changes: Sequence[Decimal | None]) -> Decimal | None:
        known = [one for one in changes if one is not None]
        return total(known) if len(known) == len(changes) and not self.unproven else None


def late_difference(sent: Iterable[LineBasis], reckoned: Iterable[LineBasis]) -> LateContent:
    """The lines of a bill whose counts are others by now.

    Args:
        sent: the bill's lines as they were sent.
        reckoned: the same month by the facts of now and the decisions of then.
    """
    before = {line.key: line for line in sent if line.products}
    after = {line.key: line for line in reckoned}
    lines = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        products = tuple(_products(was, now))
        if products:
            shown = now or was
            assert shown is not None
            lines.append(
                LateLine(
                    key=key,
                    name=shown.name,
                    quantity_before=was.quantity if was is not None else 0,
                    quantity_after=now.quantity if now is not None else 0,
                    price_change=_change(was, now, "total_price"),
                    cost_change=_change(was, now, "total_cost"),
                    products=products,
                )
            )
    return LateContent(lines=tuple(lines))


def encode_late(content: LateContent) -> str:
    return canonical_json(content).decode()


def decode_late(text: str) -> LateContent:
    return msgspec.json.decode(text, type=LateContent)


def _products(was: LineBasis | None, now: LineBasis | None) -> Iterable[LateProduct]:
    before, after = _facts(was), _facts(now)
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        shown = new or old
        assert shown is not None
        found = LateProduct(
            key=key,
            product_id=shown.product_id,
            name=shown.name,
            raw_before=old.raw if old is not None else _ZERO,
            raw_after=new.raw if new is not None else _ZERO,
            billed_before=old.billed if old is not None else _ZERO,
            billed_after=new.billed if new is not None else _ZERO,
        )
        if (found.raw_before, found.billed_before) != (found.raw_after, found.billed_after):
            yield found


@dataclass(frozen=True, slots=True)
class _Fact:
    product_id: int | None
    name: str
    raw: Decimal
    billed: Decimal


def _facts(line: LineBasis | None) -> Mapping[str, _Fact]:
    """What was counted of every product of a line, and of what is billed with it."""
    found: dict[str, _Fact] = {}
    for one in line.products if line is not None else ():
        found[one.key] = _Fact(one.product_id, one.name, one.raw, one.billed)
        for part in one.parts:
            held = found.get(part.key)
            raw = part.raw if held is None else total((held.raw, part.raw))
            found[part.key] = _Fact(part.product_id, part.name, raw, raw)
    return found


def _change(was: LineBasis | None, now: LineBasis | None, field: str) -> Decimal | None:
    old: Decimal | None = _ZERO if was is None else getattr(was, field)
    new: Decimal | None = _ZERO if now is None else getattr(now, field)
    return None if old is None or new is None else difference(new, old)
