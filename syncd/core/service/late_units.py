"""The units behind a late change: who joined and left between what was billed and what is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from syncd.core.service.basis import ProductBasis, SnapshotBasis
from syncd.core.service.late_content import MOST_UNITS, LateContent, LateProduct, LateUnits
from syncd.core.store.bills import SentBill
from syncd.core.store.census.evidence import movements

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Bases = Mapping[str, tuple[ProductBasis, SnapshotBasis | None]]
"""Products, and what is billed with them, by key, with the pull of the bill."""


def bases(counted: Iterable[tuple[ProductBasis, SnapshotBasis | None]]) -> Bases:
    return {
        key: (item, snapshot)
        for item, snapshot in counted
        for key in (item.key, *(part.key for part in item.parts))
    }


def corrected_bases(before: Bases, after: Bases, accepted: Sequence[LateContent]) -> Bases:
    """What was billed, with the pulls that corrections rest on in the place of the bill's."""
    found = dict(before)
    for product in (one for content in accepted for line in content.lines for one in line.products):
        shown = found.get(product.key) or after.get(product.key)
        if shown is not None and product.pull is not None:
            item = msgspec.structs.replace(shown[0], snapshot=product.pull)
            found[product.key] = (item, product.pull)
    return found


def with_pulls(content: LateContent, before: Bases, after: Bases) -> LateContent:
    """The content with the pull that shows each count of now."""
    return msgspec.structs.replace(
        content,
        lines=tuple(
            msgspec.structs.replace(
                line,
                products=tuple(
                    msgspec.structs.replace(one, pull=_pull(after, one.key, before))
                    for one in line.products
                ),
            )
            for line in content.lines
        ),
    )


async def units_behind(
    conn: AsyncConnection, bill: SentBill, content: LateContent, before: Bases, after: Bases
) -> tuple[LateUnits, ...]:
    """The units of every product that differs, where the source tells units one by one."""
    return tuple(
        [
            found
            for line in content.lines
            for product in line.products
            if (found := await _units(conn, bill, product, before, after)) is not None
        ]
    )


async def _units(
    conn: AsyncConnection, bill: SentBill, product: LateProduct, before: Bases, after: Bases
) -> LateUnits | None:
    """The units behind a difference; None where one pull alone is behind both counts."""
    shown = after.get(product.key) or before.get(product.key)
    earlier, later = _seq(before, product.key, after), _seq(after, product.key, before)
    if shown is None or product.product_id is None or not earlier or not later:
        return None
    if earlier == later:
        return None
    item, _ = shown
    moved = await movements(
        conn,
        bill.account_id,
        product.product_id,
        min(earlier, later),
        max(earlier, later),
        included=item.included_reasons,
        period=item.facts_of,
        stale_after_days=item.stale_after_days,
        as_of=bill.recorded_at,
    )
    joined = sorted(one.unit.name for one in moved.joined)
    left = sorted(one.unit.name for one in moved.left)
    resized = sorted(one.unit.name for one in moved.resized)
    if later < earlier:
        joined, left = left, joined
    return LateUnits(
        product=product.key,
        joined=tuple(joined[:MOST_UNITS]),
        left=tuple(left[:MOST_UNITS]),
        resized=tuple(resized[:MOST_UNITS]),
        n=len(joined) + len(left) + len(resized),
    )


def _seq(own: Bases, key: str, other: Bases) -> int:
    pull = _pull(own, key, other)
    return pull.seq if pull is not None else 0


def _pull(own: Bases, key: str, other: Bases) -> SnapshotBasis | None:
    """The pull behind a product; one that the bill did not have was counted at the bill's pull."""
    found = own.get(key) or next(iter(own.values()), None) or other.get(key)
    if found is None:
        return None
    item, snapshot = found
    return (item.snapshot if key in own else None) or snapshot
