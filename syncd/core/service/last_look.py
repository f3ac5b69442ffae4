"""The last look before a write: what a plan rested on is compared with what holds now.

Made in the transaction that claims the write. What moved is not written; the next plan has it as
it is by then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.invoicing.drift import drift_of
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.plan_rows import Step
from syncd.core.invoicing.recognition import GONE
from syncd.core.service.moved_since import invoice_moved, reason_moved
from syncd.core.store.claim_facts import (
    Organisation,
    PlanFact,
    documents_of_ids,
    live_from,
    mapped_contacts,
    plan_facts,
)
from syncd.core.store.documents_elsewhere import Elsewhere, documents_elsewhere
from syncd.core.store.invoice_facts import StoredInvoice, invoices_of_keys
from syncd.core.store.ledger_actions import ActionItem
from syncd.core.store.ledger_documents import DocumentItem
from syncd.core.store.ledger_golive import attested
from syncd.core.store.moved_invoices import takes_back
from syncd.core.store.standing_documents import STANDING
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry
from syncd.sdk.ledger_writes import ActionKind, LedgerAction

SOURCE_MOVED: Final = "SOURCE_MOVED"
LINK_ONLY: Final = "LINK_ONLY"

_NOT_LIVE: Final = "the book is not live, or it is another one than the plan was made for"


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Why something is not written any more.

    Attributes:
        code: `SOURCE_MOVED` or `LINK_ONLY`.
        why: one sentence without its end.
    """

    code: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLook:
    """Everything that holds now about a batch.

    Attributes:
        live: since which day which organisations are live.
        sources: invoices as they were last read, by PSA and their id.
        documents: ledger rows that the batch acts upon, by id.
        elsewhere: documents of the same invoices in other books, by PSA and invoice.
        contacts: which contacts stand for clients, by PSA.
        attested: PSAs of which a person vouches that nobody else carries invoices into this book.
        plans: plans of the batch.
        shown: what credit notes are for, as the books showed it a moment ago, by row id; None where
            they did not.
    """

    live: Mapping[Organisation, date]
    sources: Mapping[tuple[int, str], StoredInvoice]
    documents: Mapping[int, DocumentItem] = field(default_factory=dict)
    elsewhere: Mapping[tuple[int, str], Sequence[Elsewhere]] = field(default_factory=dict)
    contacts: Mapping[int, LedgerMap] = field(default_factory=dict)
    attested: frozenset[int] = frozenset()
    plans: Mapping[str, PlanFact] = field(default_factory=dict)
    shown: Mapping[int, LedgerEntry | None] = field(default_factory=dict)

    def at_document(self, item: DocumentItem) -> Withdrawn | None:
        """Why a document must not be sent any more, or None."""
        from_day = self.live.get((item.psa_id, item.book_key))
        if from_day is None:
            return Withdrawn(LINK_ONLY, _NOT_LIVE)
        replaces = None if item.payload is None else item.payload.replaces
        if replaces is not None:
            target = self.documents.get(replaces)
            why = self._reason_left(target, item.source_digest, (DocumentState.CONFIRMED,))
            why = why or _moved_in_books(target, self.shown.get(replaces))
        else:
            why = self._source(item, from_day)
        return Withdrawn(SOURCE_MOVED, why) if why else None

    def at_action(self, item: ActionItem) -> Withdrawn | None:
        """Why another write must not be made any more, or None."""
        document = self.documents.get(item.document_id or 0)
        plan = self.plans.get(item.plan_id or "")
        if document is not None:
            live = (document.psa_id, document.book_key) in self.live
        elif plan is not None:
            live = plan.organisation in self.live
        else:
            live = bool(self.live)
        if not live:
            return Withdrawn(LINK_ONLY, _NOT_LIVE)
        if document is None:
            return None
        why = ""
        if item.kind == ActionKind.VOID:
            planned = plan.digests.get(f"{Step.VOID.value}:{document.invoice}") if plan else None
            anew = isinstance(item.payload, LedgerAction) and bool(item.payload.renumber)
            # One that was sent before may have renamed it, which a look in between calls drift,
            # and which only its end mends; the new version is that of the newest change anyway.
            begun = item.sent_at is not None
            fine = STANDING if begun else (DocumentState.CONFIRMED,)
            planned = None if begun and anew else planned
            why = self._reason_left(document, planned, fine, anew)
        elif document.state not in STANDING or document.state is DocumentState.DRIFTED:
            why = "the document does not stand in the books as it was confirmed any more"
        elif item.kind == ActionKind.ALLOCATE and document.payload is not None:
            source = self.sources.get((document.psa_id, document.invoice))
            if document.payload.replaces is not None and not takes_back(document, source):
                why = "the PSA does not show any more what the credit note was made for"
        return Withdrawn(SOURCE_MOVED, why) if why else None

    def _source(self, item: DocumentItem, from_day: date) -> str:
        """Why the invoice of a document is not what it was planned from, or an empty text."""
        source = self.sources.get((item.psa_id, item.invoice))
        why = invoice_moved(
            source,
            digest=item.source_digest,
            from_day=from_day,
            elsewhere=self.elsewhere.get((item.psa_id, item.invoice), ()),
            attested=item.psa_id in self.attested,
        )
        if why or source is None:
            return why
        said = self.contacts[item.psa_id].contact_of(source.invoice.client, item.currency)
        moved = said != (item.contact,)
        return "the client is mapped to another contact than it was planned for" if moved else ""

    def _reason_left(
        self,
        document: DocumentItem | None,
        planned: str | None,
        fine: Collection[DocumentState],
        anew: bool | None = None,
    ) -> str:
        """Why a void or a credit note has no reason left, or no document; or an empty text.

        Args:
            document: that is taken back.
            planned: what the invoice was when that was planned; None where no plan tells.
            fine: states that the document may be in.
            anew: see `reason_moved`.
        """
        if document is None or document.state not in fine:
            return "the document does not stand in the books as it was confirmed any more"
        if _touched(document):
            return "the document was paid, credited or taken back in the books meanwhile"
        source = self.sources.get((document.psa_id, document.invoice))
        return reason_moved(source, document, digest=planned, anew=anew)


