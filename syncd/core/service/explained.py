"""The evidence behind a line: its units, those left out, and what moved since the bill before.

All of it is read as it was known when the figures were made, so that later exclusions, voided pulls
and corrected bills change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.basis import ProductBasis, SnapshotBasis, decode_line
from syncd.core.service.explanation import (
    DaySpan,
    ExplainedLine,
    ExplainedPart,
    ExplainedProduct,
    Origin,
    Since,
)
from syncd.core.service.replay import FoundLine
from syncd.core.service.steps import steps_of
from syncd.core.store.billed import bill_heads, line_bases, measures, remote_of
from syncd.core.store.census.counts import counts_at
from syncd.core.store.census.evidence import evidence, movements
from syncd.core.store.census.moved_days import with_moments
from syncd.core.store.census.records import EvidenceUnit, Moved, Movements, Resized
from syncd.core.store.census.snapshots import day_snapshots
from syncd.sdk.period import Period, day_start
from syncd.sdk.records import Measure

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader


class Evidence:
    """Explains the lines of one client; the bill before is read once per account.

    Args:
        conn: a reader's connection.
        timezone: of billing.
        product: only this one, by key or name; None for all.
    """

    def __init__(self, conn: Reader, timezone: ZoneInfo, product: str | None) -> None:
        self._conn = conn
        self._timezone = timezone
        self._product = product
        self._before: dict[tuple[int, str], list[FoundLine]] = {}

    async def line(self, found: FoundLine) -> ExplainedLine:
        """A line with everything behind it."""
        items = [item for item in found.line.products if names(item, self._product)]
        wanted = {item.product_id for item in items if item.product_id is not None}
        wanted |= {part.product_id for item in items for part in item.parts}
        kinds = await measures(self._conn, wanted)
        return ExplainedLine(
            bill=found.bill,
            line=found.line,
            origin=found.origin,
            status=found.status,
            kind=found.kind,
            revision=found.revision,
            plan_id=found.plan_id,
            known_at=found.known_at,
            recorded_at=found.recorded_at,
            completed_at=found.completed_at,
            released=found.released,
            reopened=found.reopened,
            remote=await self._remote(found),
            products=tuple([await self._explained(found, item, kinds) for item in items]),
        )

    async def _remote(self, found: FoundLine) -> str | None:
        if found.origin is Origin.COMPUTED:
            return None
        return await remote_of(self._conn, found.plan_id, found.line.external_key)

    async def _explained(
        self, found: FoundLine, item: ProductBasis, kinds: Mapping[int, Measure]
    ) -> ExplainedProduct:
        measure = kinds.get(item.product_id or 0, Measure.COUNT)
        snapshot = item.snapshot or found.bill.snapshot
        counted: list[EvidenceUnit] = []
        excluded: list[EvidenceUnit] = []
        days: list[DaySpan] = []
        since: Since | None = None
        if snapshot is not None and item.product_id is not None:
            for unit in await self._units(found, item, snapshot):
                counts = unit.excluded is None or unit.excluded in item.included_reasons
                (counted if counts else excluded).append(unit)
            if item.prorated is not None and item.prorated.spans:
                days = [
                    DaySpan(first=s.first, last=s.last, quantity=s.quantity)
                    for s in item.prorated.spans
                ]
            elif item.month is not None and not item.facts_of:
                days = await self._days(found, item)
            since = await self._since(found, item, snapshot)
        return ExplainedProduct(
            basis=item,
            measure=measure,
            snapshot=snapshot,
            steps=steps_of(item, found.line, found.bill.currency, measure=measure),
            counted=tuple(counted),
            excluded=tuple(excluded),
            days=tuple(days),
            since=since,
            parts=tuple(
                [
                    ExplainedPart(
                        basis=part,
                        measure=kinds.get(part.product_id, Measure.COUNT),
                        counted=tuple(await self._part(found, item, part.product_id, snapshot)),
                    )
                    for part in item.parts
                ]
            ),
        )

    async def _part(
        self,
        found: FoundLine,
        item: ProductBasis,
        product_id: int,
        snapshot: SnapshotBasis | None,
    ) -> list[EvidenceUnit]:
        """Units of what is billed with a storage, at the same pull and of the same month."""
        if snapshot is None:
            return []
        units = await evidence(
            self._conn,
            found.bill.account_id,
            product_id,
            snapshot.seq,
            period=item.facts_of,
            as_of=found.known_at,
        )
        return [unit for unit in units if unit.excluded is None]

    async def _units(
        self, found: FoundLine, item: ProductBasis, snapshot: SnapshotBasis
    ) -> list[EvidenceUnit]:
        if item.product_id is None:
            return []
        return await evidence(
            self._conn,
            found.bill.account_id,
            item.product_id,
            snapshot.seq,
            period=item.facts_of,
            stale_after_days=item.stale_after_days,
            as_of=found.known_at,
        )

    async def _since(
        self, found: FoundLine, item: ProductBasis, snapshot: SnapshotBasis
    ) -> Since | None:
        """The difference to the bill before, where that had the product and names its pull."""
        for line in await self._lines_before(found):
            earlier = next((one for one in line.line.products if one.key == item.key), None)
            if earlier is None:
                continue
            pull = earlier.snapshot or line.bill.snapshot
            if pull is None or (pull.seq > snapshot.seq and not item.facts_of):
                continue
            return Since(
                period=line.bill.period,
                quantity=earlier.raw,
                movements=await self._movements(found, item, snapshot, line, earlier, pull),
            )
        return None

    async def _movements(
        self,
        found: FoundLine,
        item: ProductBasis,
        snapshot: SnapshotBasis,
        line: FoundLine,
        earlier: ProductBasis,
        pull: SnapshotBasis,
    ) -> Movements:
        if item.facts_of or earlier.facts_of:
            # Facts of two months stand side by side in the census: neither replaced the other.
            return differences(
                _counting(await self._units(line, earlier, pull), earlier),
                _counting(await self._units(found, item, snapshot), item),
            )
        assert item.product_id is not None
        moves = await movements(
            self._conn,
            found.bill.account_id,
            item.product_id,
            pull.seq,
            snapshot.seq,
            included=item.included_reasons,
            stale_after_days=item.stale_after_days,
            as_of=found.known_at,
            from_as_of=line.known_at,
        )
        return await with_moments(
            self._conn,
            found.bill.account_id,
            item.product_id,
            moves,
            from_seq=pull.seq,
            to_seq=snapshot.seq,
            included=item.included_reasons,
        )

    async def _lines_before(self, found: FoundLine) -> list[FoundLine]:
        """Lines of the account's bill of an earlier month, as it stood when this was made.

        A bill of a month that went on is none: what it said was never final.
        """
        key = (found.bill.account_id, found.bill.period)
        if key in self._before:
            return self._before[key]
        lines: list[FoundLine] = []
        heads = await bill_heads(self._conn, account_id=key[0], as_of=found.known_at)
        head = next((one for one in heads if one.period < key[1] and not one.running), None)
        if head is not None:
            for _, text in await line_bases(self._conn, head.id):
                basis = decode_line(text)
                lines.append(
                    FoundLine(
                        bill=basis.bill,
                        line=basis.line,
                        origin=Origin.BILL,
                        status="",
                        known_at=head.made_at,
                    )
                )
        self._before[key] = lines
        return lines

    async def _days(self, found: FoundLine, item: ProductBasis) -> list[DaySpan]:
        """Counts at the end of each day, days in a row."""
        bill = found.bill
        days = [
            day
            for day in Period.parse(bill.period).days
            if day_start(day, self._timezone) < found.known_at
        ]
        ends = [day_start(day + timedelta(days=1), self._timezone) for day in days]
        shots = await day_snapshots(self._conn, bill.connection_id, ends, as_of=found.known_at)
        counts: dict[int, int] = {}
        spans: list[DaySpan] = []
        for day, seq in zip(days, shots.of(bill.account_id), strict=True):
            if seq is None:
                continue
            if seq not in counts:
                rows = await counts_at(
                    self._conn,
                    bill.connection_id,
                    seq,
                    accounts=[bill.account_id],
                    included=item.included_reasons,
                    stale_after_days=item.stale_after_days,
                    as_of=found.known_at,
                )
                counts[seq] = sum(row.quantity for row in rows if row.product_id == item.product_id)
            last = spans[-1] if spans else None
            if last is not None and last.quantity == counts[seq] and (day - last.last).days == 1:
                spans[-1] = DaySpan(first=last.first, last=day, quantity=last.quantity)
            else:
                spans.append(DaySpan(first=day, last=day, quantity=counts[seq]))
        return spans


def names(item: ProductBasis, product: str | None) -> bool:
    """Whether a person's word, a key or a name, means this product; None means every one."""
    if product is None:
        return True
    return product.strip().casefold() in {item.key.casefold(), item.name.casefold()}


def differences(before: dict[str, EvidenceUnit], after: dict[str, EvidenceUnit]) -> Movements:
    """By which units two counts of different months differ."""
    return Movements(
        joined=tuple(Moved(after[unit], False, None) for unit in after if unit not in before),
        left=tuple(Moved(before[unit], False, None) for unit in before if unit not in after),
        resized=tuple(
            Resized(after[unit], before[unit].quantity)
            for unit in after
            if unit in before and before[unit].quantity != after[unit].quantity
        ),
    )


def _counting(units: list[EvidenceUnit], item: ProductBasis) -> dict[str, EvidenceUnit]:
    return {
        unit.unit: unit
        for unit in units
        if unit.excluded is None or unit.excluded in item.included_reasons
    }
