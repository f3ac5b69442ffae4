"""Which accepted differences the bill of a month carries, and what showed them.

A difference goes into the next final bill of its account and stays in it. It waits while that
bill is held, belongs to another client, or was never delivered; it ends where the corrected month
itself is billed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syncd.core.billing.arithmetic import ZERO, total
from syncd.core.billing.corrections import CorrectionDue, correction_key, is_correction
from syncd.core.billing.model import Mode
from syncd.core.service.basis import CorrectionBasis
from syncd.core.service.late_content import decode_late
from syncd.core.service.ledger import AccountBooks, Books, line_key
from syncd.core.store.corrections import (
    LateEvidence,
    StoredCorrection,
    all_corrections,
    evidence_of,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """The bill that may carry corrections.

    Attributes:
        period: `YYYY-MM`.
        client: PSA client id.
        currency: of the bill.
    """

    period: str
    client: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionBook:
    """Corrections as they stand.

    Attributes:
        rows: by account id, the oldest first.
        evidence: by late change.
        only_carried: leave out what waits: for months that nobody is about to bill.
    """

    rows: Mapping[int, Sequence[StoredCorrection]] = field(default_factory=dict)
    evidence: Mapping[int, LateEvidence] = field(default_factory=dict)
    only_carried: bool = False

    def due(
        self, account_id: int, bill: Bearer, books: AccountBooks
    ) -> tuple[StoredCorrection, ...]:
        """What the bill carries: what it carried before, and what waits for a bill."""
        rows = self.rows.get(account_id)
        if not rows:
            return ()
        lost = () if self.only_carried else set(_undelivered(rows, bill.period, books))
        return tuple(
            one
            for one in rows
            if one.period < bill.period
            and one.client_key == bill.client
            and one.currency == bill.currency
            and (
                one.billed_in == bill.period
                or (not one.billed_in and not self.only_carried)
                or one.id in lost
            )
        )

    def absorbed(self, account_id: int, period: str) -> tuple[StoredCorrection, ...]:
        """What waits to correct this very month: billed again, it holds the facts of now."""
        rows = self.rows.get(account_id, ())
        return tuple(one for one in rows if one.period == period and not one.billed_in)

    def basis(self, one: StoredCorrection) -> CorrectionBasis:
        """What is kept with the line, so that it can be explained for ever."""
        shown = self.evidence[one.late_change_id]
        content = decode_late(shown.content)
        line = next(line for line in content.lines if line.key == one.line_key)
        keys = {product.key for product in line.products}
        return CorrectionBasis(
            late_change=one.late_change_id,
            period=one.period,
            price=one.price,
            cost=one.cost,
            by=one.accepted_by,
            reason=one.reason,
            at=one.accepted_at,
            found_at=shown.found_at,
            products=line.products,
            units=tuple(each for each in content.units if each.product in keys),
        )


NO_CORRECTIONS = CorrectionBook()


async def load_corrections(
    conn: AsyncConnection, period: str, books: Books, *, only_carried: bool = False
) -> CorrectionBook:
    """The corrections that bills of the month may carry.

    Args:
        conn: a reader's connection.
        period: month of the bills, `YYYY-MM`.
        books: of the accounts.
        only_carried: those that a bill carries already, and none that waits.
    """
    rows = await all_corrections(conn)
    wanted: set[int] = set()
    for account_id, found in rows.items():
        lost = set() if only_carried else set(_undelivered(found, period, books.of(account_id)))
        asked = {period} if only_carried else {period, ""}
        wanted |= {one.late_change_id for one in found if one.billed_in in asked or one.id in lost}
    return CorrectionBook(
        rows=rows, evidence=await evidence_of(conn, wanted), only_carried=only_carried
    )


def as_due(found: Sequence[StoredCorrection]) -> tuple[CorrectionDue, ...]:
    return tuple(
        CorrectionDue(
            id=one.id,
            period=one.period,
            line_key=one.line_key,
            name=one.name,
            price=one.price,
            cost=one.cost,
        )
        for one in found
    )


def without_rest(
    existing: Mapping[str, Mode], books: AccountBooks, period: str
) -> Mapping[str, Mode]:
    """The lines to take to zero, without corrections that went back to nothing months ago."""
    slots = {line.uid: line_key(line.slot) for line in books.lines}
    resting = {
        slots[record.line_uid]
        for record in books.records
        if record.line_uid in slots
        and is_correction(slots[record.line_uid])
        and record.sent_period != period
        and record.sent is not None
        and not record.sent.quantity
    }
    if not resting:
        return existing
    return {key: mode for key, mode in existing.items() if key not in resting}


def _undelivered(
    rows: Sequence[StoredCorrection], period: str, books: AccountBooks
) -> Iterator[int]:
    """Row ids that an earlier bill took and that no record of the PSA ever showed."""
    groups: dict[tuple[str, str], list[StoredCorrection]] = {}
    for one in rows:
        if one.period < one.billed_in < period:
            key = correction_key(one.line_key, one.period)
            groups.setdefault((key, one.billed_in), []).append(one)
    if not groups:
        return
    slots = {line.uid: line_key(line.slot) for line in books.lines}
    shown: dict[str, str] = {}
    for record in books.records:
        key = slots.get(record.line_uid, "")
        shown[key] = max(shown.get(key, ""), record.sent_period)
    for (key, billed_in), found in groups.items():
        if shown.get(key, "") < billed_in and _worth(found):
            yield from (one.id for one in found)


def _worth(found: Sequence[StoredCorrection]) -> bool:
    """Whether they come to anything; what comes to nothing makes no record."""
    return bool(
        total(one.price or ZERO for one in found) or total(one.cost or ZERO for one in found)
    )
