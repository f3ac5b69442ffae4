"""How writes beside documents are sent, and how it is found out whether a lost one happened.

Two addressees: the book, with voids, allocations and creations, and the PSA, with marks and
payments. Neither is asked to do anything twice before it was looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from syncd.core.invoicing.identity import marker_of
from syncd.core.invoicing.recognition import GONE
from syncd.core.invoicing.wording import shown
from syncd.core.service.delivery_loop import one_per_key
from syncd.core.store.ledger_actions import ActionItem
from syncd.sdk.invoice_records import DocumentKind, Ownership, PostedMark, PsaInvoice, PsaPayment
from syncd.sdk.ledger_port import InvoiceKeeper, Ledger
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry, LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import ActionKind, Done, LedgerAction
from syncd.sdk.psa_records import Delivered, NotSent, Outcome, Rejected, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """The write stands.

    Attributes:
        remote: what came of it, may be empty.
        entry: the document afterwards, where the addressee told it.
        request_id: the vendor's name for the exchange.
    """

    remote: str = ""
    entry: LedgerEntry | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class DidNot:
    """It provably did not happen; it may be sent again."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """It cannot be told; a person must look."""

    message: str


SendOutcome = Happened | Rejected | NotSent | Unknown
Verdict = Happened | DidNot | Unclear


class Addressee(Protocol):
    """Whom writes go to."""

    async def send(self, items: Sequence[ActionItem]) -> Mapping[str, SendOutcome]:
        """Send; one outcome per key."""
        ...

    async def look_up(self, items: Sequence[ActionItem]) -> Mapping[int, Verdict]:
        """Whether lost writes happened, by row id."""
        ...


@dataclass(frozen=True, slots=True)
class ToBook:
    """Voids, approvals, allocations and creations."""

    ledger: Ledger

    async def send(self, items: Sequence[ActionItem]) -> Mapping[str, SendOutcome]:
        """See `Addressee`."""
        found: dict[str, SendOutcome] = {}
        answered = await self.ledger.act([_action(item) for item in items])
        for key, outcome in one_per_key(answered).items():
            if isinstance(outcome, Done):
                found[key] = Happened(
                    remote=outcome.remote, entry=outcome.entry, request_id=outcome.request_id
                )
            else:
                found[key] = outcome
        return found

    async def look_up(self, items: Sequence[ActionItem]) -> Mapping[int, Verdict]:
        """See `Addressee`."""
        actions = {item.id: _action(item) for item in items}
        creations = (ActionKind.CREATE_CONTACT, ActionKind.CREATE_ITEM)
        wanted = {a.remote: a.document_kind for a in actions.values() if a.kind not in creations}
        shown = await self.ledger.read_back(wanted) if wanted else {}
        catalogue: list[LedgerReference] = []
        if any(action.kind in creations for action in actions.values()):
            async for batch in self.ledger.references():
                catalogue.extend(batch)
        return {
            row: created(action, catalogue)
            if action.kind in creations
            else changed(action, shown.get(action.remote), others_shown=bool(shown))
            for row, action in actions.items()
        }


@dataclass(frozen=True, slots=True)
class ToPsa:
    """Marks of posted invoices, and payments."""

    keeper: InvoiceKeeper

    async def send(self, items: Sequence[ActionItem]) -> Mapping[str, SendOutcome]:
        """See `Addressee`."""
        marks = [item.payload for item in items if isinstance(item.payload, PostedMark)]
        payments = [item.payload for item in items if isinstance(item.payload, PsaPayment)]
        outcomes: list[Outcome] = []
        if marks:
            outcomes.extend(await self.keeper.mark_posted(marks))
        if payments:
            outcomes.extend(await self.keeper.record_payments(payments))
        return {
            key: Happened(remote=one.receipt.remote, request_id=one.receipt.request_id or "")
            if isinstance(one, Delivered)
            else one
            for key, one in one_per_key(outcomes).items()
        }

    async def look_up(self, items: Sequence[ActionItem]) -> Mapping[int, Verdict]:
        """See `Addressee`."""
        marks = {i.id: i.payload for i in items if isinstance(i.payload, PostedMark)}
        payments = {i.id: i.payload for i in items if isinstance(i.payload, PsaPayment)}
        found: dict[int, Verdict] = {}
        if marks:
            invoices = await self.keeper.read_invoices({one.invoice for one in marks.values()})
            found.update({row: marked(m, invoices.get(m.invoice)) for row, m in marks.items()})
        if payments:
            shown = await self.keeper.find_payments({one.invoice for one in payments.values()})
            found.update(
                {row: recorded(p, shown.get(p.invoice, ())) for row, p in payments.items()}
            )
        return found


def changed(
    action: LedgerAction, entry: LedgerEntry | None, *, others_shown: bool = False
) -> Verdict:
    """Whether a void, an approval or an allocation shows on its document.

    A document that is not shown proves nothing by itself: what was voided is still there, and one
    that is deleted instead is believed gone only where the same answer shows another one of ours.
    """
    deleted = action.kind is ActionKind.VOID and action.document_kind is DocumentKind.CREDIT
    if entry is None:
        if deleted and others_shown:
            return Happened(remote=action.remote)
        return Unclear("its document is not shown by the books")
    if action.kind is ActionKind.VOID:
        # One that somebody else voided has its number still, which another document is to have.
        kept = action.renumber and entry.number.casefold() != action.renumber.casefold()
        done = entry.status in GONE and not (kept and entry.status is EntryStatus.VOIDED)
        return Happened(remote=action.remote, entry=entry) if done else DidNot()
    if action.kind is ActionKind.APPROVE:
        done = entry.status in {EntryStatus.OPEN, EntryStatus.PAID}
        return Happened(remote=action.remote, entry=entry) if done else DidNot()
    # Somebody may have used a part of it before: what was left then says what moved since.
    before = entry.total if action.left is None else action.left
    used = before - entry.balance
    if used == Decimal(0):
        return DidNot()
    if used == action.amount:
        return Happened(remote=action.remote, entry=entry)
    since = "" if before == entry.total else " since it was planned"
    return Unclear(
        f"{shown(used)} of the credit note is used{since}, and {shown(action.amount)} was to be"
    )


def created(action: LedgerAction, catalogue: Sequence[LedgerReference]) -> Verdict:
    """Whether an entry of reference data is there: by its exact name, with our key if one has it.

    A key alone proves nothing: ids of the PSA are small numbers, and another system may number the
    same way.
    """
    contact = action.kind is ActionKind.CREATE_CONTACT
    kind = ReferenceKind.CONTACT if contact else ReferenceKind.ITEM
    own = [one for one in catalogue if one.kind is kind and not one.blocked]
    keyed = [one for one in own if action.foreign_key and one.foreign_key == action.foreign_key]
    named = [one for one in own if one.name.casefold() == action.name.casefold() and one.active]
    strange = [one for one in keyed if one not in named]
    if strange:
        return Unclear(f"'{strange[0].name}' of the books has the key {action.foreign_key}")
    found = keyed or named
    if len(found) > 1:
        return Unclear(f"{len(found)} entries of the books are called '{action.name}'")
    return Happened(remote=found[0].key) if found else DidNot()


def marked(mark: PostedMark, invoice: PsaInvoice | None) -> Verdict:
    """Whether the PSA's invoice shows the mark; writing it again changes nothing anyway."""
    if invoice is None:
        return Unclear("the invoice is gone from the PSA")
    shown = mark.remote in invoice.foreign.values()
    return Happened() if shown and invoice.owner is Ownership.OURS else DidNot()


def recorded(payment: PsaPayment, shown: Sequence[PsaPayment]) -> Verdict:
    """Whether the PSA shows the payment, by our marker in its reference."""
    marker = marker_of(payment.key)
    own = [
        one for one in shown if marker in one.reference and (one.amount < 0) == (payment.amount < 0)
    ]
    if len(own) > 1:
        return Unclear(f"the PSA shows the payment {len(own)} times")
    return Happened(remote=own[0].remote) if own else DidNot()


def _action(item: ActionItem) -> LedgerAction:
    assert isinstance(item.payload, LedgerAction)  # by its kind
    return item.payload
