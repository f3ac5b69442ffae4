"""What a change of the PSA is judged upon: documents of ours, invoices as read, the books as shown.

Everything was read before; a step that comes of it is a row of a plan with its money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import msgspec

from syncd.core.invoicing.book_facts import BookFacts
from syncd.core.invoicing.carrying import Carry, CarryStep
from syncd.core.invoicing.plan_rows import PlannedStep, Step
from syncd.core.invoicing.problems import APPROVAL_NEEDED, Problem, Weight
from syncd.core.store.invoice_facts import StoredInvoice
from syncd.core.store.ledger_documents import DocumentItem
from syncd.sdk.ledger_records import LedgerEntry

if TYPE_CHECKING:
    from syncd.sdk.ledger_port import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryScene:
    """Everything about the changes of one book.

    Attributes:
        ledger: the opened book; only its prediction is used here.
        facts: what planning knows of the book.
        today: local day, of credit notes and allocations.
        family: every document of an invoice, by the PSA's id.
        stored: invoices as they were last read.
        entries: documents as the books show them now, by their id; one that is gone is absent.
    """

    ledger: Ledger
    facts: BookFacts
    today: date
    family: Mapping[str, Sequence[DocumentItem]]
    stored: Mapping[str, StoredInvoice]
    entries: Mapping[str, LedgerEntry]

    def approved(self, step: PlannedStep, note: str) -> PlannedStep:
        """The step, held where a person releases each one of this book."""
        if not self.facts.rules.by_hand(drafts=self.facts.book.drafts):
            return step
        message = f"{step.number}: {note}"
        problem = Problem(code=APPROVAL_NEEDED, message=message, weight=Weight.HOLD)
        return msgspec.structs.replace(step, objections=(problem,))

    def step(self, step: Step, document: DocumentItem, note: str) -> PlannedStep:
        """A step about a document, without its money."""
        stored = self.stored.get(document.invoice)
        return PlannedStep(
            step=step,
            invoice=document.invoice,
            number=document.number,
            client=document.client,
            client_name=stored.invoice.client_name if stored else document.client_name,
            kind=document.kind,
            dated=document.dated,
            currency=document.currency,
            source_digest=stored.digest if stored else document.source_digest,
            source_total=document.total,
            issue=document.issue,
            replaces=document.id,
            notes=(note,),
        )


def hold(code: str, message: str) -> Carry:
    """A decision that waits for a person."""
    return Carry(step=CarryStep.HOLD, code=code, message=message)
