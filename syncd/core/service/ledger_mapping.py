"""Mappings of one book as a file: out, in with the effect before it, and by whom and why.

An import is one transaction. Rows that the file lacks stay unless they are to be pruned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.csv_text import BadFile, decode, read_rows, write_rows
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.ledger_effect import LedgerEffect, effect_of
from syncd.core.service.ledger_mapping_issues import (
    waiting_for,
    waiting_unmapped,
    write_ledger_mapping_issues,
)
from syncd.core.service.ledger_mapping_rows import (
    COLUMNS,
    OPTIONAL,
    REQUIRED,
    RowContext,
    read_mapping_rows,
)
from syncd.core.service.ledger_proposals import BookProposal, propose
from syncd.core.service.mapping_csv import require_version
from syncd.core.store.connections import ConnectionRef, all_connections, data_version
from syncd.core.store.documents_elsewhere import counts_elsewhere
from syncd.core.store.invoice_facts import client_names
from syncd.core.store.ledger_mappings import (
    LedgerDecision,
    MappingKey,
    current_ledger_mappings,
    load_ledger_map,
    map_of,
    routes,
    write_ledger_mappings,
)
from syncd.core.store.ledger_references import (
    References,
    load_book,
    load_ledger_references,
)
from syncd.core.store.references import ReferenceKind as PsaKind
from syncd.core.store.references import load_references
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import DataError
from syncd.sdk.ledger_records import ReferenceKind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.invoicing.rules import LedgerRules
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class BookSheet:
    """Whose mappings a file holds.

    Attributes:
        psa: connection of the PSA.
        ledger: connection of the book.
        rules: of the book, to tell the effect.
    """

    psa: ConnectionRef
    ledger: ConnectionRef
    rules: LedgerRules


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingEdit:
    """One change that a file makes.

    Attributes:
        key: kind, source and currency.
        name: of the source, for people.
        before: what held, None for nothing.
        after: what holds then, None for nothing.
    """

    key: MappingKey
    name: str
    before: LedgerDecision | None
    after: LedgerDecision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherBook:
    """What stands of a client in another book; its invoices are not written to this one.

    Attributes:
        client: PSA client.
        name: of the client, for people.
        book: name of the other book's connection.
        documents: that may stand there.
    """

    client: str
    name: str
    book: str
    documents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingChange:
    """What an import would do, or did.

    Attributes:
        edits: in the order of the file, those that end a mapping last.
        same: rows that say what holds already.
        effect: on invoices that wait.
        data_version: of the decisions that the file was compared with.
        elsewhere: documents in other books of clients that the file leads to this one.
    """

    edits: Sequence[MappingEdit]
    same: int
    effect: LedgerEffect
    data_version: int
    elsewhere: Sequence[OtherBook] = ()


async def book_proposals(database: Database, sheet: BookSheet) -> list[BookProposal]:
    """A proposal for everything that waiting invoices name and that has no counterpart.

    Raises:
        DataError: the book was never read.
    """
    async with database.reader() as conn:
        return await _proposals(conn, sheet, await _references(conn, sheet))


async def export_mapping(database: Database, sheet: BookSheet, *, fill: bool) -> tuple[str, int]:
    """The file of what holds and of what is to be decided; and how many rows are to be decided.

    Args:
        database: where they are kept.
        sheet: which ones.
        fill: write what ids, codes and equal names prove into the cells, to be looked at.

    Raises:
        DataError: the book was never read.
    """
    async with database.reader() as conn:
        references = await _references(conn, sheet)
        current = await current_ledger_mappings(conn, sheet.psa.id, sheet.ledger.id)
        proposals = await _proposals(conn, sheet, references)
    rows = [_decided(one, references) for one in current.values()]
    rows += [_open(one, fill=fill) for one in proposals if one.source]
    return write_rows((*COLUMNS, "invoices", "note"), rows), len(proposals)


async def preview_mapping(
    database: Database, sheet: BookSheet, content: bytes, file: str, *, prune: bool
) -> MappingChange:
    """What an import would do, without doing it.

    Raises:
        BadFile: all mistakes of the file at once.
        DataError: the book was never read.
    """
    async with database.reader() as conn:
        change, _, _ = await _compared(conn, sheet, content, file, prune=prune)
    return change


async def import_mapping(
    database: Database,
    sheet: BookSheet,
    content: bytes,
    file: str,
    *,
    prune: bool,
    by: str,
    reason: str,
    now: datetime,
    log: EventLog,
    expected_version: int | None = None,
) -> MappingChange:
    """Store what a file decides, each with who decided it and why.

    Raises:
        BadFile: all mistakes of the file at once; nothing was stored.
        DecisionsMoved: other decisions hold than those that a person saw; nothing was stored.
        DataError: the book was never read.
    """
    async with database.writer() as conn:
        await require_version(conn, expected_version)
        change, new, ended = await _compared(conn, sheet, content, file, prune=prune)
        await write_ledger_mappings(
            conn,
            sheet.psa.id,
            sheet.ledger.id,
            new=[replace(one, by=by, reason=reason) for one in new],
            ended=ended,
            now=now,
        )
        book = IssueBook(conn, sheet.ledger.name, now)
        await write_ledger_mapping_issues(book, sheet.psa.id, sheet.ledger)
    book.speak(log)
    return change


async def _compared(
    conn: AsyncConnection, sheet: BookSheet, content: bytes, file: str, *, prune: bool
) -> tuple[MappingChange, list[LedgerDecision], list[MappingKey]]:
    rows = read_rows(decode(content, file), file, required=REQUIRED, optional=OPTIONAL)
    context = await _context(conn, sheet)
    found, problems = read_mapping_rows(rows, context)
    if problems:
        bad = BadFile(file, problems)
        bad.remedy = f"mend it and run `syncd map books {sheet.ledger.name} --import {file}` again"
        raise bad
    current = await current_ledger_mappings(conn, sheet.psa.id, sheet.ledger.id)
    new = [
        one for one in found.decisions if one.key not in current or not one.same(current[one.key])
    ]
    named = {one.key for one in found.decisions}
    ended = [key for key in found.emptied if key in current]
    if prune:
        ended += [key for key in current if key not in named and key not in ended]
    edits = [
        MappingEdit(key=one.key, name=one.source_name, before=current.get(one.key), after=one)
        for one in new
    ]
    edits += [
        MappingEdit(key=key, name=current[key].source_name, before=current[key], after=None)
        for key in ended
    ]
    after = {key: one for key, one in current.items() if key not in ended}
    after |= {one.key: one for one in new}
    mine = {key[1] for key in {*current, *after} if key[0] is ReferenceKind.CONTACT}
    waiting = await waiting_for(conn, sheet.psa.id, sheet.ledger.id)
    effect = effect_of(
        [one for one in waiting if one.client in mine],
        before=map_of(current.values(), context.references),
        after=map_of(after.values(), context.references),
        book=await load_book(conn, sheet.ledger.id),
        rules=sheet.rules,
    )
    change = MappingChange(
        edits=edits,
        same=len(found.decisions) - len(new),
        effect=effect,
        data_version=await data_version(conn),
        elsewhere=await _elsewhere(conn, sheet, new, context.clients),
    )
    return change, new, ended


async def _elsewhere(
    conn: AsyncConnection,
    sheet: BookSheet,
    new: Sequence[LedgerDecision],
    names: Mapping[str, str],
) -> list[OtherBook]:
    """Documents in other books of the clients that get a contact here."""
    led = {one.source for one in new if one.kind is ReferenceKind.CONTACT}
    counts = await counts_elsewhere(conn, sheet.psa.id, sheet.ledger.id, led)
    return [
        OtherBook(client=client, name=names.get(client, client), book=book, documents=count)
        for (client, book), count in counts.items()
    ]


async def _context(conn: AsyncConnection, sheet: BookSheet) -> RowContext:
    references = await _references(conn, sheet)
    foreign: dict[tuple[ReferenceKind, str], str] = {}
    names: dict[int, str] = {}
    for other in await all_connections(conn):
        names[other.id] = other.name
        if other.id != sheet.ledger.id:
            for key in await load_ledger_references(conn, other.id):
                foreign.setdefault(key, other.name)
    served: dict[str, list[tuple[str, str]]] = {}
    for client, books in (await routes(conn, sheet.psa.id)).items():
        served[client] = [
            (names.get(book, "another book"), currency)
            for book, currency in sorted(books)
            if book != sheet.ledger.id
        ]
    return RowContext(
        ledger=sheet.ledger.name,
        references=references,
        foreign=foreign,
        clients=await _clients(conn, sheet),
        served=served,
    )


async def _clients(conn: AsyncConnection, sheet: BookSheet) -> Mapping[str, str]:
    known = (await load_references(conn, sheet.psa.id)).of(sheet.psa.id, PsaKind.CLIENT)
    of_invoices = await client_names(conn, sheet.psa.id)
    return of_invoices | {key: entry.name for key, entry in known.items()}


async def _references(conn: AsyncConnection, sheet: BookSheet) -> References:
    found = await load_ledger_references(conn, sheet.ledger.id)
    if not found:
        message = f"the catalogues of {sheet.ledger.name} were never read"
        raise DataError(message, remedy=f"run `syncd map books {sheet.ledger.name} --refresh`")
    return found


async def _proposals(
    conn: AsyncConnection, sheet: BookSheet, references: References
) -> list[BookProposal]:
    mapping = await load_ledger_map(conn, sheet.psa.id, sheet.ledger.id)
    uses = await waiting_unmapped(conn, sheet.psa.id, sheet.ledger.id, mapping)
    known = (await load_references(conn, sheet.psa.id)).of(sheet.psa.id, PsaKind.CLIENT)
    foreign: dict[str, Collection[str]] = {
        key: tuple(entry.foreign_ids.values()) for key, entry in known.items()
    }
    return propose(uses, references, foreign_ids=foreign)


def _decided(one: LedgerDecision, references: References) -> dict[str, str]:
    entry = references.get((one.kind, one.target))
    return {
        "kind": one.kind.value,
        "source": one.source,
        "source_name": one.source_name,
        "currency": one.currency,
        "target": one.target,
        "target_name": one.target_name if entry is None else entry.name,
        "meaning": one.meaning,
        "invoices": "",
        "note": "" if entry is not None and entry.active else "gone or inactive in the book",
    }


def _open(one: BookProposal, *, fill: bool) -> dict[str, str]:
    return {
        "kind": one.kind.value,
        "source": one.source,
        "source_name": one.source_name,
        "currency": "",
        "target": one.target if fill else "",
        "target_name": one.target_name if fill else "",
        "meaning": "",
        "invoices": str(one.invoices),
        "note": f"{one.ground.value}: {one.evidence}",
    }
