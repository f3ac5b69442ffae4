"""What a payment of the books means for the PSA: recorded, known there already, or for a person.

Nothing is matched by a number or by a client: a part of a payment names the document that it
settles. What the PSA holds already is recognised by our mark, or by a payment of the same amount
and day that stands for no other part; one of another day may be the same, which a person says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from syncd.core.invoicing.identity import MARKER
from syncd.sdk.invoice_records import DocumentKind, PsaPayment

UNCLEAR_WITHIN: Final = timedelta(days=31)
"""People enter a payment by hand on another day than the bank shows, but not in another month."""

PAYMENT_CURRENCY: Final = "PAYMENT_CURRENCY"
PAYMENT_EXCEEDS: Final = "PAYMENT_EXCEEDS"
PAYMENT_OF_CREDIT: Final = "PAYMENT_OF_CREDIT"
PAYMENT_OF_VOIDED: Final = "PAYMENT_OF_VOIDED"
PAYMENT_TAKEN_BACK: Final = "PAYMENT_TAKEN_BACK"
PAYMENT_UNCLEAR: Final = "PAYMENT_UNCLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A part of a payment, as the books hold it now.

    Attributes:
        amount: positive.
        currency: ISO code.
        dated: when it was paid.
        deleted: it was taken back, or settles the document no more.
        already: how much of this part the PSA has by what we know.
        echoed: the PSA has it from somebody else, so it is not ours to take back.
        is_new: a person said that no payment of the PSA is this one, or to take it back there.
        left: amount of an earlier version that was left to others since the last one that the PSA
            has by what we know; None where none was.
        still: the payment names the document no more, and the books show it settled all the same.
        marks: our marks of every write for this part so far.
    """

    amount: Decimal
    currency: str
    dated: date
    deleted: bool = False
    already: Decimal = Decimal(0)
    echoed: bool = False
    is_new: bool = False
    left: Decimal | None = None
    still: bool = False
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """The invoice that is settled, as the PSA holds it.

    Attributes:
        kind: invoice or credit note.
        number: for people.
        currency: of the document in the books.
        total: to be paid.
        stands: it is there and not voided.
        payments: all that the PSA knows of it.
        claimed: the PSA's ids of payments that stand for other parts.
        under_way: sum of writes for it whose end is not known yet.
    """

    kind: DocumentKind
    number: str
    currency: str
    total: Decimal
    stands: bool
    payments: Sequence[PsaPayment]
    claimed: Collection[str] = ()
    under_way: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Record:
    """Write this to the PSA; negative where a payment was taken back.

    `alike` counts payments of others with that amount and day that are known to be other ones.
    """

    amount: Decimal
    alike: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """The PSA has it: nothing is written. `ours` says that we wrote it."""

    remote: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A person must look."""

    code: str
    message: str


def judge(receipt: Receipt, owed: Owed) -> Record | Known | Held:
    """What is to be done for one part of a payment."""
    wanted = Decimal(0) if receipt.deleted else receipt.amount
    change = wanted - receipt.already
    if not change:
        return Known("", ours=not receipt.echoed)
    marked = [one for one in owed.payments if _bears(one, receipt.marks)]
    if change < 0:
        return _taken_back(receipt, owed, marked, change)
    if receipt.currency != owed.currency:
        message = f"it is in {receipt.currency}, and the document in {owed.currency}"
        return Held(PAYMENT_CURRENCY, message)
    if owed.kind is DocumentKind.CREDIT:
        return Held(PAYMENT_OF_CREDIT, "it pays back a credit note, which is entered by hand")
    if sum((one.amount for one in marked), Decimal(0)) == wanted:
        return Known(marked[-1].remote if marked else "", ours=True)
    if not receipt.already and not receipt.is_new:
        equal = _equal(receipt, owed)
        if equal is not None and equal.dated == receipt.dated:
            return Known(equal.remote, ours=False)
        if equal is not None:
            message = f"the PSA has one of the same amount of {equal.dated}, perhaps this one"
            return Held(PAYMENT_UNCLEAR, message)
    if doubt := _doubt(receipt):
        return doubt
    if not owed.stands:
        return Held(PAYMENT_OF_VOIDED, "the PSA has voided or deleted the invoice")
    known = sum((one.amount for one in owed.payments), Decimal(0)) + owed.under_way
    if known + change > owed.total:
        message = (
            f"with {known:,.2f} that the PSA knows of it would exceed the invoice's "
            f"{owed.total:,.2f} {owed.currency}"
        )
        return Held(PAYMENT_EXCEEDS, message)
    return Record(change, alike=_alike(receipt, owed, change))


def _doubt(receipt: Receipt) -> Held | None:
    """Why it cannot be told how much of the part the PSA has, unless a person told."""
    if receipt.is_new:
        return None
    if receipt.still:
        message = "its payment does not name the document any more, which is settled all the same"
        return Held(PAYMENT_UNCLEAR, message)
    if receipt.left is not None:
        message = (
            f"it was {receipt.left:,.2f} {receipt.currency} when it was left to others, who may "
            "have entered that in the PSA"
        )
        return Held(PAYMENT_UNCLEAR, message)
    return None


def _taken_back(
    receipt: Receipt, owed: Owed, marked: Sequence[PsaPayment], change: Decimal
) -> Record | Known | Held:
    """Only what we wrote is taken back, and only as far as it still stands in the PSA.

    What others entered there is taken back where a person says so.
    """
    wanted = receipt.already + change
    if receipt.echoed:
        if _equal(receipt, owed, amount=receipt.already) is None:
            return Known("", ours=False)
        if receipt.is_new:
            return Record(change)
        message = "it was taken back in the books, and somebody else entered it in the PSA"
        return Held(PAYMENT_TAKEN_BACK, message)
    if sum((one.amount for one in marked), Decimal(0)) <= wanted:
        return Known(marked[-1].remote if marked else "", ours=True)
    return _doubt(receipt) or Record(change)


def _bears(payment: PsaPayment, marks: Collection[str]) -> bool:
    return any(mark in payment.reference for mark in marks)


def _alike(receipt: Receipt, owed: Owed, amount: Decimal) -> int:
    """Payments of others that look like the one to be written and are known not to be it."""
    return sum(
        (one.amount, one.dated) == (amount, receipt.dated)
        and MARKER not in one.reference
        and (receipt.is_new or one.remote in owed.claimed)
        for one in owed.payments
    )


def _equal(receipt: Receipt, owed: Owed, amount: Decimal | None = None) -> PsaPayment | None:
    """The nearest payment of the same amount that stands for no other part and is not ours."""
    wanted = receipt.amount if amount is None else amount
    fitting = [
        one
        for one in owed.payments
        if one.amount == wanted
        and one.remote not in owed.claimed
        and MARKER not in one.reference
        and abs(one.dated - receipt.dated) <= UNCLEAR_WITHIN
    ]
    fitting.sort(key=lambda one: (abs(one.dated - receipt.dated), one.remote))
    return fitting[0] if fitting else None
