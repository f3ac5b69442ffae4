"""What a person says of a document that moved, in the books or in the PSA, and of a payment.

Each word is kept in the history of the document with who and why, and plans made before it are old.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from syncd.core.invoicing.recognition import GONE
from syncd.core.service.carry_steps import (
    CHANGED_IN_PSA,
    CREDIT_UNDONE,
    GONE_IN_PSA,
    UNFINISHED_IN_PSA,
    VOIDED_IN_PSA,
)
from syncd.core.service.drift_issues import BOOKS_DELETED, BOOKS_VOIDED, DRIFTS, close_about, title
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_payments import IS_NEW, see_writes
from syncd.core.service.payment_issues import sync_payment_issues
from syncd.core.store.connections import bump_data_version
from syncd.core.store.invoice_facts import invoices_of_keys
from syncd.core.store.ledger_documents import DocumentItem, documents_of_invoices
from syncd.core.store.ledger_intents import LedgerTry, record_tries
from syncd.core.store.ledger_payments import (
    PAYMENT_DISMISSED,
    PartState,
    StoredPart,
    move_part,
    part_of_id,
)
from syncd.core.store.moved_invoices import (
    DECIDE,
    credits_of,
    is_draft,
    is_undone,
    keep_source,
    kept_source,
    moved_documents,
    way_outcome,
)
from syncd.core.store.standing_documents import see_document, standing_documents
from syncd.core.store.states import DocumentState
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import DataError
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import EntryStatus

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_SOURCE: Final = (
    CHANGED_IN_PSA,
    CREDIT_UNDONE,
    VOIDED_IN_PSA,
    GONE_IN_PSA,
    UNFINISHED_IN_PSA,
)


async def find_document(
    database: Database, ledgers: Sequence[ConnectionRef], number: str
) -> tuple[ConnectionRef, DocumentItem]:
    """The standing document of a number, or of an id in the books, and its book.

    Raises:
        DataError: there is none, or more than one.
    """
    found: list[tuple[ConnectionRef, DocumentItem]] = []
    async with database.reader() as conn:
        for ledger in ledgers:
            numbered = await standing_documents(conn, ledger.id, number=number)
            named = await standing_documents(conn, ledger.id, remotes=[number])
            found += [(ledger, one) for one in numbered or named]
    if len(found) == 1:
        return found[0]
    if not found:
        message = f"no document of ours called '{number}' stands in a book"
        raise DataError(message, remedy="`syncd invoices drift` lists those that moved")
    names = ", ".join(sorted({ledger.name for ledger, _ in found}))
    message = f"'{number}' is {len(found)} documents, in {names}"
    remedy = "name the book as well: --in NAME"
    if len({ledger.id for ledger, _ in found}) == 1:
        ids = " or ".join(f"{one.remote} ({title(one)} of {one.dated})" for _, one in found)
        remedy = f"name it by its id in the books: {ids}"
    raise DataError(message, remedy=remedy)


async def keep(
    database: Database,
    ledger: Ledger,
    connection: ConnectionRef,
    document: DocumentItem,
    *,
    by: str,
    why: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """The document stays as it is in the books now, whatever we wrote and the PSA shows.

    Raises:
        ConnectorError: the books could not be asked how it is now.
        DataError: nothing about it moved, the books do not show it, or somebody moved its row
            meanwhile.
    """
    assert document.remote is not None  # it stands
    drifted = document.state is DocumentState.DRIFTED
    entry = None
    if drifted:
        entry = (await ledger.read_back({document.remote: document.kind})).get(document.remote)
        if entry is None and document.code not in (BOOKS_VOIDED, BOOKS_DELETED):
            message = f"{connection.name} does not show {document.number} now"
            raise DataError(message, remedy="look at it in the books, and try again")
        if entry is None and document.seen is not None:
            entry = msgspec.structs.replace(document.seen, status=EntryStatus.DELETED)
    async with database.writer() as conn:
        moved = await _source_moved(conn, connection, document)
        if not drifted and not moved:
            raise _calm(document)
        book = IssueBook(conn, connection.name, clock())
        if drifted:
            gone = entry is None or entry.status in GONE
            calm = DocumentState.LINKED if document.plan_id is None else DocumentState.CONFIRMED
            seen = await see_document(
                conn,
                document,
                entry,
                at=book.now,
                state=DocumentState.DRIFTED if gone else calm,
                code=document.code if gone else None,
                detail=f"kept as it is by {by}: {why}",
                confirm=True,
            )
            if not seen:
                raise _raced(document)
        if moved:
            await keep_source(conn, document, moved)
        await _say(conn, document, "keep", by, why, book.now)
        await close_about(
            book, connection.name, document, (*sorted(DRIFTS), "BOOKS_DIFFER", *_SOURCE)
        )
    book.speak(log)


async def post_again(
    database: Database,
    ledger: Ledger,
    connection: ConnectionRef,
    document: DocumentItem,
    *,
    by: str,
    why: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """A document that is gone from the books shall be planned again, as another issue.

    Raises:
        ConnectorError: the books could not be asked whether it is there by now.
        DataError: it is not gone, a credit note of ours takes some of it back, or somebody moved
            its row meanwhile.
    """
    if document.code not in (BOOKS_VOIDED, BOOKS_DELETED):
        message = f"{document.number} was neither voided nor deleted in the books"
        raise DataError(message, remedy="only what is gone can be posted again")
    assert document.remote is not None  # it stood
    entry = (await ledger.read_back({document.remote: document.kind})).get(document.remote)
    if entry is not None and entry.status not in GONE:
        message = f"{document.number} stands in the books again"
        raise DataError(message, remedy="the next read-back sees it; nothing is to be done")
    async with database.writer() as conn:
        await _require_no_credit(conn, document)
        book = IssueBook(conn, connection.name, clock())
        moved = await see_document(
            conn,
            document,
            entry,
            at=book.now,
            state=DocumentState.VOIDED,
            code=None,
            detail=f"gone from the books; to be posted again by {by}: {why}",
            confirm=False,
        )
        if not moved:
            raise _raced(document)
        await _say(conn, document, "again", by, why, book.now)
        await close_about(book, connection.name, document, (*sorted(DRIFTS), *_SOURCE))
    book.speak(log)


async def choose_way(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    document: DocumentItem,
    way: str,
    *,
    by: str,
    why: str,
    clock: Callable[[], datetime],
) -> None:
    """What the next plan shall propose for one change of the PSA; it binds for this change only.

    Raises:
        DataError: the PSA did not change it, or is still changing it.
    """
    async with database.writer() as conn:
        if not await _source_moved(conn, connection, document):
            raise _calm(document)
        stored = (await invoices_of_keys(conn, psa.id, [document.invoice]))[document.invoice]
        if is_draft(stored):
            message = f"the invoice of {document.number} is a draft again in the PSA"
            raise DataError(message, remedy="finish it there, or void it there")
        if is_undone(document, stored):
            message = f"the PSA shows {document.number} again as it was posted"
            remedy = (
                "void its credit note in the books, or leave both: `syncd invoices drift --keep`"
            )
            raise DataError(message, remedy=remedy)
        outcome = way_outcome(way, stored.digest)
        await _say(conn, document, outcome, by, why, clock())


async def answer_payment(
    database: Database,
    connection: ConnectionRef,
    part_id: int,
    *,
    record: bool,
    by: str,
    why: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> StoredPart:
    """A person says that a held payment is to be recorded, or is none of the PSA's.

    Raises:
        DataError: it does not wait for a person, or settles nothing that could be recorded.
    """
    async with database.writer() as conn:
        part = await part_of_id(conn, connection.id, part_id)
        if part is not None and part.state is PartState.NEW and await see_writes(conn, [part]) == 0:
            part = await part_of_id(conn, connection.id, part_id)
        if part is None or part.state is not PartState.HELD:
            message = f"no payment {part_id} of {connection.name} waits for a person"
            raise DataError(message, remedy="`syncd invoices payments --held` lists them")
        if record and part.document_id is None:
            message = f"payment {part_id} settles no invoice, so there is nothing to record it for"
            raise DataError(message, remedy="allocate it in the books, or dismiss it")
        to = PartState.NEW if record else PartState.IGNORED
        said = f"{IS_NEW}: " if record else f"{PAYMENT_DISMISSED}: "
        await move_part(conn, part, to, action_id=None, detail=f"{said}{by}: {why}"[:500])
        now = clock()
        if part.document_id is not None:
            outcome = "record payment" if record else "dismiss payment"
            tried = LedgerTry(
                what=DECIDE,
                n=0,
                outcome=outcome,
                started_at=now,
                finished_at=now,
                document_id=part.document_id,
                detail=f"{by}: {why}",
            )
            await record_tries(conn, [tried])
        await bump_data_version(conn)
        book = IssueBook(conn, connection.name, now)
        await sync_payment_issues(book, connection, part.book_key)
    book.speak(log)
    return part


async def _require_no_credit(conn: AsyncConnection, document: DocumentItem) -> None:
    """Refuse to post an invoice anew beside what was credited of it: the client would owe less."""
    family = await documents_of_invoices(
        conn, document.psa_id, [document.invoice], ledger_id=document.ledger_id
    )
    notes = credits_of(document, family.get(document.invoice, ()))
    if not notes:
        return
    number = notes[0].number
    message = f"credit note {number} takes back some of {document.number}, and stands"
    remedy = (
        f"void {number} in the books, run `syncd invoices drift --again {number} --why TEXT` once "
        f"the round has seen that, then say it of {document.number} again"
    )
    raise DataError(message, remedy=remedy)


async def _source_moved(
    conn: AsyncConnection, connection: ConnectionRef, document: DocumentItem
) -> str:
    """What `source_digest` would be if the document stayed; empty where the PSA moved nothing."""
    moved = await moved_documents(conn, document.psa_id, connection.id, document.book_key)
    if not any(one.id == document.id for one in moved):
        return ""
    stored = (await invoices_of_keys(conn, document.psa_id, [document.invoice]))[document.invoice]
    return kept_source(stored)


async def _say(
    conn: AsyncConnection, document: DocumentItem, outcome: str, by: str, why: str, now: datetime
) -> None:
    tried = LedgerTry(
        what=DECIDE,
        n=0,
        outcome=outcome,
        started_at=now,
        finished_at=now,
        document_id=document.id,
        detail=f"{by}: {why}",
    )
    await record_tries(conn, [tried])
    await bump_data_version(conn)


def _calm(document: DocumentItem) -> DataError:
    message = f"nothing about {document.number} moved since it was posted"
    return DataError(message, remedy="`syncd invoices drift` lists what moved")


def _raced(document: DocumentItem) -> DataError:
    message = f"{document.number} moved meanwhile"
    return DataError(message, remedy="look at `syncd invoices drift` and try again")
