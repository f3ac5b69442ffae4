"""Whether an invoice, or the reason of a void or a credit note, moved since it was planned. Pure.

The same questions are asked when a plan is used and when what it queued is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from syncd.core.store.documents_elsewhere import Elsewhere
from syncd.core.store.invoice_facts import StoredInvoice
from syncd.core.store.ledger_documents import DocumentItem
from syncd.core.store.moved_invoices import is_draft, kept_source
from syncd.sdk.invoice_records import Ownership
from syncd.sdk.ledger_records import EntryStatus


def invoice_moved(
    source: StoredInvoice | None,
    *,
    digest: str,
    from_day: date,
    elsewhere: Sequence[Elsewhere],
    attested: bool,
) -> str:
    """Why an invoice must not be posted as it was planned, or an empty text.

    Args:
        source: as it was last read.
        digest: of it when it was planned.
        from_day: the book is live for invoices of this day on.
        elsewhere: its documents in other books.
        attested: a person vouches that nobody else carries invoices into this book.
    """
    if source is None or source.gone:
        return "the PSA does not know the invoice any more"
    invoice = source.invoice
    if invoice.voided or not invoice.finalised:
        return "the PSA voided the invoice, or made it a draft again"
    if source.digest != digest:
        return "the invoice changed in the PSA after it was planned"
    if invoice.dated < from_day:
        return f"the book is live for invoices from {from_day} on only"
    if elsewhere:
        return (
            f"{elsewhere[0].number} of it stands in '{elsewhere[0].ledger}', or is on its way there"
        )
    unsure = invoice.owner is Ownership.UNSURE and not attested
    if invoice.owner is Ownership.OTHER or unsure:
        return "somebody else carries the invoice now, or may do so"
    return ""


def reason_moved(
    source: StoredInvoice | None,
    document: DocumentItem,
    *,
    digest: str | None,
    anew: bool | None,
) -> str:
    """Why a document must not be taken back any more as it was planned, or an empty text.

    Args:
        source: its invoice as it was last read.
        document: what would be voided or credited.
        digest: of the invoice when that was planned; None where no plan tells.
        anew: a new version is to follow; None for a credit note, which says so itself.
    """
    shown = set() if source is None else {source.digest, kept_source(source)}
    if source is None or (digest is not None and digest not in shown):
        return "the invoice changed in the PSA after it was planned"
    if kept_source(source) == document.source_digest:
        return "the invoice is in the PSA again as it was posted"
    if is_draft(source):
        return "the invoice is a draft again in the PSA"
    draft = document.seen_status == EntryStatus.DRAFT  # taken back whole, number and all
    if not draft and anew is not None and anew is (source.gone or source.invoice.voided):
        return "the invoice was taken back, or put back, in the PSA after it was planned"
    return ""
