"""Posting: each document into the books once, although no book is exactly-once by itself.

pending -> sending, committed before the call -> confirmed | drifted | refused | unknown; an unknown
document is looked up after the books had time to settle, and is adopted, proven absent and sent
again, or parked for a person.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from syncd.core.invoicing.identity import attempt_of
from syncd.core.service.answers import AnswerT, answer_of
from syncd.core.service.delivery_loop import Pace, drain, one_per_key
from syncd.core.service.posting_claim import Claimed, claim_documents, credited
from syncd.core.service.posting_endings import DocumentEnding, DocumentEndings
from syncd.core.service.posting_settlement import DocumentSettler
from syncd.core.store.claim_facts import documents_of_ids
from syncd.core.store.delivery_lock import books_turn
from syncd.core.store.ledger_documents import WAITING, DocumentItem, documents_in, documents_waiting
from syncd.core.store.states import DocumentState
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import AuthError, ConnectFailed, RateLimited, SyncdError, TransientError
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerEntry
from syncd.sdk.ledger_writes import LedgerDocument, PostOutcome, Wanted
from syncd.sdk.psa_records import NotSent, Unknown

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

LOOKUP_BATCH = 100
"""Unknown documents looked up together."""


@dataclass(slots=True)
class PostingReport:
    """What one delivery to a book did.

    Attributes:
        confirmed: documents that stand as they were sent.
        differing: documents that stand and that the books show otherwise.
        refused: documents that the books, or we, refused.
        parked: documents that wait for a person.
        waiting: documents left for later: not sent, or not looked up yet.
        found: documents that stand although their answer was lost.
        calls: write calls made.
        lookups: look-ups made.
        stopped_by: the error that ended it early, or None.
        unread: why documents were not sent, where nobody knows how the PSA has them; or empty.
    """

    confirmed: int = 0
    differing: int = 0
    refused: int = 0
    parked: int = 0
    waiting: int = 0
    found: int = 0
    calls: int = 0
    lookups: int = 0
    stopped_by: SyncdError | None = None
    unread: str = ""


async def deliver_documents(
    database: Database,
    ledger: Ledger,
    ledger_connection: ConnectionRef,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
    progress: Callable[[int], None] | None = None,
    book_key: str | None = None,
) -> PostingReport:
    """Post what waits, and settle what a crash or a lost answer left open.

    Args:
        database: where the ledger of documents is.
        ledger: the opened book.
        ledger_connection: its stored connection.
        clock: current time in UTC.
        log: gets one line per settled document.
        sleep: waits; replaced in tests.
        patience_seconds: how long to wait in all for documents that may be touched only later.
        lock_seconds: how long to wait for another writer.
        progress: told how many documents were settled so far.
        book_key: the organisation that `ledger.book()` named a moment ago; asked for if None.

    Raises:
        BooksBusy: another process writes to this book.
        ConnectorError: the book could not be asked which it is; nothing was sent.
        StoreError: the database cannot serve; nothing that was sent is lost.
    """
    async with books_turn(
        database, ledger_connection.id, wait_seconds=lock_seconds, sleep=sleep
    ) as still_held:
        async with database.reader() as conn:
            waiting, _ = await documents_waiting(conn, ledger_connection.id)
        if not waiting:
            return PostingReport()
        work = _Posting(
            database=database,
            ledger=ledger,
            connection=ledger_connection,
            book_key=book_key or (await ledger.book()).key,
            pace=Pace(clock=clock, sleep=sleep, patience=patience_seconds, began=clock()),
            progress=progress or (lambda _settled: None),
            settler=DocumentSettler(
                database=database, ledger=ledger_connection, clock=clock, log=log
            ),
        )
        await work.recover()
        await drain(work, work.pace, still_held)
        await work.count_waiting()
        return work.report


@dataclass(slots=True, kw_only=True)
class _Posting:
    database: Database
    ledger: Ledger
    connection: ConnectionRef
    book_key: str
    pace: Pace
    progress: Callable[[int], None]
    settler: DocumentSettler
    report: PostingReport = field(default_factory=PostingReport)

    async def recover(self) -> None:
        """Rows in `sending` belong to a process that died: their answer is lost."""
        async with self.database.reader() as conn:
            lost = await documents_in(conn, self.connection.id, [DocumentState.SENDING])
        ending = self._endings().recovered()
        await self._settle([(item, ending) for item in lost], "recover", self.pace.now())

    def stopped(self) -> bool:
        """See `Work`."""
        return self.report.stopped_by is not None

    async def send_due(self) -> bool:
        """See `Work`; what moved since the plan is refused instead."""
        claimed = await self._claim({})
        if claimed.unasked and not claimed.documents:
            shown = await self._shown(claimed.unasked)
            if shown is None:
                return True
            claimed = await self._claim(shown)
        self.report.unread = claimed.unread
        if claimed.unsendable:
            await self._settle(claimed.unsendable, "check", self.pace.now())
        if claimed.documents:
            await self._post(claimed.documents)
        return bool(claimed.documents or claimed.unsendable)

    async def look_up_due(self) -> bool:
        """See `Work`."""
        async with self.database.reader() as conn:
            unknown = await documents_in(
                conn,
                self.connection.id,
                [DocumentState.UNKNOWN],
                due=self.pace.now(),
                limit=LOOKUP_BATCH,
                book_key=self.book_key,
            )
        if unknown:
            await self._look_up(unknown)
        return bool(unknown)

    async def next_due(self) -> datetime | None:
        """See `Work`; not for documents of another organisation, nor for a read of the PSA."""
        states = (DocumentState.UNKNOWN,) if self.report.unread else WAITING
        async with self.database.reader() as conn:
            _, due = await documents_waiting(
                conn, self.connection.id, book_key=self.book_key, states=states
            )
        return due

    async def count_waiting(self) -> None:
        """Report what is left for later."""
        async with self.database.reader() as conn:
            self.report.waiting, _ = await documents_waiting(conn, self.connection.id)

    async def _claim(self, shown: Mapping[int, LedgerEntry | None]) -> Claimed:
        return await claim_documents(
            self.database,
            self.connection,
            book_key=self.book_key,
            now=self.pace.now(),
            limit=max(1, self.ledger.post_batch.size),
            shown=shown,
        )

    async def _shown(self, notes: Sequence[DocumentItem]) -> dict[int, LedgerEntry | None] | None:
        """What these credit notes are for, as the books show it; None where that was not answered.

        They wait then, so that nothing else has to.
        """
        started_at = self.pace.now()
        async with self.database.reader() as conn:
            targets = await documents_of_ids(conn, {credited(note) or 0 for note in notes})
        try:
            kinds = {one.remote: one.kind for one in targets.values() if one.remote}
            found = await self._vendor(self.ledger.read_back(kinds))
        except SyncdError as error:
            if isinstance(error, (AuthError, TransientError)):
                self.report.stopped_by = error
            ending = self._endings().not_asked(str(error), getattr(error, "retry_after", None))
            await self._settle([(note, ending) for note in notes], "check", started_at)
            return None
        shown: dict[int, LedgerEntry | None] = {credited(note) or 0: None for note in notes}
        return shown | {key: found.get(one.remote or "") for key, one in targets.items()}

    async def _post(self, batch: Sequence[DocumentItem]) -> None:
        started_at = self.pace.now()
        self.report.calls += 1
        outcomes: dict[str, PostOutcome]
        try:
            answered = await self._vendor(self.ledger.post([_document(item) for item in batch]))
            outcomes = one_per_key(answered)
        except (AuthError, RateLimited, ConnectFailed) as error:
            # Nothing of the batch was written: it waits as it did before.
            self.report.stopped_by = error
            wait = getattr(error, "retry_after", None)
            outcomes = {item.key: NotSent(item.key, str(error), wait) for item in batch}
        except SyncdError as error:
            self.report.stopped_by = error
            outcomes = {item.key: Unknown(item.key, str(error)) for item in batch}
        unsent = [one for one in outcomes.values() if isinstance(one, NotSent)]
        if len(unsent) == len(batch) and self.report.stopped_by is None:
            wait = max((one.retry_after or 0.0 for one in unsent), default=0.0)
            if wait > self.pace.left:
                self.report.stopped_by = RateLimited(unsent[0].message, retry_after=wait)
        endings = self._endings()
        await self._settle(
            [(item, endings.of_outcome(item, outcomes.get(item.key))) for item in batch],
            "send",
            started_at,
        )

    async def _look_up(self, items: Sequence[DocumentItem]) -> None:
        started_at = self.pace.now()
        self.report.lookups += 1
        endings = self._endings()
        try:
            found = await self._vendor(
                self.ledger.find_documents([_wanted(item) for item in items])
            )
        except SyncdError as error:
            if not isinstance(error, TransientError):
                self.report.stopped_by = error
            wait = getattr(error, "retry_after", None) or 0.0
            failed = [(item, endings.of_failed_lookup(item, str(error), wait)) for item in items]
            await self._settle(failed, "find", started_at)
            return
        ended = []
        for item in items:
            if item.key in found:
                ended.append((item, endings.of_lookup(item, found[item.key])))
            else:
                reason = "the connector did not answer for this document"
                ended.append((item, endings.of_failed_lookup(item, reason, 0.0)))
        await self._settle(ended, "find", started_at)

    async def _vendor(self, call: Awaitable[AnswerT]) -> AnswerT:
        work = "the posting of documents"
        return await answer_of(call, connection=self.connection.name, work=work)

    def _endings(self) -> DocumentEndings:
        return DocumentEndings(self.pace.now(), self.ledger.post_batch.settle_seconds)

    async def _settle(
        self,
        ended: Sequence[tuple[DocumentItem, DocumentEnding]],
        what: str,
        started_at: datetime,
    ) -> None:
        written = await self.settler.settle(ended, what=what, started_at=started_at)
        report = self.report
        for _, ending in written:
            report.confirmed += ending.state is DocumentState.CONFIRMED
            report.differing += ending.state is DocumentState.DRIFTED
            report.refused += ending.state is DocumentState.REFUSED
            report.parked += ending.state is DocumentState.NEEDS_REVIEW
            report.found += what == "find" and ending.entry is not None
        self.progress(report.confirmed + report.differing + report.refused + report.parked)


def _document(item: DocumentItem) -> LedgerDocument:
    """What is sent: the stored document under the name of this attempt."""
    assert item.payload is not None  # only documents of ours are claimed
    attempt = attempt_of(item.key, item.digest, item.generation)
    return msgspec.structs.replace(
        item.payload.document, key=item.key, marker=item.marker, attempt=attempt
    )


def _wanted(item: DocumentItem) -> Wanted:
    return Wanted(
        key=item.key,
        kind=item.kind,
        number=item.number,
        marker=item.marker,
        contact=item.contact,
        dated=item.dated,
    )