async def look_at_documents(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str,
    items: Sequence[DocumentItem],
    shown: Mapping[int, LedgerEntry | None],
) -> LastLook:
    """What holds now about documents that are due; for `shown` see `LastLook`."""
    sources = await _sources(conn, {(item.psa_id, item.invoice) for item in items})
    replaced = {item.payload.replaces for item in items if item.payload is not None}
    elsewhere: dict[tuple[int, str], Sequence[Elsewhere]] = {}
    contacts: dict[int, LedgerMap] = {}
    vouched = set()
    for psa_id in sorted({item.psa_id for item in items}):
        keys = {item.invoice for item in items if item.psa_id == psa_id}
        known = [sources[psa_id, key].invoice for key in keys if (psa_id, key) in sources]
        found = await documents_elsewhere(
            conn, psa_id, keys, ledger_id=ledger_id, book_key=book_key
        )
        elsewhere.update({(psa_id, key): rows for key, rows in found.items()})
        clients = {invoice.client for invoice in known}
        contacts[psa_id] = await mapped_contacts(conn, psa_id, ledger_id, clients)
        unsure = any(invoice.owner is Ownership.UNSURE for invoice in known)
        if unsure and await attested(conn, psa_id, ledger_id):
            vouched.add(psa_id)
    return LastLook(
        live=await live_from(conn, ledger_id),
        sources=sources,
        documents=await documents_of_ids(conn, {one for one in replaced if one is not None}),
        elsewhere=elsewhere,
        contacts=contacts,
        attested=frozenset(vouched),
        shown=shown,
    )


async def look_at_actions(
    conn: AsyncConnection, ledger_id: int, items: Sequence[ActionItem]
) -> LastLook:
    """What holds now about other writes to a book that are due."""
    ids = {item.document_id for item in items if item.document_id is not None}
    documents = await documents_of_ids(conn, ids)
    sources = await _sources(conn, {(one.psa_id, one.invoice) for one in documents.values()})
    plans = {item.plan_id for item in items if item.plan_id is not None}
    return LastLook(
        live=await live_from(conn, ledger_id),
        sources=sources,
        documents=documents,
        plans=await plan_facts(conn, plans, {one.invoice for one in documents.values()}),
    )


async def _sources(
    conn: AsyncConnection, wanted: set[tuple[int, str]]
) -> dict[tuple[int, str], StoredInvoice]:
    found: dict[tuple[int, str], StoredInvoice] = {}
    for psa_id in sorted({psa for psa, _ in wanted}):
        keys = {key for psa, key in wanted if psa == psa_id}
        stored = await invoices_of_keys(conn, psa_id, keys)
        found.update({(psa_id, key): one for key, one in stored.items()})
    return found


def _touched(document: DocumentItem) -> bool:
    """Whether the books settled or took back some of it, as far as was seen."""
    if document.seen_status in {EntryStatus.PAID, *GONE}:
        return True
    total = document.total if document.seen is None else document.seen.total
    opened = document.seen_status == EntryStatus.OPEN
    return opened and document.seen_balance is not None and document.seen_balance != total


def _moved_in_books(document: DocumentItem | None, entry: LedgerEntry | None) -> str:
    """Why a credit note has nothing left to credit as the books show it, or an empty text.

    Nothing guards it there: a void is refused by its version, a credit note is taken.
    """
    if entry is None or entry.status in GONE:
        return "the books do not show the document any more"
    settled = entry.status is EntryStatus.PAID or entry.paid or entry.credited
    if settled or (entry.status is EntryStatus.OPEN and entry.balance != entry.total):
        return "the document was paid or credited in the books meanwhile"
    before = None if document is None else document.seen
    if before is not None and drift_of(before, entry).material:
        return "somebody changed the document in the books after it was planned"
    return ""
