"""Whether a row of a plan still rests on what holds, looked at in the transaction that queues it.

An invoice, its owner and its documents may have moved since they were planned; a void or a credit
note is held against the document as the books show it now, not as we remember it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.drift import drift_of
from syncd.core.invoicing.plan_rows import PlannedStep, Step
from syncd.core.invoicing.problems import ALREADY_MARKED
from syncd.core.invoicing.recognition import GONE
from syncd.core.service.moved_since import invoice_moved, reason_moved
from syncd.core.service.unread_source import unread
from syncd.core.store.documents_elsewhere import Elsewhere, documents_elsewhere
from syncd.core.store.invoice_facts import GoLiveFact, StoredInvoice, golive_of, invoices_of_keys
from syncd.core.store.ledger_documents import NOT_STANDING, DocumentItem, documents_of_invoices
from syncd.core.store.ledger_golive import attested
from syncd.core.store.moved_invoices import takes_back
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind, Ownership
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.invoice_plans import InvoicePlanRecord

_NOT_THERE: Final = "the document that it rests on does not stand in the books any more"
_OF_INVOICES: Final = (Step.POST, Step.VOID, Step.CREDIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLook:
    """What holds now about the rows of a plan.

    Attributes:
        book_key: the organisation that is open.
        golive: whether and since when it is live, or None.
        attested: a person vouches that nobody else carries invoices into it.
        sources: invoices as they were last read, by the PSA's id.
        documents: their documents in this book.
        elsewhere: their documents in other books.
        entries: documents as the books show them now, by their id; None where they were not asked.
        unread: why invoices are not known as the PSA has them now, or empty.
    """

    book_key: str
    golive: GoLiveFact | None
    attested: bool = False
    sources: Mapping[str, StoredInvoice] = field(default_factory=dict)
    documents: Mapping[str, Sequence[DocumentItem]] = field(default_factory=dict)
    elsewhere: Mapping[str, Sequence[Elsewhere]] = field(default_factory=dict)
    entries: Mapping[str, LedgerEntry] | None = None
    unread: str = ""

    def waits(self, step: PlannedStep) -> str:
        """Why a row is left as it is for now, since nobody knows whether it still holds."""
        return self.unread if step.step in _OF_INVOICES else ""

    def why_not(self, step: PlannedStep) -> str:
        """Why a row must not be written any more, or an empty text."""
        if self.golive is None or self.golive.book_key != self.book_key:
            return "the book is not live"
        if step.step is Step.POST:
            return self._source_moved(step, self.golive.from_day)
        if step.replaces is None:
            return ""
        return self._target_moved(step)

    def _source_moved(self, step: PlannedStep, from_day: date) -> str:
        known = self.documents.get(step.invoice, ())
        if any(item.state not in NOT_STANDING for item in known):
            return "a document of it stands in the books already, or is on its way"
        source = self.sources.get(step.invoice)
        why = invoice_moved(
            source,
            digest=step.source_digest,
            from_day=from_day,
            elsewhere=self.elsewhere.get(step.invoice, ()),
            attested=self.attested,
        )
        if why or source is None:
            return why
        ours = {item.remote for item in known if item.remote}
        foreign = set(source.invoice.foreign.values())
        if source.invoice.owner is Ownership.OURS and not ours & foreign:
            # Held when it was planned so, and released by name; otherwise it is news.
            told = any(one.code == ALREADY_MARKED for one in step.objections)
            return "" if told else "the PSA says by now that it was posted"
        return ""

    def _target_moved(self, step: PlannedStep) -> str:
        """A void, a credit note or an allocation rests on a document and on a reason."""
        known = self.documents.get(step.invoice, ())
        document = next((item for item in known if item.id == step.replaces), None)
        if document is None or document.state is not DocumentState.CONFIRMED:
            return _NOT_THERE
        entry = document.seen if self.entries is None else self.entries.get(document.remote or "")
        if entry is None or entry.status in GONE:
            return _NOT_THERE
        if step.step is Step.ALLOCATE:
            note, source = document, self.sources.get(step.invoice)
            made_by_us = note.payload is not None and note.payload.replaces is not None
            if made_by_us and not takes_back(note, source):
                return "the PSA does not show any more what the credit note was made for"
            left = entry.balance if entry.status is EntryStatus.OPEN else Decimal(0)
            action = step.action
            planned = left if action is None or action.left is None else action.left
            if left < planned or (action is not None and left < action.amount):
                return "less is left of the credit note than was planned"
            return "" if left == planned else "more is left of it than was planned"
        return self._reason_moved(step, document) or self._touched(step, document, entry)

    def _reason_moved(self, step: PlannedStep, document: DocumentItem) -> str:
        anew = None if step.action is None else bool(step.action.renumber)
        source = self.sources.get(step.invoice)
        why = reason_moved(source, document, digest=step.source_digest, anew=anew)
        if why:
            return why
        standing = [
            item
            for item in self.documents.get(step.invoice, ())
            if item.kind is DocumentKind.CREDIT
            and item.id != document.id
            and item.state not in NOT_STANDING
        ]
        return "a credit note of it is there already" if standing else ""

    def _touched(self, step: PlannedStep, document: DocumentItem, entry: LedgerEntry) -> str:
        settled = entry.status is EntryStatus.OPEN and entry.balance != entry.total
        if entry.status is EntryStatus.PAID or settled or entry.paid or entry.credited:
            return "the document was paid or credited in the books meanwhile"
        asked = self.entries is not None
        moved = asked and step.action is not None and step.action.version != entry.version
        if document.seen is not None and drift_of(document.seen, entry).material:
            moved = True
        return "somebody changed the document in the books after it was planned" if moved else ""


async def look(
    conn: AsyncConnection,
    record: InvoicePlanRecord,
    *,
    ledger: ConnectionRef,
    psa: ConnectionRef,
    book_key: str,
    now: datetime,
    entries: Mapping[str, LedgerEntry] | None,
) -> PlanLook:
    """What holds now, as the database has it in this transaction; see `PlanLook`."""
    keys = {row.step.invoice for row in record.rows if row.step.invoice}
    sources = await invoices_of_keys(conn, psa.id, keys)
    unsure = any(one.invoice.owner is Ownership.UNSURE for one in sources.values())
    return PlanLook(
        book_key=book_key,
        golive=await golive_of(conn, psa.id, ledger.id),
        attested=unsure and await attested(conn, psa.id, ledger.id),
        sources=sources,
        documents=await documents_of_invoices(conn, psa.id, keys, ledger_id=ledger.id),
        elsewhere=await documents_elsewhere(
            conn, psa.id, keys, ledger_id=ledger.id, book_key=book_key
        ),
        entries=entries,
        unread=(await unread(conn, {psa.id}, now)).get(psa.id, ""),
    )
