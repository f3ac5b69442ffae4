"""One change of the PSA, judged: what the rule or a person says, and the step that follows from it.

No rule voids what is not ours, what somebody changed or what is settled, whatever it says; nor what
could not be posted anew afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from syncd.core.invoicing.book_facts import Earlier, books_of
from syncd.core.invoicing.carrying import Carry, CarryStep, carry_edit, carry_void
from syncd.core.invoicing.drift import drift_of
from syncd.core.invoicing.plan_rows import PlannedStep, Step, signed
from syncd.core.invoicing.planning import plan_post
from syncd.core.invoicing.problems import (
    APPROVAL_NEEDED,
    BEFORE_GOLIVE,
    NUMBER_TOO_LONG,
    UNMAPPED_CONTACT,
    Weight,
)
from syncd.core.invoicing.recognition import GONE
from syncd.core.invoicing.rules import HOLD
from syncd.core.invoicing.wording import shown
from syncd.core.service.carry_credits import CREDIT_IMPOSSIBLE, credit
from syncd.core.service.carry_scene import CarryScene, hold
from syncd.core.store.invoice_facts import StoredInvoice
from syncd.core.store.ledger_documents import DocumentItem
from syncd.core.store.moved_invoices import credits_of, is_draft, takes_back
from syncd.core.store.states import DocumentState
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, LedgerAction

CHANGED_IN_PSA: Final = "CHANGED_IN_PSA"
VOIDED_IN_PSA: Final = "VOIDED_IN_PSA"
GONE_IN_PSA: Final = "GONE_IN_PSA"
UNFINISHED_IN_PSA: Final = "UNFINISHED_IN_PSA"
CREDIT_UNDONE: Final = "CREDIT_UNDONE"
DRIFTED_IN_BOOKS: Final = "DRIFTED_IN_BOOKS"
POSTED_BEFORE_US: Final = "POSTED_BEFORE_US"
NOT_ALLOWED_NOW: Final = "NOT_ALLOWED_NOW"
REFUSED_BEFORE: Final = "REFUSED_BEFORE"

_UNDECIDED: Final = {
    GONE_IN_PSA: "whether it still counts, only a person can tell",
    UNFINISHED_IN_PSA: "it waits until it is finished there, or for a person",
}
"""What no rule acts upon, with the reason."""

_VOIDED: Final = "-V"
"""Follows the number of a document that is voided for another one to take its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedInvoice:
    """A document whose invoice moved, and what is made of that.

    Attributes:
        code: `CHANGED_IN_PSA`, `VOIDED_IN_PSA`, `GONE_IN_PSA`, `UNFINISHED_IN_PSA` or
            `CREDIT_UNDONE`.
        document: ours.
        stored: the invoice as it is now.
        carry: the decision.
        step: what is planned, or None.
    """

    code: str
    document: DocumentItem
    stored: StoredInvoice
    carry: Carry
    step: PlannedStep | None


def settled(scene: CarryScene, document: DocumentItem) -> bool:
    """Whether a credit note of ours says already what the PSA shows now."""
    stored = scene.stored[document.invoice]
    return any(
        takes_back(one, stored)
        for one in credits_of(document, scene.family.get(document.invoice, ()))
    )


def undone(scene: CarryScene, document: DocumentItem) -> MovedInvoice | None:
    """The change that a credit note took back is undone in the PSA; None where none stands.

    No step follows: what the books took of a credit note meanwhile, only a person sees there.
    """
    stored = scene.stored[document.invoice]
    for note in credits_of(document, scene.family.get(document.invoice, ())):
        shown = scene.entries.get(note.remote or "")
        if shown is not None and shown.status not in GONE and not takes_back(note, stored):
            why = f"credit note {note.number} takes back what the PSA counts again"
            carry = hold(CREDIT_UNDONE, why)
            return MovedInvoice(
                code=CREDIT_UNDONE, document=document, stored=stored, carry=carry, step=None
            )
    return None


