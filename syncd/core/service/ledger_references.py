"""Reads a book's organisation and catalogues, each list whole, and looks at what maps to them.

Everything is read before anything is stored, so that a book that fails in the middle leaves the
lists of one moment behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from syncd.core.service.connection_health import (
    connection_worked,
    failures_recorded,
    one_error,
)
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_mapping_issues import write_ledger_mapping_issues
from syncd.core.store.ledger_references import (
    ReferencesStored,
    present_kinds,
    store_book,
    store_ledger_references,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ProtocolError
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerBook, LedgerReference, ReferenceKind

if TYPE_CHECKING:
    from syncd.core.service.runs import RunHandle
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

KIND: Final = "books reference"
"""Kind of the run rows of these reads."""

_NEVER_EMPTY: Final = (ReferenceKind.CONTACT, ReferenceKind.ACCOUNT, ReferenceKind.TAX)
WORDS: Final = {
    ReferenceKind.CONTACT: "contacts",
    ReferenceKind.ITEM: "items",
    ReferenceKind.ACCOUNT: "accounts",
    ReferenceKind.TAX: "taxes",
    ReferenceKind.TRACKING: "tracking",
    ReferenceKind.TERM: "terms",
    ReferenceKind.CURRENCY: "currencies",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRead:
    """What a read brought.

    Attributes:
        book: the organisation.
        stored: entries by kind, and how many of them are gone.
    """

    book: LedgerBook
    stored: ReferencesStored


async def read_references(
    database: Database,
    connection: ConnectionRef,
    ledger: Ledger,
    *,
    psa_id: int,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle | None = None,
) -> BookRead:
    """Read the organisation and its catalogues and store them in one transaction.

    Args:
        database: where they are kept.
        connection: of the book.
        ledger: the book.
        psa_id: connection of the PSA whose mappings are looked at.
        clock: current time in UTC.
        log: gets the changes of issues.
        run: gets the counts.

    Raises:
        ConnectorError: the book could not be read; its connection has an issue that says why.
        ProtocolError: a list that had entries is suddenly empty; nothing was stored.
        PluginError: the connector failed in a way it should not.
    """
    async with failures_recorded(database, connection, clock, log):
        book, entries = await _read(connection, ledger)
        now = clock()
        async with database.writer() as conn:
            _refuse_emptiness(connection, entries, await present_kinds(conn, connection.id))
            await store_book(conn, connection.id, book, now=now)
            stored = await store_ledger_references(conn, connection.id, entries, now=now)
            issues = IssueBook(conn, connection.name, now)
            await connection_worked(issues, connection)
            await write_ledger_mapping_issues(issues, psa_id, connection)
    issues.speak(log)
    if run is not None:
        for kind, count in stored.seen.items():
            run.count(WORDS[kind], count)
        run.count("gone", sum(stored.gone.values()))
    return BookRead(book=book, stored=stored)


async def _read(
    connection: ConnectionRef, ledger: Ledger
) -> tuple[LedgerBook, Sequence[LedgerReference]]:
    try:
        book = await ledger.book()
        return book, [entry async for batch in ledger.references() for entry in batch]
    except Exception as error:
        told = one_error(error, connection)
        if told is error:
            raise
        raise told from error


def _refuse_emptiness(
    connection: ConnectionRef,
    entries: Sequence[LedgerReference],
    before: Mapping[ReferenceKind, int],
) -> None:
    """An empty list where there were entries is a failed read until somebody proves otherwise."""
    kinds = {entry.kind for entry in entries}
    for kind in _NEVER_EMPTY:
        if kind not in kinds and before.get(kind, 0):
            message = (
                f"{connection.name} returned no {WORDS[kind]} where it had {before[kind]:,}; "
                "nothing was stored"
            )
            raise ProtocolError(
                message,
                connection=connection.name,
                remedy=f"check what the consent may see: `syncd check {connection.name}`",
            )
