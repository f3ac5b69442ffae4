"""Reads the books back: what became of our documents, and what was paid for them.

What changed is asked for since the last whole answer, with an overlap; documents that were not seen
for long are asked for by id, so that what an answer of changes lacks is still found. A partial
answer moves nothing, and an absent document is only believed where others were shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.recognition import GONE
from syncd.core.service.book_changes import Gathered, gather_changes
from syncd.core.service.document_look import Look, look_at
from syncd.core.service.drift_issues import forget_copy, forget_doubt, tell_copy, tell_doubt
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.payment_parts import take_in
from syncd.core.store.ledger_payments import settled_by
from syncd.core.store.standing_documents import (
    last_seen,
    long_unseen,
    oldest_document,
    our_contacts,
    standing_documents,
    standing_markers,
    standing_remotes,
)
from syncd.core.store.watermarks import FAR_BACK, move_watermark, watermark
from syncd.sdk.connector import EventLog
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry, LedgerPayment

if TYPE_CHECKING:
    from syncd.core.invoicing.rules import LedgerRules
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.core.store.ledger_documents import DocumentItem
    from syncd.sdk.invoice_records import DocumentKind
    from syncd.sdk.ledger_port import Ledger

UNSEEN_FOR: Final = timedelta(days=7)
SWEEP: Final = 200
"""Documents that one run asks for by id because nothing was heard of them."""

_AT_ONCE: Final = 100
_WITNESSES: Final = 3


@dataclass(slots=True)
class ReadBackReport:
    """What a read-back saw.

    Attributes:
        seen: documents of ours that were looked at.
        drifted: of them, those that are not as they were confirmed.
        payments: parts of payments that are new or changed.
        doubted: documents that were not shown, and whose absence is not believed.
        whole: the changes since the last time were read without a gap.
    """

    seen: int = 0
    drifted: int = 0
    payments: int = 0
    doubted: int = 0
    whole: bool = True


def changes_name(book_key: str) -> str:
    """Name of the watermark of an organisation's changes."""
    return f"changes:{book_key}"


async def read_back(
    database: Database,
    ledger: Ledger,
    *,
    connection: ConnectionRef,
    rules: LedgerRules,
    why_off: str,
    clock: Callable[[], datetime],
    log: EventLog,
    run_id: str = "",
    sweep: int = SWEEP,
) -> ReadBackReport:
    """Look at what changed in a book, and at what was not seen for long.

    Args:
        database: where documents and payments are kept.
        ledger: the opened book.
        connection: its stored connection.
        rules: its settings.
        why_off: why payments are not recorded in the PSA, empty if they are.
        clock: UTC.
        log: gets the changes of issues.
        run_id: of the run, for the watermark.
        sweep: most documents that are asked for by id unasked.

    Raises:
        ConnectorError: the books could not be read; what was kept stands, the watermark did not
            move.
        StoreError: the database cannot serve; likewise.
    """
    report = ReadBackReport()
    key = (await ledger.book()).key
    now = clock()
    async with database.reader() as conn:
        ours = await standing_remotes(conn, connection.id, key)
        marks = await standing_markers(conn, connection.id, key)
        mark = await watermark(conn, connection.id, changes_name(key))
        first = await oldest_document(conn, connection.id, key)
        unseen = await long_unseen(
            conn,
            connection.id,
            key,
            before=now - UNSEEN_FOR,
            dated_from=(now - timedelta(days=rules.read_back_days)).date(),
            most=sweep,
        )
    if not ours or first is None:
        return report
    overlap = timedelta(minutes=rules.overlap_minutes)
    if mark is not None and mark > now + overlap:
        mark = max(first, now - FAR_BACK)
    found = await gather_changes(ledger, (mark or first) - overlap, now)
    report.whole = not found.gap
    changed = {remote for remote in found.entries if remote in ours} | (found.removed & ours)
    changed |= {one.document for one in found.payments if one.document in ours}
    async with database.reader() as conn:
        # What a payment settled before it changed may be open again.
        paid = {one.remote for one in found.payments}
        changed |= ours & await settled_by(conn, connection.id, key, paid)
    wanted = list(ours) if found.gap else [_remote(one) for one in unseen]
    await _look_at(database, ledger, connection, key, changed, found, report, clock, log)
    rest = sorted(set(wanted) - changed)
    await _look_at(database, ledger, connection, key, rest, None, report, clock, log)
    await _copies(database, connection, found.entries.values(), marks, clock, log)
    report.payments += await _payments(database, connection, key, found.payments, why_off, clock())
    if found.until is not None:
        async with database.writer() as conn:
            name = changes_name(key)
            await move_watermark(
                conn, connection.id, name, found.until, run_id=run_id, ahead=now + overlap
            )
    return report


