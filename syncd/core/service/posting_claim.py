"""The last look before a document is sent: it is claimed only if nothing moved since the plan.

An invoice that the PSA changed or voided meanwhile is not sent; the next plan has it as it is now.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.posting_endings import DocumentEnding
from syncd.core.store.invoice_facts import StoredInvoice, golive_of, invoices_of_keys
from syncd.core.store.ledger_documents import DocumentItem, documents_in, move_document
from syncd.core.store.states import DocumentState

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

SOURCE_MOVED = "SOURCE_MOVED"
LINK_ONLY = "LINK_ONLY"

Unsendable = tuple[DocumentItem, DocumentEnding]


async def claim_documents(
    database: Database,
    connection: ConnectionRef,
    *,
    book_key: str,
    now: datetime,
    limit: int,
) -> tuple[list[DocumentItem], list[Unsendable]]:
    """Take the next documents that are due; they are `sending` once this has returned.

    Args:
        database: where the ledger is.
        connection: of the book.
        book_key: the organisation that is open now; documents of another one are not touched.
        now: UTC.
        limit: most of one call.

    Returns:
        what was claimed, and what must not be sent any more, with why.
    """
    async with database.writer() as conn:
        due = await documents_in(conn, connection.id, [DocumentState.PENDING], due=now, limit=limit)
        if not due:
            return [], []
        sources = await _sources(conn, due)
        live = {
            psa_id: await golive_of(conn, psa_id, connection.id)
            for psa_id in sorted({item.psa_id for item in due})
        }
        claimed: list[DocumentItem] = []
        unsendable: list[Unsendable] = []
        for item in due:
            golive = live[item.psa_id]
            if golive is None or golive.book_key != item.book_key or item.book_key != book_key:
                why = "the book is not live, or it is another one than the plan was made for"
                unsendable.append((item, _refused(LINK_ONLY, why)))
                continue
            why = _moved(item, sources.get((item.psa_id, item.invoice)))
            if why:
                unsendable.append((item, _refused(SOURCE_MOVED, why)))
                continue
            attempts = item.attempts + 1
            if await move_document(
                conn,
                item.id,
                expected=(DocumentState.PENDING,),
                to=DocumentState.SENDING,
                attempts=attempts,
                sent_at=now,
            ):
                claimed.append(replace(item, state=DocumentState.SENDING, attempts=attempts))
    return claimed, unsendable


async def _sources(
    conn: AsyncConnection, items: list[DocumentItem]
) -> dict[tuple[int, str], StoredInvoice]:
    found: dict[tuple[int, str], StoredInvoice] = {}
    for psa_id in sorted({item.psa_id for item in items}):
        keys = {item.invoice for item in items if item.psa_id == psa_id}
        stored = await invoices_of_keys(conn, psa_id, keys)
        found.update({(psa_id, key): one for key, one in stored.items()})
    return found


def _moved(item: DocumentItem, stored: StoredInvoice | None) -> str:
    """Why the source of a document is not what it was planned from, or an empty text."""
    evens_out = item.payload is not None and item.payload.replaces is not None
    if stored is None or stored.gone:
        return "" if evens_out else "the PSA does not know the invoice any more"
    if evens_out:
        return ""  # it evens out what stands in the books, whatever the PSA says of it now
    if stored.invoice.voided or not stored.invoice.finalised:
        return "the PSA voided the invoice, or made it a draft again"
    if stored.digest != item.source_digest:
        return "the invoice changed in the PSA after it was planned"
    return ""


def _refused(code: str, why: str) -> DocumentEnding:
    return DocumentEnding(state=DocumentState.REFUSED, code=code, message=why, unsent=True)