def judge(
    scene: CarryScene,
    document: DocumentItem,
    decided: str,
    refused: Sequence[LedgerAction],
    *,
    given_up: str = "",
) -> MovedInvoice:
    """What is made of one change; nothing unless the rule or a person says what.

    Args:
        scene: of the book.
        document: whose invoice moved.
        decided: what a person said of it, `<way>:<digest of the invoice>`, or empty.
        refused: voids of the document that the books refused.
        given_up: why a person gave a void up that the same change led to, or empty.
    """
    stored = scene.stored[document.invoice]
    rules, book = scene.facts.rules, scene.facts.book
    code = CHANGED_IN_PSA
    if stored.gone:
        code = GONE_IN_PSA
    elif stored.invoice.voided:
        code = VOIDED_IN_PSA
    elif is_draft(stored):
        code = UNFINISHED_IN_PSA
    way, _, digest = decided.rpartition(":")
    by_person = bool(way) and digest == stored.digest and code != UNFINISHED_IN_PSA
    policy = rules.on_edit if code == CHANGED_IN_PSA else rules.on_void
    policy = HOLD if code in _UNDECIDED else policy
    entry = scene.entries.get(document.remote or "")
    decide = carry_edit if code == CHANGED_IN_PSA else carry_void
    carry = decide(way if by_person else policy, entry, book, today=scene.today)
    if carry.step is CarryStep.HOLD and code in _UNDECIDED:
        carry = hold(code, _UNDECIDED[code])
    if carry.step not in (CarryStep.HOLD, CarryStep.NOTHING):
        # A word that still stands is newer than every refusal: what was in the way was mended.
        before = () if by_person else refused
        carry = _guarded(scene, document, entry, before, carry.step) or carry
    if given_up and not by_person and carry.step in (CarryStep.VOID, CarryStep.REISSUE):
        carry = hold("GIVEN_UP", f"a person decided that it is not voided: {given_up}")
    if carry.step is CarryStep.REISSUE:
        carry = _anew(scene, document, stored, by_person=by_person) or carry
    step = None
    if entry is not None and carry.step in (CarryStep.VOID, CarryStep.REISSUE):
        step = _void(scene, document, entry, carry)
    elif carry.step is CarryStep.CREDIT:
        whole = code != CHANGED_IN_PSA
        made = credit(scene, document, whole=whole, by_person=by_person)
        carry, step = (made, None) if isinstance(made, Carry) else (carry, made)
    if step is not None and not by_person:
        step = scene.approved(step, carry.message)
    return MovedInvoice(code=code, document=document, stored=stored, carry=carry, step=step)


def _guarded(
    scene: CarryScene,
    document: DocumentItem,
    entry: LedgerEntry | None,
    refused: Sequence[LedgerAction],
    step: CarryStep,
) -> Carry | None:
    """What no rule may touch."""
    if document.plan_id is None:
        return hold(POSTED_BEFORE_US, "it was in the books before us and is none of ours")
    if document.state is DocumentState.DRIFTED:
        return hold(DRIFTED_IN_BOOKS, "it was changed in the books since it was confirmed")
    if step is not CarryStep.CREDIT and credits_of(
        document, scene.family.get(document.invoice, ())
    ):
        return hold(CREDIT_IMPOSSIBLE, "a credit note for an earlier change of it stands")
    if entry is None:
        return None
    if entry.status is EntryStatus.OPEN and entry.balance != entry.total:
        used = entry.total - entry.balance
        return hold(NOT_ALLOWED_NOW, f"{shown(used)} {entry.currency} of it is settled already")
    if any(_as_it_was(document, entry, one) for one in refused):
        return hold(REFUSED_BEFORE, "the books refused this before, and nothing moved since")
    return None


def _as_it_was(document: DocumentItem, entry: LedgerEntry, refused: LedgerAction) -> bool:
    """Whether a document is as it was when its void was refused.

    One that gave its number away and got it back is, whatever its version says.
    """
    if refused.version == entry.version:
        return True
    if not refused.renumber or document.seen is None:
        return False
    return not drift_of(document.seen, entry).differences


def _anew(
    scene: CarryScene, document: DocumentItem, stored: StoredInvoice, *, by_person: bool
) -> Carry | None:
    """Why a document is not voided for a new version, or None.

    A void that no new version follows would leave the books without an invoice that counts.
    """
    number = _freed(document)
    if len(number) > scene.facts.book.number_limit:
        message = (
            f"before it is voided it must give its number away, and '{number}' is longer than the "
            f"books' {scene.facts.book.number_limit}: a credit note can say what fell, or give it "
            "another number there by hand"
        )
        return hold(NUMBER_TOO_LONG, message)
    if by_person:
        return None
    invoice, facts = stored.invoice, scene.facts
    if facts.live_from is not None and invoice.dated < facts.live_from:
        message = f"its new version is of {invoice.dated}, from before the book went live"
        return hold(BEFORE_GOLIVE, message)
    if facts.routes.get(invoice.client) and facts.ledger_id not in books_of(invoice, facts):
        return hold(UNMAPPED_CONTACT, "its new version is of a client of another book")
    before = Earlier(
        kind=document.kind,
        issue=document.issue,
        voided=True,
        ours=True,
        digest=document.digest,
        code="",
        detail="",
        remote=document.remote or "",
    )
    new = plan_post(invoice, stored.digest, facts, [before])
    for one in new.objections:
        if one.code != APPROVAL_NEEDED and one.weight is not Weight.SKIP:
            message = f"it is not voided before its new version can be posted: {one.message}"
            return hold(one.code, message)
    return None


def _void(
    scene: CarryScene, document: DocumentItem, entry: LedgerEntry, carry: Carry
) -> PlannedStep:
    assert document.remote is not None  # it stands
    anew = carry.step is CarryStep.REISSUE
    action = LedgerAction(
        key=f"{document.key}:void",
        attempt="",
        kind=ActionKind.VOID,
        document_kind=document.kind,
        remote=document.remote,
        version=entry.version,
        renumber=_freed(document) if anew else "",
    )
    note = carry.message
    if anew:
        note += f"; it keeps the number {action.renumber}, and the new version follows in the next "
        note += "plan"
    step = scene.step(Step.VOID, document, note)
    return msgspec.structs.replace(step, action=action, effect=-signed(document.kind, entry.total))


def _freed(document: DocumentItem) -> str:
    """The number that a document gets so that its own is free."""
    return f"{document.number}{_VOIDED}{document.issue}"
