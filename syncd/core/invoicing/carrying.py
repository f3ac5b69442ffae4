"""What is done in the books when the PSA voided or changed an invoice that was posted.

Nothing by itself unless a person chose so for the book; never a void of what is paid, allocated or
in a closed period, whatever was chosen. A changed invoice never becomes a second document.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from syncd.core.invoicing.recognition import GONE
from syncd.core.invoicing.rules import CREDIT, REISSUE
from syncd.core.invoicing.wording import shown
from syncd.sdk.ledger_records import EntryStatus, LedgerBook, LedgerEntry


class CarryStep(StrEnum):
    """What is planned; each is a row of a plan, with its effect in money."""

    NOTHING = "nothing"
    """The books show already what the PSA wants."""
    HOLD = "hold"
    """A person decides; the message says why."""
    VOID = "void"
    REISSUE = "reissue"
    """Void, then post anew under the next issue, as two rows."""
    CREDIT = "credit"
    """Post a credit note over the whole amount, then allocate it as a second step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """The decision on one document.

    Attributes:
        step: what is planned.
        code: why it is held, stable; empty otherwise.
        message: one sentence.
    """

    step: CarryStep
    code: str = ""
    message: str = ""


def carry_void(policy: str, entry: LedgerEntry | None, book: LedgerBook, *, today: date) -> Carry:
    """What follows from an invoice that was voided in the PSA.

    Args:
        policy: `on_void` of the book.
        entry: the document as the books show it now; None where it is gone.
        book: for its closed periods.
        today: day of a credit note.
    """
    if entry is None or entry.status in GONE:
        return Carry(step=CarryStep.NOTHING, message="the books do not count it any more")
    if policy == CREDIT:
        return _credit(entry, book, today)
    if policy != REISSUE:
        return _hold("VOIDED_IN_PSA", "the PSA voided it, and it stands in the books")
    return _fixed(entry, book) or Carry(step=CarryStep.VOID, message="the PSA voided it")


def carry_edit(policy: str, entry: LedgerEntry | None, book: LedgerBook, *, today: date) -> Carry:
    """What follows from an invoice that was changed in the PSA after it was posted."""
    if entry is None or entry.status in GONE:
        message = "the PSA changed it, and the books do not count it any more"
        return _hold("CHANGED_IN_PSA", message)
    anew = Carry(step=CarryStep.REISSUE, message="the PSA changed it: it is voided and posted anew")
    if policy == CREDIT:
        made = _credit(entry, book, today)
        return anew if made.step is CarryStep.VOID else made
    if policy != REISSUE:
        return _hold("CHANGED_IN_PSA", "the PSA changed it after it was posted")
    return _fixed(entry, book) or anew


def _credit(entry: LedgerEntry, book: LedgerBook, today: date) -> Carry:
    if entry.status is EntryStatus.DRAFT:
        message = "it is a draft, which is taken back instead"
        return _fixed(entry, book) or Carry(step=CarryStep.VOID, message=message)
    if book.locked_until is not None and today <= book.locked_until:
        return _hold("PERIOD_LOCKED", f"the books are closed up to {book.locked_until}")
    if entry.paid or entry.credited:
        return _hold("NOT_ALLOWED_NOW", "it is paid or allocated, and a credit note would repay it")
    return Carry(step=CarryStep.CREDIT, message="a credit note over the whole amount is posted")


def _fixed(entry: LedgerEntry, book: LedgerBook) -> Carry | None:
    """Why a document cannot be voided, or None."""
    if entry.status is EntryStatus.PAID or entry.paid or entry.credited:
        used = f"{shown(entry.paid)} of it is paid and {shown(entry.credited)} credited"
        message = f"{used}; it is never voided"
        return _hold("NOT_ALLOWED_NOW", message)
    if book.locked_until is not None and entry.dated <= book.locked_until:
        return _hold("PERIOD_LOCKED", f"the books are closed up to {book.locked_until}")
    return None


def _hold(code: str, message: str) -> Carry:
    return Carry(step=CarryStep.HOLD, code=code, message=message)
