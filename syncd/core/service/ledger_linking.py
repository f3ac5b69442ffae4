"""The linking pass: documents that stand in a book already are found, and nothing is written to it.

Until a pass of an organisation was finished, the book cannot go live. A pass may be repeated: what
is linked stays linked, and what is new in either system is matched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.rules import CREDIT, LedgerRules
from syncd.core.service.connection_health import failures_recorded, one_error
from syncd.core.service.invoice_reading import KIND as READ
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_matching import (
    Candidate,
    Doubt,
    Matched,
    Matcher,
    Pair,
    counted,
    differences,
)
from syncd.core.service.ledger_uses import may_be_posted
from syncd.core.store.documents_elsewhere import documents_elsewhere
from syncd.core.store.invoices import StoredInvoice, all_invoices, invoices_by_key
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_golive import LINK, link_name, linked_from_name
from syncd.core.store.ledger_mappings import load_ledger_map
from syncd.core.store.ledger_references import store_book
from syncd.core.store.linked_documents import (
    LinkedDocument,
    invoices_with_documents,
    link_documents,
    settle_linked,
)
from syncd.core.store.standing_documents import standing_documents, standing_remotes
from syncd.core.store.watermarks import move_watermark, watermark
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerBook, LedgerEntry, TaxMode

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.service.runs import RunHandle
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

KIND: Final = LINK
"""Kind of the run rows of linking passes."""

LINKED_AMOUNT_DIFFERS: Final = "LINKED_AMOUNT_DIFFERS"

_AHEAD: Final = timedelta(days=92)
"""Documents may be dated so far ahead: a quarter is invoiced before it begins."""


@dataclass(slots=True, kw_only=True)
class LinkReport:
    """What a pass found.

    Attributes:
        ledger: name of the book's connection.
        book: the organisation.
        first: earliest day that was looked at.
        last: latest day.
        documents: of the book that were read.
        known: documents that had a row before.
        linked: pairs that were linked now.
        differs: linked by their id, although something is not equal.
        doubts: documents of an invoice's number that are not surely that invoice.
        psa_only: finished invoices of the book's clients without a document.
        books_only: documents without an invoice.
        unserved: finished invoices without a document whose client is no contact of this book.
        elsewhere: finished invoices of the book's clients that stand in another book.
    """

    ledger: str
    book: LedgerBook
    first: date
    last: date
    documents: int = 0
    known: int = 0
    linked: list[Pair] = field(default_factory=list)
    differs: list[Pair] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    psa_only: list[Candidate] = field(default_factory=list)
    books_only: list[LedgerEntry] = field(default_factory=list)
    unserved: int = 0
    elsewhere: int = 0


async def link_book(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    ledger: Ledger,
    *,
    rules: LedgerRules,
    history_days: int,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle | None = None,
) -> LinkReport:
    """Match documents of a book to stored invoices, and keep the pairs.

    Args:
        database: where invoices and pairs are.
        psa: connection of the PSA.
        connection: of the book.
        ledger: the book.
        rules: of the book, for the numbers that invoices may have there.
        history_days: how far back to look.
        clock: current time in UTC.
        log: gets the changes of issues.
        run: gets the counts.

    Raises:
        DataError: invoices were never read whole.
        ConnectorError: the book could not be read; the pass is not finished.
        PluginError: the connector failed in a way it should not.
    """
    began = clock()
    today = began.date() + timedelta(days=1)
    first, last = today - timedelta(days=history_days), today + _AHEAD
    async with failures_recorded(database, connection, clock, log):
        try:
            book = await ledger.book()
        except Exception as error:
            told = one_error(error, connection)
            if told is error:
                raise
            raise told from error
    async with database.reader() as conn:
        candidates = await _candidates(conn, psa, connection, book, rules, first)
        ours = await standing_remotes(conn, connection.id, book.key)
        differing = await _differing_candidates(conn, psa, connection, book, rules)
    report = LinkReport(ledger=connection.name, book=book, first=first, last=last)
    matcher = Matcher(candidates)
    async with failures_recorded(database, connection, clock, log):
        try:
            async for batch in ledger.documents(first=first, last=last):
                report.documents += len(batch)
                report.known += sum(1 for entry in batch if entry.remote in ours)
                found = matcher.take(batch, ours)
                await _keep(database, psa, connection, book, found.pairs, clock())
                await _mended(database, batch, differing, clock())
                _add(report, found)
        except Exception as error:
            told = one_error(error, connection)
            if told is error:
                raise
            raise told from error
    left, report.unserved = counted(matcher.left)
    async with database.reader() as conn:
        others = await documents_elsewhere(
            conn, psa.id, [one.key for one in left], ledger_id=connection.id, book_key=book.key
        )
    report.elsewhere = len(others)
    report.psa_only = [one for one in left if one.key not in others]
    report.psa_only.sort(key=lambda one: (one.dated, one.number))
    async with database.writer() as conn:
        now = clock()
        await store_book(conn, connection.id, book, now=now)
        run_id = "" if run is None else run.id
        for name in (link_name(book.key), linked_from_name(book.key, first)):
            await move_watermark(conn, connection.id, name, began, run_id=run_id)
        issues = IssueBook(conn, connection.name, now)
        await issues.replace(LINKED_AMOUNT_DIFFERS, await _differing(conn, connection, book))
    issues.speak(log)
    if run is not None:
        for name, count in counts_of(report).items():
            run.count(name, count)
    return report


def counts_of(report: LinkReport) -> dict[str, int]:
    """The figures of a pass by their names."""
    return {
        "documents": report.documents,
        "known": report.known,
        "linked": len(report.linked),
        "amount_differs": len(report.differs) + sum(1 for one in report.doubts if one.amount),
        "doubtful": sum(1 for one in report.doubts if not one.amount),
        "psa_only": len(report.psa_only),
        "books_only": len(report.books_only),
        "unserved": report.unserved,
        "elsewhere": report.elsewhere,
    }


def _add(report: LinkReport, found: Matched) -> None:
    report.linked += found.pairs
    report.differs += [pair for pair in found.pairs if pair.differs]
    report.doubts += found.doubts
    report.books_only += found.books_only


async def _keep(
    database: Database,
    psa: ConnectionRef,
    connection: ConnectionRef,
    book: LedgerBook,
    pairs: Sequence[Pair],
    now: datetime,
) -> None:
    if not pairs:
        return
    documents = [
        LinkedDocument(
            invoice=pair.invoice.key,
            client=pair.invoice.client,
            source_digest=pair.invoice.digest,
            entry=pair.entry,
            code=LINKED_AMOUNT_DIFFERS if pair.differs else None,
            detail=pair.differs or f"linked by {pair.ground.value}",
        )
        for pair in pairs
    ]
    async with database.writer() as conn:
        await link_documents(conn, psa, connection, book.key, documents, now=now)


async def _differing_candidates(
    conn: AsyncConnection,
    psa: ConnectionRef,
    connection: ConnectionRef,
    book: LedgerBook,
    rules: LedgerRules,
) -> dict[str, tuple[int, Candidate]]:
    """By the book's id: rows of linked documents that differed, and their invoices as they are."""
    rows = {
        one.invoice: one
        for one in await standing_documents(conn, connection.id, book.key)
        if one.code == LINKED_AMOUNT_DIFFERS
    }
    stored = await invoices_by_key(conn, psa.id, rows)
    return {
        row.remote: (row.id, _candidate(stored[key], frozenset(), rules, book))
        for key, row in rows.items()
        if key in stored and row.remote
    }


