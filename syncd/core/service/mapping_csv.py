"""Export and import of the mapping files: nothing of a bad file is stored, and every edit is told.

An import is one transaction. Rows that the file lacks stay unless they are to be pruned, and then
only those of connections that the file names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.csv_text import BadFile, CsvRow, decode, read_rows, write_rows
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.mapping_issues import write_mapping_issues
from syncd.core.service.reference_issues import write_reference_issues
from syncd.core.service.refusals import DecisionsMoved
from syncd.core.service.sheet_change import Edit, Import, SheetChange, compared, sheet_context
from syncd.core.service.sheets.sheet import Sheet
from syncd.core.store.connections import ConnectionRef, all_connections, data_version
from syncd.core.store.database import Database
from syncd.core.store.issues import Finding
from syncd.core.store.mappings import current_decisions, write_decisions
from syncd.core.store.pending import Edits, Pending
from syncd.sdk.connector import EventLog

__all__ = [
    "Edit",
    "Import",
    "SheetChange",
    "SheetPreview",
    "export_sheet",
    "import_sheet",
    "preview_sheet",
    "require_version",
    "settle_issues",
    "sheet_context",
]

_EVIDENCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetPreview:
    """What an import would do.

    Attributes:
        change: the edits, for people.
        pending: the same as rows, to reckon what they would make of a bill.
        data_version: of the decisions that the file was compared with.
    """

    change: SheetChange
    pending: Pending
    data_version: int


async def export_sheet(
    database: Database, sheet: Sheet, *, psa: ConnectionRef, currency: str
) -> str:
    """The file of what holds now, with rows for what is still to be decided."""
    async with database.reader() as conn:
        context = await sheet_context(conn, psa=psa, currency=currency, confirmed_by="")
        current = await current_decisions(conn, sheet.decisions)
        if sheet.prepare is not None:
            context = await sheet.prepare(conn, context, (), current)
    return write_rows(sheet.columns, sheet.write(context, current))


async def import_sheet(
    database: Database,
    sheet: Sheet,
    content: bytes,
    options: Import,
    *,
    now: datetime,
    log: EventLog,
    expected_version: int | None = None,
) -> SheetChange:
    """Store what a file decides.

    Args:
        database: where decisions are kept.
        sheet: kind of the file.
        content: the file as it lies on the disk.
        options: how to take it.
        now: moment of the edit.
        log: gets the changes of issues.
        expected_version: of the decisions that a person saw the effect on; None: whatever holds.

    Raises:
        DecisionsMoved: other decisions hold than those that were seen; nothing was stored.
        BadFile: all its mistakes at once; nothing was stored, and the issue CSV_REJECTED is open
            until a good file of this kind is imported.
    """
    try:
        rows = _rows(sheet, content, options)
        if options.dry_run:
            async with database.reader() as conn:
                change, _, _ = await compared(conn, sheet, rows, options)
            return change
        async with database.writer() as conn:
            await require_version(conn, expected_version)
            change, new, superseded = await compared(conn, sheet, rows, options)
            await write_decisions(
                conn,
                sheet.decisions,
                new=[entry.values for entry in new],
                superseded=superseded,
                now=now,
            )
            own = IssueBook(conn, "", now)
            await own.close(BadFile.code, sheet.name)
            books = [own, *await settle_issues(conn, options.psa, now)]
    except BadFile as error:
        if not options.dry_run:
            await _tell_rejected(database, sheet, error, now=now, log=log)
        raise
    for book in books:
        book.speak(log)
    return change


async def require_version(conn: AsyncConnection, expected: int | None) -> None:
    """Refuse to store what was agreed to on other decisions than those that hold.

    Raises:
        DecisionsMoved: they are others; nothing was stored.
    """
    if expected not in {None, await data_version(conn)}:
        message = "somebody changed decisions while the effect was looked at; nothing was stored"
        raise DecisionsMoved(message, remedy="run the command again and look at the new effect")


async def preview_sheet(
    database: Database, sheet: Sheet, content: bytes, options: Import, *, now: datetime
) -> SheetPreview:
    """What an import would do, without doing it.

    Raises:
        BadFile: all mistakes of the file at once.
    """
    rows = _rows(sheet, content, options)
    async with database.reader() as conn:
        version = await data_version(conn)
        change, new, superseded = await compared(conn, sheet, rows, options)
    edits = Edits(new=[entry.values for entry in new], ended=frozenset(superseded))
    return SheetPreview(
        change=change,
        pending=Pending(at=now, tables={str(sheet.decisions.table.__tablename__): edits}),
        data_version=version,
    )


def _rows(sheet: Sheet, content: bytes, options: Import) -> list[CsvRow]:
    return read_rows(
        decode(content, options.file),
        options.file,
        required=sheet.required,
        optional=(*sheet.optional, *sheet.ignored),
    )


async def settle_issues(
    conn: AsyncConnection, psa: ConnectionRef, now: datetime
) -> list[IssueBook]:
    """Close or open what an edit settled or broke, inside of its transaction."""
    own = IssueBook(conn, psa.name, now)
    await write_reference_issues(own, psa)
    books = [own]
    for connection in await all_connections(conn):
        book = IssueBook(conn, connection.name, now)
        await write_mapping_issues(book, connection)
        books.append(book)
    return books


async def _tell_rejected(
    database: Database, sheet: Sheet, error: BadFile, *, now: datetime, log: EventLog
) -> None:
    count = len(error.problems)
    first = error.problems[0]
    async with database.writer() as conn:
        book = IssueBook(conn, "", now)
        await book.open(
            BadFile.code,
            sheet.name,
            Finding(
                message=f"{error.file} was not imported: {count} bad rows or cells, the first on "
                f"line {first.line}: {first.reason}.",
                remedy=f"Mend it and run `syncd map {sheet.name} --import {error.file}` again.",
                evidence={"problems": [str(one) for one in error.problems[:_EVIDENCE]]},
            ),
        )
    book.speak(log)
