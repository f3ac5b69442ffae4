"""What is kept of a late change: the lines that differ, the counts, and the units behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import total
from syncd.core.billing.wording import amount
from syncd.core.service.snapshot_basis import SnapshotBasis
from syncd.sdk.records import canonical_json

MOST_UNITS = 50
"""So many units are named; the number of all of them is told."""


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
        pull: that shows the count of now, None where nothing does.
        share_before: of a whole month's money by the days that were billed, empty for all of it.
        share_after: likewise by what is known now.
    """

    key: str
    product_id: int | None
    name: str
    raw_before: Decimal
    raw_after: Decimal
    billed_before: Decimal
    billed_after: Decimal
    pull: SnapshotBasis | None = None
    share_before: str = ""
    share_after: str = ""

    @property
    def said(self) -> str:
        """Such as `Servers 12 -> 14`; a count that stayed may have stood on other days."""
        counts = f"{self.name} {amount(self.raw_before, 0)} -> {amount(self.raw_after, 0)}"
        days = self.share_before != self.share_after
        return f"{counts} (on other days of the month)" if days else counts


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
        facts: list[tuple[str, ...]] = [
            (
                *(one.key, str(one.raw_before), str(one.raw_after), str(one.billed_after)),
                *((one.share_after, str(line.price_change)) if one.share_after else ()),
            )
            for line in self.lines
            for one in line.products
        ]
        return hashlib.sha256(canonical_json([self.unproven, sorted(facts)])).hexdigest()

    def _sum(self, changes: Sequence[Decimal | None]) -> Decimal | None:
        known = [one for one in changes if one is not None]
        return total(known) if len(known) == len(changes) and not self.unproven else None


def encode_late(content: LateContent) -> str:
    return canonical_json(content).decode()


def decode_late(text: str) -> LateContent:
    return msgspec.json.decode(text, type=LateContent)
