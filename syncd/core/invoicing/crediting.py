"""Credit notes that follow a change in the PSA: what they say, and how much settles an invoice.

A credit note is made only where it says exactly what the change is worth, never roughly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import LedgerLine

_CENT: Final = Decimal("0.01")


def credit_lines(
    before: Sequence[LedgerLine], after: Sequence[LedgerLine], number: str
) -> tuple[LedgerLine, ...] | None:
    """Lines of a credit note that turns `before` into `after`; None where the invoice grew.

    A whole invoice (`after` is empty) is credited line by line as it was posted. A change is
    credited by what fell in each tax code, account, item and tracking; where anything rose, a
    credit note cannot say it.
    """
    if not after:
        return tuple(before)
    left: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    sample: dict[tuple[object, ...], LedgerLine] = {}
    for line, sign in _signed(before, after):
        about = (line.tax_code, line.meaning, line.account, line.item, line.tracking)
        left[about] += sign * line.net
        sample.setdefault(about, line)
    if any(amount < 0 for amount in left.values()) or not any(left.values()):
        return None
    return tuple(
        LedgerLine(
            description=f"Change of invoice {number}",
            quantity=Decimal(1),
            unit_price=amount.quantize(_CENT),
            net=amount.quantize(_CENT),
            tax_code=sample[about].tax_code,
            meaning=sample[about].meaning,
            account=sample[about].account,
            item=sample[about].item,
            tracking=sample[about].tracking,
        )
        for about, amount in left.items()
        if amount
    )


def allocatable(credit: LedgerEntry, invoice: LedgerEntry) -> Decimal:
    """How much of a credit note settles its invoice now; 0 while one of them is not open.

    Never more than is left of either, and never across contacts or currencies.
    """
    if credit.status is not EntryStatus.OPEN or invoice.status is not EntryStatus.OPEN:
        return Decimal(0)
    if (credit.currency, credit.contact) != (invoice.currency, invoice.contact):
        return Decimal(0)
    return max(Decimal(0), min(credit.balance, invoice.balance))


def _signed(
    before: Iterable[LedgerLine], after: Iterable[LedgerLine]
) -> Iterable[tuple[LedgerLine, int]]:
    yield from ((line, 1) for line in before if not line.text_only)
    yield from ((line, -1) for line in after if not line.text_only)
