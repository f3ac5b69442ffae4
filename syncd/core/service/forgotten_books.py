"""Books that are gone: a person says that what was written to one counts nowhere any more.

A trial organisation ends, or is reset, and its documents with it; what was posted there is kept out
of every other book until that is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from syncd.core.service.bookkeeping_settlement import ActionEnding, ActionSettler
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.posting_endings import DocumentEnding
from syncd.core.service.posting_settlement import DocumentSettler
from syncd.core.service.refusals import GoLiveRefused
from syncd.core.store.connections import find_connection
from syncd.core.store.delivery_lock import books_turn
from syncd.core.store.invoice_facts import live_books
from syncd.core.store.issues import Finding, IssueSeverity, open_issues
from syncd.core.store.ledger_actions import UNSETTLED, actions_in
from syncd.core.store.ledger_documents import NOT_STANDING, DocumentItem, documents_in
from syncd.core.store.ledger_golive import LedgerWord, load_ledger_golive, record_ledger_golive
from syncd.core.store.ledger_mappings import current_ledger_mappings, write_ledger_mappings
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

FORGOTTEN: Final = "FORGOTTEN"
BOOK_NOT_CONFIGURED: Final = "BOOK_NOT_CONFIGURED"

_COUNTING: Final = tuple(state for state in DocumentState if state not in NOT_STANDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What a book that is forgotten leaves.

    Attributes:
        documents: those that counted, or might have.
        writes: others that had no end.
    """

    documents: int
    writes: int


async def left_in(database: Database, psa: ConnectionRef, connection: ConnectionRef) -> Forgotten:
    """What would be forgotten with a book."""
    async with database.reader() as conn:
        documents = await documents_in(conn, connection.id, _COUNTING)
        writes = await actions_in(conn, connection.id, UNSETTLED)
    return Forgotten(documents=len(_of(psa, documents)), writes=len(writes))


async def forget_book(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    *,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Forgotten:
    """Nothing that was written to a book counts any more, so that its invoices go elsewhere.

    Nobody is asked, since nobody answers there. Its mappings end as well. After a crash the same
    word goes on.

    Args:
        database: where documents are kept.
        psa: connection of the PSA.
        connection: that of the book, which no configuration names any more.
        reason: why, kept with every document.
        by: who.
        clock: current time in UTC.
        log: told of it.
        sleep: waits; replaced in tests.

    Raises:
        GoLiveRefused: no reason.
        BooksBusy: another process writes to the book.
    """
    if not reason.strip():
        message = "a book is forgotten for a reason: it is kept with every document"
        raise GoLiveRefused(message, remedy='add --why "what became of it"')
    now, said = clock(), f"the book is forgotten ({by}: {reason.strip()})"
    async with books_turn(database, connection.id, wait_seconds=10.0, sleep=sleep):
        async with database.writer() as conn:
            before = await load_ledger_golive(conn, psa.id, connection.id)
            if before is not None and before.live:
                word = LedgerWord(
                    book_key=before.book_key,
                    live=False,
                    from_day=None,
                    by=by,
                    reason=reason.strip(),
                    at=now,
                )
                await record_ledger_golive(conn, psa.id, connection.id, word)
            documents = _of(psa, await documents_in(conn, connection.id, _COUNTING))
            writes = await actions_in(conn, connection.id, UNSETTLED)
        of_writes = ActionSettler(database=database, connection=connection, clock=clock, log=log)
        rejected = ActionEnding(state=OutboxState.REJECTED, code=FORGOTTEN, message=said)
        ended = await of_writes.settle(
            [(one, rejected) for one in writes], what="decide", started_at=now
        )
        of_documents = DocumentSettler(database=database, ledger=connection, clock=clock, log=log)
        voided = DocumentEnding(state=DocumentState.VOIDED, code=FORGOTTEN, message=said)
        left = await of_documents.settle(
            [(one, voided) for one in documents], what="decide", started_at=now
        )
        async with database.writer() as conn:
            # Its contacts would go on to name another book for each of these clients.
            kept = await current_ledger_mappings(conn, psa.id, connection.id)
            await write_ledger_mappings(conn, psa.id, connection.id, new=(), ended=kept, now=now)
            book = IssueBook(conn, connection.name, clock())
            for issue in await open_issues(conn, connection=connection.name):
                await book.close(issue.code, issue.subject)
            of_psa = IssueBook(conn, psa.name, clock())
            await of_psa.close(BOOK_NOT_CONFIGURED, connection.name)
        book.speak(log)
        of_psa.speak(log)
    log("book.put_back", book=connection.name, by=by, reason=reason.strip())
    return Forgotten(documents=len(left), writes=len(ended))


async def tell_unconfigured(
    database: Database,
    psa: ConnectionRef,
    configured: Collection[str],
    *,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """Tell of live books that no configuration names: what was posted there is posted nowhere else.

    Args:
        database: where words are kept.
        psa: connection of the PSA, to which the issues belong.
        configured: names of the connections of books.
        clock: current time in UTC.
        log: gets the changes of issues.
    """
    async with database.writer() as conn:
        lost = {name for name, _ in await live_books(conn, psa.id)} - set(configured)
        counts: dict[str, int] = {}
        for name in sorted(lost):
            book = await find_connection(conn, name)
            if book is None:
                continue
            documents = _of(psa, await documents_in(conn, book.id, _COUNTING))
            if documents:
                counts[name] = len(documents)
        issues = IssueBook(conn, psa.name, clock())
        await issues.replace(
            BOOK_NOT_CONFIGURED, {name: _lost(name, count) for name, count in counts.items()}
        )
    issues.speak(log)


def _of(psa: ConnectionRef, documents: Collection[DocumentItem]) -> list[DocumentItem]:
    return [one for one in documents if one.psa_id == psa.id]


def _lost(name: str, count: int) -> Finding:
    many = "1 invoice stands" if count == 1 else f"{count:,} invoices stand"
    return Finding(
        message=f"{many} in '{name}', which is live and in no configuration: no other book gets "
        "what was posted there.",
        remedy="If nothing in it counts any more, e.g. in a trial that ended: "
        f"`syncd golive {name} --forget --why TEXT`. Otherwise configure it again; "
        f"`syncd golive {name} --back --why TEXT` then ends it for new invoices only.",
        severity=IssueSeverity.WARNING,
        evidence={"book": name, "documents": count},
    )
