"""What facts that arrived late would have made of a bill: lines before and after. Pure.

Only counts make a difference, and the days on which they stood where a part of the month is billed:
the bill's month is reckoned again with the decisions of then, and a line whose counts are the same
says nothing, whatever a rate has become since. What a person
accepted as a correction is part of what was billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.core.billing.arithmetic import ZERO, difference, total
from syncd.core.service.basis import LineBasis, ProductBasis
from syncd.core.service.late_content import (
    MOST_UNITS as MOST_UNITS,
)
from syncd.core.service.late_content import (
    LateContent as LateContent,
)
from syncd.core.service.late_content import (
    LateLine as LateLine,
)
from syncd.core.service.late_content import (
    LateProduct as LateProduct,
)
from syncd.core.service.late_content import (
    LateUnits as LateUnits,
)
from syncd.core.service.late_content import (
    decode_late as decode_late,
)
from syncd.core.service.late_content import (
    encode_late as encode_late,
)


def late_difference(
    sent: Iterable[LineBasis],
    reckoned: Iterable[LineBasis],
    accepted: Sequence[LateContent] = (),
) -> LateContent:
    """The lines of a bill whose counts are others by now.

    Args:
        sent: the bill's lines as they were sent.
        reckoned: the same month by the facts of now and the decisions of then.
        accepted: differences of the month that are, or will be, billed as corrections.
    """
    before = {line.key: line for line in sent if line.products}
    after = {line.key: line for line in reckoned}
    corrected = _corrected(accepted)
    lines = []
    for key in sorted(before.keys() | after.keys() | corrected.keys()):
        was, now = before.get(key), after.get(key)
        extra = corrected.get(key, _NOTHING)
        price = _change(was, now, "total_price", extra.price)
        cost = _change(was, now, "total_cost", extra.cost)
        products = tuple(_products(was, now, extra, moved=bool(price or cost)))
        if products:
            lines.append(
                LateLine(
                    key=key,
                    name=now.name if now is not None else was.name if was else extra.name,
                    quantity_before=(was.quantity if was is not None else 0) + extra.quantity,
                    quantity_after=now.quantity if now is not None else 0,
                    price_change=price,
                    cost_change=cost,
                    products=products,
                )
            )
    return LateContent(lines=tuple(lines))


@dataclass(frozen=True, slots=True)
class _Fact:
    product_id: int | None
    name: str
    raw: Decimal
    billed: Decimal
    share: str = ""


@dataclass(slots=True)
class _Corrected:
    """What corrections added to a line."""

    name: str = ""
    quantity: int = 0
    price: Decimal | None = ZERO
    cost: Decimal | None = ZERO
    facts: dict[str, _Fact] = field(default_factory=dict)


_NOTHING = _Corrected()


def _corrected(accepted: Sequence[LateContent]) -> dict[str, _Corrected]:
    found: dict[str, _Corrected] = {}
    for line in (line for content in accepted for line in content.lines):
        held = found.setdefault(line.key, _Corrected())
        held.name = line.name
        held.quantity += line.quantity_after - line.quantity_before
        held.price = _sum(held.price, line.price_change)
        held.cost = _sum(held.cost, line.cost_change)
        for one in line.products:
            fact = held.facts.get(one.key)
            held.facts[one.key] = _Fact(
                one.product_id,
                one.name,
                total((_raw(fact), difference(one.raw_after, one.raw_before))),
                total((_billed(fact), difference(one.billed_after, one.billed_before))),
            )
    return found


def _products(
    was: LineBasis | None, now: LineBasis | None, extra: _Corrected, *, moved: bool
) -> Iterable[LateProduct]:
    """Products whose count differs, or whose days do where that moves the line's money."""
    before, after = _facts(was), _facts(now)
    for key in sorted(before.keys() | after.keys() | extra.facts.keys()):
        old, new, more = before.get(key), after.get(key), extra.facts.get(key)
        shown = new or old or more
        assert shown is not None
        found = LateProduct(
            key=key,
            product_id=shown.product_id,
            name=shown.name,
            raw_before=total((_raw(old), _raw(more))),
            raw_after=_raw(new),
            billed_before=total((_billed(old), _billed(more))),
            billed_after=_billed(new),
            share_before=old.share if old is not None else "",
            share_after=new.share if new is not None else "",
        )
        counts = (found.raw_before, found.billed_before) != (found.raw_after, found.billed_after)
        if counts or (moved and found.share_before != found.share_after):
            yield found


def _facts(line: LineBasis | None) -> Mapping[str, _Fact]:
    """What was counted of every product of a line, and of what is billed with it."""
    found: dict[str, _Fact] = {}
    for one in line.products if line is not None else ():
        found[one.key] = _Fact(one.product_id, one.name, one.raw, one.billed, _share(one))
        for part in one.parts:
            held = found.get(part.key)
            raw = part.raw if held is None else total((held.raw, part.raw))
            found[part.key] = _Fact(part.product_id, part.name, raw, raw)
    return found


def _share(item: ProductBasis) -> str:
    days = item.prorated
    return "" if days is None else f"{days.whole} x {days.top}/{days.bottom}"


def _raw(fact: _Fact | None) -> Decimal:
    return ZERO if fact is None else fact.raw


def _billed(fact: _Fact | None) -> Decimal:
    return ZERO if fact is None else fact.billed


def _change(
    was: LineBasis | None, now: LineBasis | None, name: str, extra: Decimal | None
) -> Decimal | None:
    old: Decimal | None = ZERO if was is None else getattr(was, name)
    new: Decimal | None = ZERO if now is None else getattr(now, name)
    if old is None or new is None or extra is None:
        return None
    return difference(difference(new, old), extra)


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else total((one, other))
