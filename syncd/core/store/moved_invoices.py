"""Documents whose invoices moved in the PSA since they were written, and credit notes to allocate.

What a person said of one such change stands in the history of the document, with who and why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import and_, case, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.invoicing.recognition import GONE as TAKEN_BACK
from syncd.core.store.invoice_facts import StoredInvoice
from syncd.core.store.ledger_documents import (
    NOT_STANDING,
    DocumentItem,
    documents_of_invoices,
    item_of,
)
from syncd.core.store.ledger_intents import LedgerTry, record_tries
from syncd.core.store.outbox import chunks
from syncd.core.store.standing_documents import STANDING, take_source
from syncd.core.store.tables.books import InvoiceRow
from syncd.core.store.tables.ledger import LedgerAttempt, LedgerDocumentRow
from syncd.sdk.invoice_records import DocumentKind

GONE: Final = "gone"
"""`source_digest` of a document that stays although the PSA does not know its invoice any more."""

_UNFINISHED: Final = "unfinished:"
"""Begins the `source_digest` of a document that stays although its invoice is a draft again."""

_UNDONE_KEPT: Final = "undone:"
"""Begins the `source_digest` of a credit note that stays although its reason is gone."""

DECIDE: Final = "decide"
_WAY: Final = "carry:"
_USED: Final = f"{_WAY}used"
_UNDONE: Final = f"{_WAY}undone"
_Row = LedgerDocumentRow
_SAME_INVOICE: Final = and_(
    col(InvoiceRow.psa_connection_id) == col(_Row.psa_connection_id),
    col(InvoiceRow.key) == col(_Row.invoice_key),
)


async def moved_documents(
    conn: AsyncConnection, psa_id: int, ledger_id: int, book_key: str
) -> list[DocumentItem]:
    """Standing documents whose invoice shows something else, is a draft again, or is gone.

    Also those whose invoice is again as it was posted while a credit note of ours takes back some
    of it.
    """
    draft = and_(col(InvoiceRow.finalised).is_(False), col(InvoiceRow.voided).is_(False))
    kept_as_draft = literal(_UNFINISHED) + col(InvoiceRow.digest)
    statement = (
        select(_Row)
        .join(InvoiceRow, _SAME_INVOICE)
        .where(
            *_standing(psa_id, ledger_id, book_key),
            or_(
                and_(
                    col(InvoiceRow.gone_at).is_(None),
                    col(_Row.source_digest) != kept_as_draft,
                    or_(draft, col(_Row.source_digest) != col(InvoiceRow.digest)),
                ),
                and_(col(InvoiceRow.gone_at).is_not(None), col(_Row.source_digest) != GONE),
            ),
        )
        .order_by(col(_Row.id))
    )
    found = [item_of(row) for row in (await conn.execute(statement)).all()]
    # A credit note that we made for a change is no invoice of the PSA.
    found = [one for one in found if one.payload is None or one.payload.replaces is None]
    known = {one.id for one in found}
    notes = await _unfounded(conn, psa_id, ledger_id, book_key)
    credited = {note.payload.replaces for note in notes if note.payload is not None} - known
    for chunk in chunks(sorted(one for one in credited if one is not None)):
        rows = select(_Row).where(*_standing(psa_id, ledger_id, book_key), col(_Row.id).in_(chunk))
        found += [item_of(row) for row in (await conn.execute(rows)).all()]
    return sorted(found, key=lambda one: one.id)


async def _unfounded(
    conn: AsyncConnection, psa_id: int, ledger_id: int, book_key: str
) -> list[DocumentItem]:
    """Credit notes of ours that stand for a change which the PSA does not show any more."""
    draft = and_(col(InvoiceRow.finalised).is_(False), col(InvoiceRow.voided).is_(False))
    digest = col(InvoiceRow.digest)
    kept = case(
        (col(InvoiceRow.gone_at).is_not(None), literal(GONE)),
        (draft, literal(_UNFINISHED) + digest),
        else_=digest,
    )
    statement = (
        select(_Row)
        .join(InvoiceRow, _SAME_INVOICE)
        .where(
            *_standing(psa_id, ledger_id, book_key),
            col(_Row.kind) == DocumentKind.CREDIT.value,
            col(InvoiceRow.kind) != DocumentKind.CREDIT.value,
            col(_Row.plan_id).is_not(None),
            col(_Row.seen_status).not_in(sorted(one.value for one in TAKEN_BACK)),
            col(_Row.source_digest) != kept,
            col(_Row.source_digest) != literal(_UNDONE_KEPT) + kept,
        )
        .order_by(col(_Row.id))
    )
    return [item_of(row) for row in (await conn.execute(statement)).all()]


def takes_back(note: DocumentItem, invoice: StoredInvoice | None) -> bool:
    """Whether the PSA shows still what a credit note of ours was made for."""
    return invoice is not None and note.source_digest == kept_source(invoice)


def is_undone(document: DocumentItem, invoice: StoredInvoice) -> bool:
    """Whether the PSA shows an invoice again as it was posted, or as a person kept it."""
    return document.source_digest == kept_source(invoice)


async def keep_source(conn: AsyncConnection, document: DocumentItem, kept: str) -> None:
    """A person said that a document stays as it is, with the credit notes that we made of it."""
    await take_source(conn, document.id, kept)
    family = await documents_of_invoices(
        conn, document.psa_id, [document.invoice], ledger_id=document.ledger_id
    )
    for note in credits_of(document, family.get(document.invoice, ())):
        if note.source_digest != kept:
            await take_source(conn, note.id, _UNDONE_KEPT + kept)


def credits_of(document: DocumentItem, family: Iterable[DocumentItem]) -> list[DocumentItem]:
    """Credit notes of ours for a document that stand, or may come to stand."""
    return [
        one
        for one in family
        if one.kind is DocumentKind.CREDIT
        and one.payload is not None
        and one.payload.replaces == document.id
        and one.state not in NOT_STANDING
    ]


def kept_source(invoice: StoredInvoice) -> str:
    """`source_digest` of a document that a person leaves as it is, whatever the PSA shows now."""
    if invoice.gone:
        return GONE
    return _UNFINISHED + invoice.digest if is_draft(invoice) else invoice.digest


def is_draft(invoice: StoredInvoice) -> bool:
    """Whether the PSA has it, and has it as a draft again."""
    return not (invoice.gone or invoice.invoice.finalised or invoice.invoice.voided)


async def open_credits(
    conn: AsyncConnection, psa_id: int, ledger_id: int, book_key: str, *, dated_from: date
) -> list[DocumentItem]:
    """Credit notes in the books of which something was left when they were last seen."""
    statement = (
        select(_Row)
        .where(
            *_standing(psa_id, ledger_id, book_key),
            col(_Row.kind) == DocumentKind.CREDIT.value,
            col(_Row.plan_id).is_not(None),
            col(_Row.seen_balance) > Decimal(0),
            col(_Row.dated) >= dated_from.isoformat(),
        )
        .order_by(col(_Row.id))
    )
    return [item_of(row) for row in (await conn.execute(statement)).all()]


async def decided_ways(conn: AsyncConnection, document_ids: Collection[int]) -> dict[int, str]:
    """What a person said of each document, the last word: `<way>:<digest of the invoice>`.

    Without a colon it is no word any more: what it was said for was done, or was undone.
    """
    return dict(await _words(conn, document_ids))


async def used_ways(conn: AsyncConnection, document_ids: Collection[int]) -> dict[int, str]:
    """The words that a step of a plan used up, of documents of which nothing was said since.

    One binds again where its step was never made.
    """
    said: dict[int, str] = {}
    used: dict[int, str] = {}
    for document, word in await _words(conn, document_ids):
        if _WAY + word == _USED:
            used[document] = said.pop(document, "")
        else:
            used.pop(document, None)
            said[document] = word
    return {key: way for key, way in used.items() if ":" in way}


async def _words(conn: AsyncConnection, document_ids: Collection[int]) -> list[tuple[int, str]]:
    """What was said of documents, the oldest word first."""
    statement = (
        select(col(LedgerAttempt.document_id), col(LedgerAttempt.outcome))
        .where(
            col(LedgerAttempt.document_id).in_(sorted(document_ids)),
            col(LedgerAttempt.what) == DECIDE,
            col(LedgerAttempt.outcome).startswith(_WAY),
        )
        .order_by(col(LedgerAttempt.id))
    )
    rows = await conn.execute(statement)
    return [(row.document_id, row.outcome.removeprefix(_WAY)) for row in rows]


async def use_ways(conn: AsyncConnection, document_ids: Collection[int], *, now: datetime) -> None:
    """What was said of these documents is done with: a step of it was queued."""
    said = await decided_ways(conn, document_ids)
    ended = [key for key, way in said.items() if ":" in way]
    await _end_ways(conn, ended, _USED, "a step of a plan follows it", now)


async def end_undone_ways(
    conn: AsyncConnection, psa_id: int, ledger_id: int, book_key: str, *, now: datetime
) -> None:
    """A word binds for one change: it is done with once the PSA shows anything else."""
    statement = (
        select(col(_Row.id), col(InvoiceRow.digest))
        .join(InvoiceRow, _SAME_INVOICE)
        .join(LedgerAttempt, col(LedgerAttempt.document_id) == col(_Row.id))
        .where(
            *_standing(psa_id, ledger_id, book_key),
            col(LedgerAttempt.what) == DECIDE,
            col(LedgerAttempt.outcome).startswith(_WAY),
            col(InvoiceRow.gone_at).is_(None),
        )
        .distinct()
    )
    shown = {row.id: row.digest for row in await conn.execute(statement)}
    said = await decided_ways(conn, shown) | await used_ways(conn, shown)
    ended = [
        key for key, way in said.items() if ":" in way and way.rpartition(":")[2] != shown[key]
    ]
    await _end_ways(conn, ended, _UNDONE, "the PSA shows something else by now", now)


async def _end_ways(
    conn: AsyncConnection, document_ids: Collection[int], outcome: str, why: str, now: datetime
) -> None:
    tries = [
        LedgerTry(
            what=DECIDE,
            n=0,
            outcome=outcome,
            started_at=now,
            finished_at=now,
            document_id=one,
            detail=why,
        )
        for one in sorted(document_ids)
    ]
    await record_tries(conn, tries)


def way_outcome(way: str, digest: str) -> str:
    """How such a word is written down."""
    return f"{_WAY}{way}:{digest}"


def _standing(psa_id: int, ledger_id: int, book_key: str) -> list[Any]:
    return [
        col(_Row.psa_connection_id) == psa_id,
        col(_Row.ledger_connection_id) == ledger_id,
        col(_Row.book_key) == book_key,
        col(_Row.state).in_([state.value for state in STANDING]),
        col(_Row.remote).is_not(None),
    ]
