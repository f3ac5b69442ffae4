"""What a part of a payment in the books is to the PSA: new money, an echo, too much, or unclear.

Parts are known by the books' ids and by our marker; an amount alone proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from syncd.core.invoicing.identity import marker_of
from syncd.sdk.invoice_records import PsaInvoice, PsaPayment
from syncd.sdk.ledger_records import LedgerPayment


class PaymentFate(StrEnum):
    """What a part of a payment is."""

    PARTIAL = "partial"
    """Recorded; the invoice stays open."""
    FULL = "full"
    """Recorded; it settles the invoice."""
    OVER = "over"
    """More than is open: held for a person."""
    ECHO = "echo"
    """The PSA knows it already; nothing is written."""
    UNCLEAR = "unclear"
    """The PSA shows a payment that may be the same one: held."""
    UNALLOCATED = "unallocated"
    """It settles no invoice yet; it is read again when it does."""
    TAKEN_BACK = "taken_back"
    """What we recorded is taken back by a negative amount; nothing if we recorded nothing."""
    OTHER_CURRENCY = "other_currency"


RECORDED = frozenset({PaymentFate.PARTIAL, PaymentFate.FULL})


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVerdict:
    """The decision on one part.

    Attributes:
        fate: what it is.
        amount: to be recorded in the PSA; 0 for nothing, negative where it is taken back.
        excess: by how much it exceeds what is open.
        known_as: the PSA's id of the payment that it is, for an echo.
        message: one sentence for people.
    """

    fate: PaymentFate
    amount: Decimal = Decimal(0)
    excess: Decimal = Decimal(0)
    known_as: str = ""
    message: str = ""


def classify_payment(
    part: LedgerPayment,
    *,
    key: str,
    invoice: PsaInvoice,
    shown: Sequence[PsaPayment],
    matched: frozenset[str] = frozenset(),
    recorded: bool = False,
) -> PaymentVerdict:
    """What a part of a payment is to its invoice.

    Args:
        part: of the books.
        key: our key of it; see `identity.payment_key`.
        invoice: of the PSA.
        shown: payments that the PSA shows for it now.
        matched: PSA ids of payments that are echoes of other parts already.
        recorded: we recorded this part in the PSA before.
    """
    marker = marker_of(key)
    own = [one for one in shown if marker in one.reference]
    if part.deleted:
        if recorded or own:
            message = "it was taken back in the books, after it was recorded"
            return PaymentVerdict(fate=PaymentFate.TAKEN_BACK, amount=-part.amount, message=message)
        return PaymentVerdict(fate=PaymentFate.TAKEN_BACK, message="it was never recorded")
    if not part.document:
        return PaymentVerdict(fate=PaymentFate.UNALLOCATED, message="it settles no invoice yet")
    if part.currency != invoice.currency:
        message = f"it is in {part.currency}, and the invoice in {invoice.currency}"
        return PaymentVerdict(fate=PaymentFate.OTHER_CURRENCY, message=message)
    if own:
        return PaymentVerdict(
            fate=PaymentFate.ECHO, known_as=own[0].remote, message="we recorded it"
        )
    others = [one for one in shown if one.remote not in matched and "syncd-" not in one.reference]
    equal = [one for one in others if one.amount == part.amount]
    same = [one for one in equal if one.dated == part.dated]
    if same:
        return PaymentVerdict(
            fate=PaymentFate.ECHO, known_as=same[0].remote, message="the PSA has it already"
        )
    if equal:
        message = f"the PSA shows the same amount on {equal[0].dated}, perhaps the same payment"
        return PaymentVerdict(fate=PaymentFate.UNCLEAR, message=message)
    still = invoice.total - sum((one.amount for one in shown), Decimal(0))
    if part.amount > still:
        excess = part.amount - max(still, Decimal(0))
        message = f"{part.amount} was paid, and only {max(still, Decimal(0))} is open"
        return PaymentVerdict(fate=PaymentFate.OVER, excess=excess, message=message)
    fate = PaymentFate.FULL if part.amount == still else PaymentFate.PARTIAL
    return PaymentVerdict(fate=fate, amount=part.amount, message=f"{still} is open")