async def _mended(
    database: Database,
    batch: Sequence[LedgerEntry],
    differing: Mapping[str, tuple[int, Candidate]],
    now: datetime,
) -> None:
    """Documents that differed and are equal by now."""
    equal = [
        (differing[entry.remote], entry)
        for entry in batch
        if entry.remote in differing and not differences(differing[entry.remote][1], entry)
    ]
    if equal:
        async with database.writer() as conn:
            for (row_id, candidate), entry in equal:
                await settle_linked(conn, row_id, entry, candidate.digest, now=now)


async def _candidates(
    conn: AsyncConnection,
    psa: ConnectionRef,
    connection: ConnectionRef,
    book: LedgerBook,
    rules: LedgerRules,
    first: date,
) -> list[Candidate]:
    """Invoices that a document may be, without those that have one."""
    mapping = await load_ledger_map(conn, psa.id, connection.id)
    have = await invoices_with_documents(conn, psa.id, connection.id, book.key)
    found: list[Candidate] = []
    if await watermark(conn, psa.id, READ) is None:
        message = f"invoices of {psa.name} were never read whole, so that nothing can be linked"
        raise DataError(message, remedy="run `syncd invoices read`")
    async for one in all_invoices(conn, psa.id):
        if not one.counts or one.invoice.dated < first or one.invoice.key in have:
            continue
        contacts = frozenset(key for _, key in mapping.contacts.get(one.invoice.client, ()))
        found.append(_candidate(one, contacts, rules, book))
    return found


def _candidate(
    one: StoredInvoice, contacts: frozenset[str], rules: LedgerRules, book: LedgerBook
) -> Candidate:
    invoice = one.invoice
    turned = (
        invoice.kind is DocumentKind.INVOICE
        and invoice.total < 0
        and rules.negative_invoice == CREDIT
    )
    sign = -1 if turned else 1
    numbers = [f"{rules.prefix}{invoice.number}", invoice.number] if invoice.number else []
    return Candidate(
        key=invoice.key,
        kind=DocumentKind.CREDIT if turned else invoice.kind,
        numbers=tuple(dict.fromkeys(numbers)),
        ids=frozenset(value for value in invoice.foreign.values() if value),
        client=invoice.client,
        client_name=invoice.client_name,
        contacts=contacts,
        currency=invoice.currency,
        total=sign * invoice.total,
        served=bool(contacts) and may_be_posted(invoice),
        digest=one.digest,
        dated=invoice.dated.isoformat(),
        due=None if invoice.due is None else invoice.due.isoformat(),
        net=sign * invoice.net,
        tax=sign * invoice.tax,
        delegated=invoice.delegated_tax or book.tax_mode is TaxMode.DELEGATED,
    )


async def _differing(
    conn: AsyncConnection, connection: ConnectionRef, book: LedgerBook
) -> Mapping[str, Finding]:
    """One issue for each linked document whose total is not the invoice's."""
    return {
        f"{connection.name}/{one.invoice}": Finding(
            message=f"Document {one.number or one.remote} of {connection.name} is linked to "
            f"invoice {one.invoice} by its id, and {one.detail}.",
            remedy="Compare both and mend the one that is wrong by hand; then run "
            f"`syncd invoices link {connection.name}`.",
            severity=IssueSeverity.WARNING,
            evidence={"invoice": one.invoice, "remote": one.remote or ""},
        )
        for one in await standing_documents(conn, connection.id, book.key)
        if one.code == LINKED_AMOUNT_DIFFERS
    }
