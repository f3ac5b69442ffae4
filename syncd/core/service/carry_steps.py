"""One change of the PSA, judged: what the rule or a person says, and the step that follows from it.

No rule voids what is not ours, what somebody changed or what is settled, whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec

from syncd.core.invoicing.carrying import Carry, CarryStep, carry_edit, carry_void
from syncd.core.invoicing.crediting import allocatable, credit_lines
from syncd.core.invoicing.drafting import draft
from syncd.core.invoicing.identity import ledger_key, marker_of
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.plan_rows import PlannedStep, Step, signed
from syncd.core.invoicing.problems import APPROVAL_NEEDED, Problem, Weight
from syncd.core.invoicing.rules import HOLD, LedgerRules
from syncd.core.invoicing.wording import shown
from syncd.core.store.invoice_facts import StoredInvoice
from syncd.core.store.ledger_documents import NOT_STANDING, DocumentItem
from syncd.core.store.standing_documents import STANDING
from syncd.core.store.states import DocumentState
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerBook, LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, LedgerAction, LedgerDocument, LedgerLine

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.sdk.ledger_port import Ledger

CHANGED_IN_PSA: Final = "CHANGED_IN_PSA"
VOIDED_IN_PSA: Final = "VOIDED_IN_PSA"
GONE_IN_PSA: Final = "GONE_IN_PSA"
CREDIT_IMPOSSIBLE: Final = "CREDIT_IMPOSSIBLE"
DRIFTED_IN_BOOKS: Final = "DRIFTED_IN_BOOKS"
POSTED_BEFORE_US: Final = "POSTED_BEFORE_US"
NOT_ALLOWED_NOW: Final = "NOT_ALLOWED_NOW"
NUMBER_TOO_LONG: Final = "NUMBER_TOO_LONG"
REFUSED_BEFORE: Final = "REFUSED_BEFORE"

_SUFFIX: Final = "-CR"
"""Of the number of a credit note that the PSA does not have, and the client never saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedInvoice:
    """A document whose invoice moved, and what is made of that.

    Attributes:
        code: `CHANGED_IN_PSA`, `VOIDED_IN_PSA` or `GONE_IN_PSA`.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryJudge:
    """Judges changes of one book.

    Attributes:
        ledger: the opened book; only its prediction is used here.
        psa: connection of the PSA.
        connection: that of the book.
        book: the organisation.
        rules: settings of the book.
        mapping: what people said of the book.
        today: local day, of credit notes and allocations.
        family: every document of an invoice, by the PSA's id.
        stored: invoices as they were last read.
        entries: documents as the books show them now, by their id; one that is gone is absent.
    """

    ledger: Ledger
    psa: ConnectionRef
    connection: ConnectionRef
    book: LedgerBook
    rules: LedgerRules
    mapping: LedgerMap
    today: date
    family: Mapping[str, Sequence[DocumentItem]]
    stored: Mapping[str, StoredInvoice]
    entries: Mapping[str, LedgerEntry]

    def settled(self, document: DocumentItem) -> bool:
        """Whether a credit note of ours says already what the PSA shows now."""
        digest = self.stored[document.invoice].digest
        return any(
            one.kind is DocumentKind.CREDIT
            and one.payload is not None
            and one.payload.replaces == document.id
            and one.source_digest == digest
            and one.state not in NOT_STANDING
            for one in self.family.get(document.invoice, ())
        )

    def judge(self, document: DocumentItem, decided: str, refused: Sequence[str]) -> MovedInvoice:
        """What is made of one change; nothing unless the rule or a person says what."""
        stored = self.stored[document.invoice]
        invoice = stored.invoice
        code = CHANGED_IN_PSA
        if stored.gone:
            code = GONE_IN_PSA
        elif invoice.voided:
            code = VOIDED_IN_PSA
        way, _, digest = decided.rpartition(":")
        by_person = bool(way) and digest == stored.digest
        policy = self.rules.on_edit if code == CHANGED_IN_PSA else self.rules.on_void
        policy = HOLD if code == GONE_IN_PSA else policy
        entry = self.entries.get(document.remote or "")
        decide = carry_edit if code == CHANGED_IN_PSA else carry_void
        carry = decide(way if by_person else policy, entry, self.book, today=self.today)
        if carry.step not in (CarryStep.HOLD, CarryStep.NOTHING):
            carry = self._guarded(document, entry, refused) or carry
        step = None
        if entry is not None and carry.step in (CarryStep.VOID, CarryStep.REISSUE):
            step = self._void(document, entry, carry)
        elif carry.step is CarryStep.CREDIT:
            made = self._credit(document, code)
            carry, step = (made, None) if isinstance(made, Carry) else (carry, made)
        if step is not None and not by_person:
            step = self._approved(step, carry.message)
        return MovedInvoice(code=code, document=document, stored=stored, carry=carry, step=step)

    def _guarded(
        self, document: DocumentItem, entry: LedgerEntry | None, refused: Sequence[str]
    ) -> Carry | None:
        """What no rule may touch."""
        if document.plan_id is None:
            return _hold(POSTED_BEFORE_US, "it was in the books before us and is none of ours")
        if document.state is DocumentState.DRIFTED:
            return _hold(DRIFTED_IN_BOOKS, "it was changed in the books since it was confirmed")
        if entry is None:
            return None
        if entry.status is EntryStatus.OPEN and entry.balance != entry.total:
            used = entry.total - entry.balance
            message = f"{used:,.2f} {entry.currency} of it is settled in the books"
            return _hold(NOT_ALLOWED_NOW, message)
        if entry.version in refused:
            return _hold(REFUSED_BEFORE, "the books refused this before, and nothing moved since")
        return None

    def _void(self, document: DocumentItem, entry: LedgerEntry, carry: Carry) -> PlannedStep:
        assert document.remote is not None  # it stands
        action = LedgerAction(
            key=f"{document.key}:void",
            attempt="",
            kind=ActionKind.VOID,
            document_kind=document.kind,
            remote=document.remote,
            version=entry.version,
        )
        note = carry.message
        if carry.step is CarryStep.REISSUE:
            note += "; the new version follows in the next plan"
        step = self._step(Step.VOID, document, note)
        return msgspec.structs.replace(
            step, action=action, effect=-signed(document.kind, entry.total)
        )

    def _credit(self, document: DocumentItem, code: str) -> PlannedStep | Carry:
        """A credit note over what the change is worth, or why there is none."""
        payload = document.payload
        if document.kind is DocumentKind.CREDIT or payload is None:
            return _hold(CREDIT_IMPOSSIBLE, "a credit note cannot be credited itself")
        notes = [
            one for one in self.family.get(document.invoice, ()) if one.kind is DocumentKind.CREDIT
        ]
        if any(one.state not in NOT_STANDING for one in notes):
            return _hold(CREDIT_IMPOSSIBLE, "a credit note for an earlier change stands")
        after: tuple[LedgerLine, ...] = ()
        worth = payload.totals.total
        if code == CHANGED_IN_PSA:
            drafted = draft(
                self.stored[document.invoice].invoice,
                mapping=self.mapping,
                book=self.book,
                rules=self.rules,
            )
            if drafted.document is None or drafted.kind is not document.kind:
                return _hold(CREDIT_IMPOSSIBLE, "the invoice as it is now cannot be written")
            if drafted.document.contact != document.contact:
                return _hold(CREDIT_IMPOSSIBLE, "the invoice is another client's now")
            after = drafted.document.lines
            worth -= drafted.source_total
        lines = credit_lines(payload.document.lines, after, document.number)
        if lines is None:
            return _hold(CREDIT_IMPOSSIBLE, "a credit note cannot say what was added or kept")
        refused = [one.issue for one in notes if one.state is DocumentState.REFUSED]
        issue = refused[-1] if refused else max((one.issue for one in notes), default=0) + 1
        made = self._note(document, payload.document, lines, issue)
        if len(made.number) > self.book.number_limit:
            message = f"'{made.number}' is longer than the books' {self.book.number_limit}"
            return _hold(NUMBER_TOO_LONG, message)
        try:
            totals = self.ledger.predict(made, self.book, self.mapping.taxes_by_key())
        except DataError as error:
            return _hold(CREDIT_IMPOSSIBLE, str(error))
        if not payload.delegated and totals.total != worth:
            message = f"the books would make it {shown(totals.total)} where {shown(worth)} is meant"
            return _hold(CREDIT_IMPOSSIBLE, message)
        return msgspec.structs.replace(
            self._step(Step.CREDIT, document, f"credits {document.number}"),
            kind=DocumentKind.CREDIT,
            number=made.number,
            document=made,
            totals=totals,
            source_total=worth,
            delegated=payload.delegated,
            issue=issue,
            effect=-totals.total,
        )

    def _note(
        self,
        document: DocumentItem,
        posted: LedgerDocument,
        lines: tuple[LedgerLine, ...],
        issue: int,
    ) -> LedgerDocument:
        key = ledger_key(
            ledger_uid=self.connection.uid,
            book_key=self.book.key,
            psa_uid=self.psa.uid,
            invoice=document.invoice,
            kind=DocumentKind.CREDIT,
            issue=issue,
        )
        return msgspec.structs.replace(
            posted,
            key=key,
            marker=marker_of(key),
            attempt="",
            kind=DocumentKind.CREDIT,
            number=document.number + _SUFFIX + (str(issue) if issue > 1 else ""),
            dated=self.today,
            due=None,
            terms="",
            lines=lines,
            tax=None,
        )

    def target(self, credit: DocumentItem) -> DocumentItem | None:
        """The standing document of the invoice that a credit note belongs to."""
        replaces = None if credit.payload is None else credit.payload.replaces
        stored = self.stored.get(credit.invoice)
        about = credit.invoice if replaces else (stored.invoice.credits if stored else "")
        return next(
            (
                one
                for one in self.family.get(about, ())
                if one.kind is DocumentKind.INVOICE
                and one.state in STANDING
                and one.remote
                and replaces in (None, one.id)
            ),
            None,
        )

    def allocation(self, credit: DocumentItem) -> PlannedStep | None:
        """The second step of a credit note: it settles its invoice, as far as that is open."""
        target = self.target(credit)
        if target is None or credit.state is DocumentState.DRIFTED:
            return None
        ours = self.entries.get(credit.remote or "")
        theirs = self.entries.get(target.remote or "")
        amount = allocatable(ours, theirs) if ours and theirs else Decimal(0)
        if not amount or ours is None:
            return None
        assert target.remote is not None  # it stands
        assert credit.remote is not None
        action = LedgerAction(
            key=f"{credit.key}:allocate:{target.key}",
            attempt="",
            kind=ActionKind.ALLOCATE,
            document_kind=DocumentKind.CREDIT,
            remote=credit.remote,
            version=ours.version,
            target=target.remote,
            amount=amount,
            dated=self.today,
        )
        note = f"settles {amount:,.2f} {credit.currency} of {target.number}"
        step = msgspec.structs.replace(self._step(Step.ALLOCATE, credit, note), action=action)
        return self._approved(step, note)

    def _approved(self, step: PlannedStep, note: str) -> PlannedStep:
        """The step, held where a person releases each one of this book."""
        if not self.rules.by_hand(drafts=self.book.drafts):
            return step
        message = f"{step.number}: {note}"
        problem = Problem(code=APPROVAL_NEEDED, message=message, weight=Weight.HOLD)
        return msgspec.structs.replace(step, objections=(problem,))

    def _step(self, step: Step, document: DocumentItem, note: str) -> PlannedStep:
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


def _hold(code: str, message: str) -> Carry:
    return Carry(step=CarryStep.HOLD, code=code, message=message)
