"""How documents end: the outcomes of a call in short transactions, told to the log after them.

The id in the books, the issue and the mark for the PSA are one commit, so that a crash leaves all
of them or a row that is looked up again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_actions import queue_action
from syncd.core.service.posting_endings import DocumentEnding
from syncd.core.service.posting_issues import POSTING_CODES, subject, wanted_issue
from syncd.core.store.issue_subjects import open_codes_by_subject
from syncd.core.store.ledger_actions import MARK_POSTED
from syncd.core.store.ledger_documents import DocumentItem, move_document, seen_values
from syncd.core.store.ledger_intents import LedgerTry, record_tries
from syncd.core.store.states import DocumentState
from syncd.sdk.connector import EventLog
from syncd.sdk.invoice_records import PostedMark
from syncd.sdk.ledger_records import LedgerEntry

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_SETTLED = frozenset({DocumentState.CONFIRMED, DocumentState.DRIFTED, DocumentState.REFUSED})
_STANDS = frozenset({DocumentState.CONFIRMED, DocumentState.DRIFTED})

Ended = tuple[DocumentItem, DocumentEnding]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSettler:
    """Writes endings.

    Attributes:
        database: where the ledger is.
        ledger: connection of the book.
        clock: current time in UTC.
        log: told after each commit.
    """

    database: Database
    ledger: ConnectionRef
    clock: Callable[[], datetime]
    log: EventLog

    async def settle(
        self, ended: Sequence[Ended], *, what: str, started_at: datetime
    ) -> list[Ended]:
        """Write how tries ended, each document in a commit of its own.

        One that cannot be written must not take the receipts of the others with it.

        Args:
            ended: the rows as they were claimed, each with what becomes of it.
            what: `send`, `find`, `recover` or `decide`, for the history.
            started_at: when the call began.

        Returns:
            what was written; a row that somebody else moved meanwhile is left out.
        """
        moved = []
        for item, ending in ended:
            now = self.clock()
            async with self.database.writer() as conn:
                book = IssueBook(conn, self.ledger.name, now)
                if not await self.write(book, item, ending, what=what, started_at=started_at):
                    continue
            book.speak(self.log)
            self.tell(item, ending)
            moved.append((item, ending))
        return moved

    async def write(
        self,
        book: IssueBook,
        item: DocumentItem,
        ending: DocumentEnding,
        *,
        what: str,
        started_at: datetime,
    ) -> bool:
        """Write one ending inside of a transaction; False if somebody else moved the row."""
        conn, now = book.conn, book.now
        if not await move_document(
            conn, item.id, expected=(item.state,), to=ending.state, **_values(item, ending, now)
        ):
            return False
        tried = LedgerTry(
            what=what,
            n=item.attempts,
            outcome=ending.code or ending.state.value,
            started_at=started_at,
            finished_at=now,
            document_id=item.id,
            request_id=ending.request_id,
            detail=ending.message,
        )
        await record_tries(conn, [tried])
        if ending.state in _STANDS and ending.entry is not None:
            await queue_mark(conn, item, ending.entry, self.ledger.name, now)
        await self._issues(book, item, ending)
        return True

    async def _issues(self, book: IssueBook, item: DocumentItem, ending: DocumentEnding) -> None:
        about = subject(self.ledger.name, item.number)
        wanted = wanted_issue(item, ending, self.ledger.name)
        open_now = await open_codes_by_subject(book.conn, [about], POSTING_CODES)
        for code in sorted(open_now.get(about, set())):
            if wanted is None or code != wanted[0]:
                await book.close(code, about)
        if wanted is not None:
            await book.open(wanted[0], about, wanted[1])

    def tell(self, item: DocumentItem, ending: DocumentEnding) -> None:
        """Log how a document ended; after the commit."""
        about = {"ledger": self.ledger.name, "number": item.number, "client": item.client_name}
        money = {"total": str(item.total), "currency": item.currency}
        match ending.state:
            case DocumentState.CONFIRMED:
                self.log("document.confirmed", **about, **money, found=not ending.request_id)
            case DocumentState.DRIFTED:
                self.log("document.differs", **about, **money, detail=ending.message)
            case DocumentState.REFUSED:
                self.log("document.refused", **about, code=ending.code)
            case DocumentState.UNKNOWN:
                self.log("document.unknown", **about)
            case DocumentState.NEEDS_REVIEW:
                self.log("document.parked", **about, reason=ending.code)
            case _:
                pass


async def queue_mark(
    conn: AsyncConnection, item: DocumentItem, entry: LedgerEntry, ledger: str, now: datetime
) -> None:
    """Queue what the PSA is told of a document that stands in the books."""
    payload = item.payload
    computed = payload is not None and payload.delegated
    mark = PostedMark(
        key=f"{item.key}:mark",
        invoice=item.invoice,
        number=entry.number or item.number,
        remote=entry.remote,
        system=ledger,
        url=entry.url,
        posted_on=now,
        tax=entry.tax if computed else None,
    )
    await queue_action(
        conn,
        kind=MARK_POSTED,
        connection_id=item.psa_id,
        payload=mark,
        now=now,
        document_id=item.id,
        plan_id=item.plan_id,
    )


def _values(item: DocumentItem, ending: DocumentEnding, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"code": ending.code or None, "detail": ending.message}
    if ending.available_at is not None:
        values["available_at"] = ending.available_at
    if ending.entry is not None:
        values |= seen_values(ending.entry, now)
    if ending.anew:
        values["generation"] = item.generation + 1
    if ending.unsent:
        values["attempts"] = max(item.attempts - 1, 0)
    if ending.state in _SETTLED:
        values["settled_at"] = now
    return values