async def refresh_documents(
    database: Database,
    ledger: Ledger,
    *,
    connection: ConnectionRef,
    remotes: Collection[str],
    clock: Callable[[], datetime],
    log: EventLog,
) -> ReadBackReport:
    """Look at these documents now, as an announcement asks; those that are none of ours are left.

    Raises:
        ConnectorError: the books could not be read.
        StoreError: the database cannot serve.
    """
    report = ReadBackReport()
    key = (await ledger.book()).key
    async with database.reader() as conn:
        ours = await standing_remotes(conn, connection.id, key)
    wanted = sorted(ours & set(remotes))
    await _look_at(database, ledger, connection, key, wanted, None, report, clock, log)
    return report


async def _look_at(
    database: Database,
    ledger: Ledger,
    connection: ConnectionRef,
    book_key: str,
    remotes: Collection[str],
    found: Gathered | None,
    report: ReadBackReport,
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """Compare documents with what was confirmed, each on its whole."""
    ordered = sorted(remotes)
    for start in range(0, len(ordered), _AT_ONCE):
        chunk = ordered[start : start + _AT_ONCE]
        async with database.reader() as conn:
            documents = await standing_documents(conn, connection.id, book_key, remotes=chunk)
        looks = await _read(ledger, documents, found)
        missing = {
            _remote(one): one.kind for one in documents if _is_missing(one, looks[_remote(one)])
        }
        shown = any(one.entry is not None for one in looks.values())
        if missing and not shown:
            async with database.reader() as conn:
                others = await last_seen(conn, connection.id, book_key, but=looks, most=_WITNESSES)
            shown = await _proven(ledger, missing, others, looks)
        gone = 0 if shown else len(missing)
        async with database.writer() as conn:
            book = IssueBook(conn, connection.name, clock())
            if gone:
                report.doubted += gone
                await tell_doubt(book, connection.name, gone)
            else:
                if shown or any(one.told for one in looks.values()):
                    await forget_doubt(book, connection.name)
                for document in documents:
                    look = looks[_remote(document)]
                    report.seen += 1
                    report.drifted += await look_at(book, connection.name, document, look)
        book.speak(log)


async def _read(
    ledger: Ledger, documents: Sequence[DocumentItem], found: Gathered | None
) -> dict[str, Look]:
    """Each document whole; what came as a summary, or is said to be gone, is asked for by id."""
    entries: Mapping[str, LedgerEntry] = {} if found is None else found.entries
    removed: Collection[str] = () if found is None else found.removed
    looks = {
        remote: Look(entries[remote])
        for remote in map(_remote, documents)
        if remote in entries and entries[remote].whole
    }
    asked = {_remote(one): one.kind for one in documents if _remote(one) not in looks}
    if asked:
        answered = await ledger.read_back(asked)
        for remote in asked:
            looks[remote] = Look(answered.get(remote), told=remote in removed)
    return looks


def _is_missing(document: DocumentItem, look: Look) -> bool:
    """Not shown, not said to be gone, and not known to be gone before."""
    known = document.seen is not None and document.seen.status in GONE
    return look.entry is None and not look.told and not known


async def _proven(
    ledger: Ledger,
    missing: Mapping[str, DocumentKind],
    others: Sequence[DocumentItem],
    looks: dict[str, Look],
) -> bool:
    """Ask once more, together with others of ours: only where these are shown, absence counts."""
    if not others:
        return False
    answered = await ledger.read_back({**missing, **{_remote(one): one.kind for one in others}})
    for remote in missing:
        looks[remote] = Look(answered.get(remote))
    return bool(answered)


def _remote(document: DocumentItem) -> str:
    assert document.remote is not None  # it stands
    return document.remote


async def _copies(
    database: Database,
    connection: ConnectionRef,
    entries: Iterable[LedgerEntry],
    marks: Mapping[str, str],
    clock: Callable[[], datetime],
    log: EventLog,
) -> None:
    """Documents that bear a mark of ours and are another one."""
    ours = set(marks.values())
    foreign = [one for one in entries if one.remote not in ours]
    if not foreign:
        return
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, clock())
        for one in foreign:
            gone = one.status in (EntryStatus.VOIDED, EntryStatus.DELETED)
            if one.marker in marks and not gone:
                await tell_copy(book, connection.name, one, marks[one.marker])
            else:
                await forget_copy(book, connection.name, one)
    book.speak(log)


async def _payments(
    database: Database,
    connection: ConnectionRef,
    book_key: str,
    payments: Sequence[LedgerPayment],
    why_off: str,
    now: datetime,
) -> int:
    added = 0
    by_remote: dict[str, list[LedgerPayment]] = {}
    for one in payments:
        by_remote.setdefault(one.remote, []).append(one)
    remotes = sorted(by_remote)
    for start in range(0, len(remotes), _AT_ONCE):
        parts = [one for remote in remotes[start : start + _AT_ONCE] for one in by_remote[remote]]
        named = {one.document for one in parts if one.document}
        async with database.writer() as conn:
            documents = await standing_documents(conn, connection.id, book_key, remotes=named)
            contacts = await our_contacts(conn, connection.id, book_key)
            added += await take_in(
                conn,
                parts,
                ledger_id=connection.id,
                book_key=book_key,
                documents={_remote(one): one for one in documents},
                contacts=contacts,
                why_off=why_off,
                now=now,
            )
    return added
