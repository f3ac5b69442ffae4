"""How documents end: the outcomes of a call in one transaction, told to the log after it.

The ids in the books, the issues and the marks for the PSA are one commit, so that a crash leaves
all of them or rows that are looked up again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.core.service.committed_together import commit_together
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_actions import queue_actions
from syncd.core.service.posting_endings import DocumentEnding
from syncd.core.service.posting_issues import sync_posting_issues
from syncd.core.store.ledger_actions import MARK_POSTED, NewAction
from syncd.core.store.ledger_documents import DocumentItem, seen_values
from syncd.core.store.ledger_intents import LedgerTry, record_tries
from syncd.core.store.ledger_moves import Move, move_documents
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
        """Write how the tries of one call ended, before anything else is done.

        Args:
            ended: the rows as they were claimed, each with what becomes of it.
            what: `send`, `find`, `recover`, `check` or `decide`, for the history.
            started_at: when the call began.

        Returns:
            what was written; a row that somebody else moved meanwhile is left out.
        """

        async def commit(piece: Sequence[Ended]) -> list[Ended]:
            return await self._commit(piece, what, started_at)

        return await commit_together(ended, commit)

    async def _commit(self, ended: Sequence[Ended], what: str, started_at: datetime) -> list[Ended]:
        now = self.clock()
        async with self.database.writer() as conn:
            book = IssueBook(conn, self.ledger.name, now)
            moves = [
                Move(
                    id=item.id,
                    expected=item.state,
                    to=ending.state,
                    values=_values(item, ending, now),
                )
                for item, ending in ended
            ]
            written = await move_documents(conn, moves)
            moved = [(item, ending) for item, ending in ended if item.id in written]
            tries = [_try(item, ending, what, started_at, now) for item, ending in moved]
            await record_tries(conn, tries)
            marks = [
                _mark(item, ending.entry, self.ledger.name, now)
                for item, ending in moved
                if ending.state in _STANDS and ending.entry is not None and _is_shown(item)
            ]
            await queue_actions(conn, marks, now=now)
            await sync_posting_issues(book, self.ledger, moved)
        book.speak(self.log)
        for item, ending in moved:
            self.tell(item, ending)
        return moved

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


def _is_shown(item: DocumentItem) -> bool:
    """Whether the PSA has an invoice of its own for it, which a credit note of ours has not.

    The number, the link and the tax of the credited invoice are those of its document.
    """
    return item.payload is None or item.payload.replaces is None


def _mark(item: DocumentItem, entry: LedgerEntry, ledger: str, now: datetime) -> NewAction:
    """What the PSA is told of a document that stands in the books."""
    computed = item.payload is not None and item.payload.delegated
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
    return NewAction(
        kind=MARK_POSTED,
        connection_id=item.psa_id,
        payload=mark,
        document_id=item.id,
        plan_id=item.plan_id,
    )


def _try(
    item: DocumentItem, ending: DocumentEnding, what: str, started_at: datetime, now: datetime
) -> LedgerTry:
    return LedgerTry(
        what=what,
        n=item.attempts,
        outcome=ending.code or ending.state.value,
        started_at=started_at,
        finished_at=now,
        document_id=item.id,
        request_id=ending.request_id,
        detail=ending.message,
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
