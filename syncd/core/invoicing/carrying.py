"""What happens in the books when the PSA changed or voided an invoice that is there: pure rules.

What is paid, allocated, in a locked period or not written by us is never voided; a credit note is
made only where it says exactly what the change is worth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from syncd.core.invoicing.drift import STANDING
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import LedgerLine

CENT: Final = Decimal("0.01")

POSTED_BEFORE_US: Final = "POSTED_BEFORE_US"
PAID_IN_BOOKS: Final = "PAID_IN_BOOKS"
ALLOCATED_IN_BOOKS: Final = "ALLOCATED_IN_BOOKS"
PERIOD_LOCKED: Final = "PERIOD_LOCKED"
DRIFTED_IN_BOOKS: Final = "DRIFTED_IN_BOOKS"
CREDIT_IMPOSSIBLE: Final = "CREDIT_IMPOSSIBLE"
CREDITED_ALREADY: Final = "CREDITED_ALREADY"
CREDIT_UNALLOCATED: Final = "CREDIT_UNALLOCATED"


class Moved(StrEnum):
    """What happened to a posted invoice in the PSA."""

    EDITED = "edited"
    VOIDED = "voided"
    GONE = "gone"


class Step(StrEnum):
    """Steps of a plan that follow a change; each waits for the one before it to be confirmed."""

    VOID = "void"
    CREDIT = "credit"
    ALLOCATE = "allocate"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a step is not taken.

    Attributes:
        code: stable, upper-case.
        message: one sentence with the figures.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A document of ours as it stands in the books at this moment.

    Attributes:
        entry: just read, whole.
        ours: we wrote it; False for one that was there before us.
        drifted: somebody changed it in the books, and nobody has accepted that.
        locked_until: documents up to this day cannot be changed; None for no lock.
    """

    entry: LedgerEntry
    ours: bool
    drifted: bool
    locked_until: date | None


def may_not_void(posted: Posted) -> Refusal | None:
    """Why a document must not be voided; None where nothing forbids it.

    A document that is voided in the books already needs no void and is no case of this function.
    """
    entry = posted.entry
    told = f"{entry.kind.value} {entry.number}"
    if not posted.ours:
        return Refusal(POSTED_BEFORE_US, f"{told} was in the books before us")
    if posted.drifted:
        return Refusal(DRIFTED_IN_BOOKS, f"{told} was changed in the books since it was confirmed")
    if entry.paid or entry.status is EntryStatus.PAID:
        message = f"{told} is paid with {entry.paid:,.2f} {entry.currency} in the books"
        return Refusal(PAID_IN_BOOKS, message)
    if entry.credited or (entry.status is EntryStatus.OPEN and entry.balance != entry.total):
        used = entry.credited or entry.total - entry.balance
        message = f"{told} is allocated with {used:,.2f} {entry.currency} in the books"
        return Refusal(ALLOCATED_IN_BOOKS, message)
    return _locked(posted, entry.dated)


def may_not_credit(posted: Posted, today: date) -> Refusal | None:
    """Why no credit note may follow a document; None where nothing forbids it."""
    entry = posted.entry
    if entry.kind is DocumentKind.CREDIT:
        message = f"credit note {entry.number} cannot be credited itself"
        return Refusal(CREDIT_IMPOSSIBLE, message)
    if not posted.ours:
        return Refusal(POSTED_BEFORE_US, f"invoice {entry.number} was in the books before us")
    if posted.drifted:
        message = f"invoice {entry.number} was changed in the books since it was confirmed"
        return Refusal(DRIFTED_IN_BOOKS, message)
    return _locked(posted, today)


def _locked(posted: Posted, day: date) -> Refusal | None:
    if posted.locked_until is not None and day <= posted.locked_until:
        message = f"the books are closed up to {posted.locked_until}, which includes {day}"
        return Refusal(PERIOD_LOCKED, message)
    return None


def allocatable(credit: LedgerEntry, invoice: LedgerEntry) -> Decimal:
    """How much of a credit note settles its invoice now; 0 while one of them is not open.

    Never more than is left of either, and never across contacts or currencies.
    """
    if credit.status is not EntryStatus.OPEN or invoice.status is not EntryStatus.OPEN:
        return Decimal(0)
    if credit.currency != invoice.currency or credit.contact != invoice.contact:
        return Decimal(0)
    return max(Decimal(0), min(credit.balance, invoice.balance))


def settled_in_books(invoice: LedgerEntry) -> bool:
    """Nothing is left of it that a credit note could be allocated to."""
    return invoice.status is EntryStatus.PAID or invoice.status not in STANDING


def credit_lines(
    before: Sequence[LedgerLine], after: Sequence[LedgerLine], number: str
) -> tuple[LedgerLine, ...] | None:
    """Lines of a credit note that turns `before` into `after`; None where the invoice grew.

    A whole invoice is credited line by line as it was posted. A change is credited by what fell in
    each tax code, account, item and tracking; what rose anywhere is no matter of a credit note.
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
            unit_price=amount.quantize(CENT),
            net=amount.quantize(CENT),
            tax_code=sample[about].tax_code,
            meaning=sample[about].meaning,
            account=sample[about].account,
            item=sample[about].item,
            tracking=sample[about].tracking,
        )
        for about, amount in left.items()
        if amount
    )


def _signed(
    before: Sequence[LedgerLine], after: Sequence[LedgerLine]
) -> Iterable[tuple[LedgerLine, int]]:
    yield from ((line, 1) for line in before if not line.text_only)
    yield from ((line, -1) for line in after if not line.text_only)
