"""The claim of documents: they are `sending` once it is committed, and only what did not move is.

An invoice that the PSA changed or voided meanwhile is not sent; the next plan has it as it is now.
While nobody knows how the PSA has it, documents wait as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.last_look import Withdrawn, look_at_documents
from syncd.core.service.posting_endings import DocumentEnding
from syncd.core.service.unread_source import unread
from syncd.core.store.ledger_documents import DocumentItem, documents_in
from syncd.core.store.ledger_moves import Move, move_documents
from syncd.core.store.states import DocumentState

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.ledger_records import LedgerEntry

Unsendable = tuple[DocumentItem, DocumentEnding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a claim found.

    Attributes:
        documents: that are `sending` now.
        unsendable: that must not be sent any more, with why.
        unread: why others wait as they are, or empty.
        unasked: credit notes that wait until the books showed what they are for.
    """

    documents: list[DocumentItem] = field(default_factory=list)
    unsendable: list[Unsendable] = field(default_factory=list)
    unread: str = ""
    unasked: list[DocumentItem] = field(default_factory=list)


async def claim_documents(
    database: Database,
    connection: ConnectionRef,
    *,
    book_key: str,
    now: datetime,
    limit: int,
    shown: Mapping[int, LedgerEntry | None],
) -> Claimed:
    """Take the next documents that are due; they are `sending` once this has returned.

    Args:
        database: where the ledger is.
        connection: of the book.
        book_key: the organisation that is open now; documents of another one are not touched.
        now: UTC.
        limit: most of one call.
        shown: what credit notes are for, as the books showed it just now, by row id; a credit note
            whose document was not asked for is left.
    """
    async with database.writer() as conn:
        due = await documents_in(
            conn,
            connection.id,
            [DocumentState.PENDING],
            due=now,
            limit=limit,
            book_key=book_key,
        )
        if not due:
            return Claimed()
        waits = await unread(conn, {item.psa_id for item in due}, now)
        due = [item for item in due if item.psa_id not in waits]
        unasked = [item for item in due if (credited(item) or 0) not in {0, *shown}]
        due = [item for item in due if item not in unasked]
        look = await look_at_documents(conn, connection.id, book_key, due, shown)
        objections = {item.id: look.at_document(item) for item in due}
        moved = await move_documents(
            conn,
            [
                Move(
                    id=item.id,
                    expected=DocumentState.PENDING,
                    to=DocumentState.SENDING,
                    values={"attempts": item.attempts + 1, "sent_at": now},
                )
                for item in due
                if objections[item.id] is None
            ],
        )
    claimed = [
        replace(item, state=DocumentState.SENDING, attempts=item.attempts + 1)
        for item in due
        if item.id in moved
    ]
    withdrawn = [(item, _refused(why)) for item in due if (why := objections[item.id]) is not None]
    return Claimed(
        documents=claimed,
        unsendable=withdrawn,
        unread=next(iter(waits.values()), ""),
        unasked=unasked,
    )


def credited(item: DocumentItem) -> int | None:
    """Row id of the document that a credit note of ours is for, or None."""
    return None if item.payload is None else item.payload.replaces


def _refused(why: Withdrawn) -> DocumentEnding:
    return DocumentEnding(state=DocumentState.REFUSED, code=why.code, message=why.why)
