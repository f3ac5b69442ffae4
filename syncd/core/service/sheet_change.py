"""What a mapping file would change: every row compared with what holds, every mistake told.

Nothing is stored here; an import, a preview and a template all begin with this comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.csv_text import BadFile, CsvRow, Problem
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.sheet import Current, Draft, Entry, Sheet
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.mappings import Key, current_decisions, known_uids, load_directory


@dataclass(frozen=True, slots=True)
class Edit:
    """One decision that an import adds, changes or ends.

    Attributes:
        subject: what it is about.
        before: what held, None for an added one.
        after: what holds now, None for an ended one.
    """

    subject: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetChange:
    """What an import changed, or would change.

    Attributes:
        sheet: name of the file's kind.
        dry_run: nothing was stored.
        added: decisions that are new.
        changed: decisions that say something else now.
        ended: decisions that hold no longer, because the file lacks them and pruning was asked.
        kept: subjects that the file lacks and that hold on.
        unchanged: how many rows say what held already.
        undecided: how many rows decide nothing, because what they would decide is left empty.
        notes: sentences worth reading.
    """

    sheet: str
    dry_run: bool
    added: Sequence[Edit]
    changed: Sequence[Edit]
    ended: Sequence[Edit]
    kept: Sequence[str]
    unchanged: int
    undecided: int
    notes: Sequence[str] = field(default=())

    @property
    def edits(self) -> int:
        return len(self.added) + len(self.changed) + len(self.ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """How a file is to be taken.

    Attributes:
        file: its name, for messages.
        psa: the PSA connection that clients and asset types belong to.
        currency: billing currency.
        confirmed_by: who edits.
        dry_run: show only.
        prune: end what the file lacks, of the connections that it names.
    """

    file: str
    psa: ConnectionRef
    currency: str
    confirmed_by: str
    dry_run: bool = False
    prune: bool = False


async def sheet_context(
    conn: AsyncConnection, *, psa: ConnectionRef, currency: str, confirmed_by: str
) -> SheetContext:
    """All that rows may name, as it stands in this transaction."""
    return SheetContext(
        directory=await load_directory(conn),
        psa=psa,
        currency=currency,
        confirmed_by=confirmed_by,
    )


async def compared(
    conn: AsyncConnection, sheet: Sheet, rows: Sequence[CsvRow], options: Import
) -> tuple[SheetChange, list[Entry], list[int]]:
    """What the file changes, the entries to store, and the ids of rows that end.

    Raises:
        BadFile: the file has mistakes.
    """
    context = await sheet_context(
        conn, psa=options.psa, currency=options.currency, confirmed_by=options.confirmed_by
    )
    current = await current_decisions(conn, sheet.decisions)
    if sheet.prepare is not None:
        context = await sheet.prepare(conn, context, rows, current)
    uids = await known_uids(conn)
    entries, problems, named = _entries(sheet, rows, context)
    draft = Draft(
        entries=entries, current=current, context=context, ended=frozenset(), known_uids=uids
    )
    problems += sheet.settle(draft)
    _last(sheet, rows, draft)
    problems += repeated(sheet, entries, context)
    keys = {sheet.decisions.key_of(entry.values) for entry in entries}
    missing = [
        key
        for key, found in current.items()
        if key not in keys and sheet.connection_of(context, found.values) in named
    ]
    ended = frozenset(missing) if options.prune else frozenset[Key]()
    if not problems:
        draft = replace(
            draft,
            ended=ended,
            beside={one: await current_decisions(conn, one) for one in sheet.beside},
        )
        problems += sheet.check(draft)
    new = [entry for entry in entries if not _stands(sheet, entry, current)]
    problems += [doubt for entry in new for doubt in entry.doubts]
    if problems:
        raise BadFile(options.file, problems)
    change = _told(sheet, context, current, entries, new, missing, len(rows), options)
    superseded = [current[key].id for key in ended]
    superseded += [
        current[key].id for e in new if (key := sheet.decisions.key_of(e.values)) in current
    ]
    return change, new, superseded


def _entries(
    sheet: Sheet, rows: Sequence[CsvRow], context: SheetContext
) -> tuple[list[Entry], list[Problem], set[int]]:
    """Entries, mistakes, and the connections that the file names."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    named: set[int] = set()
    for row in rows:
        reader = RowReader(row, context)
        entry = sheet.read(reader)
        problems += reader.problems
        connection = context.connections.get(row.cells.get("connection", "").strip())
        if connection is not None:
            named.add(connection.id)
        if entry is not None:
            entries.append(entry)
    return entries, problems, named


def _last(sheet: Sheet, rows: Sequence[CsvRow], draft: Draft) -> None:
    """Keep what holds in columns that the file does not have."""
    absent = [name for name in sheet.lasting if rows and name not in rows[0].cells]
    for entry in draft.entries if absent else ():
        found = draft.current.get(sheet.decisions.key_of(entry.values))
        if found is not None:
            entry.values.update({name: found.values[name] for name in absent})


def repeated(sheet: Sheet, entries: Sequence[Entry], context: SheetContext) -> list[Problem]:
    """A mistake for every row that decides what an earlier one decided."""
    first: dict[Key, Entry] = {}
    problems = []
    for entry in entries:
        before = first.setdefault(sheet.decisions.key_of(entry.values), entry)
        if before is not entry:
            reason = (
                f"{sheet.label(context, entry.values)} stands on line {before.line} too, as "
                f"{sheet.describe(context, before.values)}"
            )
            problems.append(Problem(entry.line, "", reason, "keep one of the two lines"))
    return problems


def _stands(sheet: Sheet, entry: Entry, current: Current) -> bool:
    found = current.get(sheet.decisions.key_of(entry.values))
    return found is not None and sheet.decisions.same(found.values, entry.values)


def _told(
    sheet: Sheet,
    context: SheetContext,
    current: Current,
    entries: Sequence[Entry],
    new: Sequence[Entry],
    missing: Sequence[Key],
    rows: int,
    options: Import,
) -> SheetChange:
    added, changed = [], []
    for entry in new:
        found = current.get(sheet.decisions.key_of(entry.values))
        after = sheet.describe(context, entry.values)
        subject = sheet.label(context, entry.values)
        if found is None:
            added.append(Edit(subject, None, after))
        else:
            changed.append(Edit(subject, sheet.describe(context, found.values), after))
    gone = [current[key].values for key in missing]
    return SheetChange(
        sheet=sheet.name,
        dry_run=options.dry_run,
        added=added,
        changed=changed,
        ended=[
            Edit(sheet.label(context, values), sheet.describe(context, values), None)
            for values in gone
            if options.prune
        ],
        kept=[sheet.label(context, values) for values in gone if not options.prune],
        unchanged=len(entries) - len(new),
        undecided=rows - len(entries),
        notes=[note for entry in new for note in sheet.notes(context, entry.values)],
    )
