"""The file of a billing template: configurations, rates and rules in one CSV, without clients.

Each row is read by the sheet of its kind, so that everything those refuse is refused here in the
same words; the column `kind` says which one it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from syncd.core.service.csv_text import CsvRow, Problem, write_rows
from syncd.core.service.sheet_change import repeated
from syncd.core.service.sheets.configurations import CONFIGURATION_SHEET
from syncd.core.service.sheets.rates import RATE_SHEET
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.service.sheets.rules import RULE_SHEET
from syncd.core.service.sheets.sheet import Draft, Entry, Sheet

CONFIGURATION: Final = "configuration"
RATE: Final = "rate"
RULE: Final = "rule"
KINDS: Final[Mapping[str, Sheet]] = {
    CONFIGURATION: CONFIGURATION_SHEET,
    RATE: RATE_SHEET,
    RULE: RULE_SHEET,
}
"""Sheet of each kind of row."""

_NOT_OF_A_TEMPLATE: Final = frozenset({"uid", "account", "account_name", "client", "client_name"})
"""Columns that say for whom or which: a template is for every client that is billed by it."""

REQUIRED: Final = ("kind", "connection")
COLUMNS: Final = (
    *REQUIRED,
    *dict.fromkeys(
        column
        for sheet in KINDS.values()
        for column in sheet.columns
        if column not in _NOT_OF_A_TEMPLATE and column not in REQUIRED
    ),
)
OPTIONAL: Final = tuple(column for column in COLUMNS if column not in REQUIRED)

Entries = Mapping[str, Sequence[Entry]]
"""What the rows decide, by kind; without account, client and uid."""


class _Stored(msgspec.Struct, frozen=True):
    """A template as it is kept: its cells as written, and which connections the names meant."""

    connections: Mapping[str, str]
    rows: Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class TemplateRows:
    """The rows of a template.

    Attributes:
        rows: cells by column, empty ones left out.
    """

    rows: tuple[CsvRow, ...]

    @property
    def csv(self) -> str:
        """The file again; columns that no row uses are left out."""
        used = [c for c in COLUMNS if c in REQUIRED or any(row.cells.get(c) for row in self.rows)]
        return write_rows(used, ({c: row.cells.get(c, "") for c in used} for row in self.rows))

    def encoded(self, context: SheetContext) -> str:
        """For the database; connections are kept by uid too, so that a new name is understood."""
        names = {row.cells.get("connection", "").strip() for row in self.rows}
        stored = _Stored(
            connections={
                one.uid: name
                for name in sorted(names)
                if (one := context.connections.get(name)) is not None
            },
            rows=[dict(row.cells) for row in self.rows],
        )
        return msgspec.json.encode(stored).decode()


def template_rows(rows: Sequence[CsvRow]) -> TemplateRows:
    """The rows of a file without cells that say nothing."""
    return TemplateRows(
        tuple(
            CsvRow(row.line, {c: cell for c in COLUMNS if (cell := row.cells.get(c, "").strip())})
            for row in rows
        )
    )


def decoded(content: str, context: SheetContext) -> TemplateRows:
    """The rows as stored, with the names that connections have now."""
    stored = msgspec.json.decode(content, type=_Stored)
    now = {one.uid: one.name for one in context.directory.connections.values()}
    renamed = {old: now.get(uid, old) for uid, old in stored.connections.items()}
    return TemplateRows(
        tuple(
            CsvRow(
                n, {**cells, "connection": renamed.get(cells["connection"], cells["connection"])}
            )
            for n, cells in enumerate(stored.rows, start=2)
        )
    )


def read_template(
    template: TemplateRows, context: SheetContext
) -> tuple[dict[str, list[Entry]], list[Problem]]:
    """What the rows decide, and every mistake of them."""
    found: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
    problems: list[Problem] = []
    for row in template.rows:
        kind = row.cells.get("kind", "").strip().lower()
        if kind not in KINDS:
            said = f"'{kind}' is not known" if kind else "the cell is empty"
            remedy = f"write one of {', '.join(KINDS)}"
            problems.append(Problem(row.line, "kind", said, remedy))
            continue
        problems += _foreign(row, kind)
        entry, mistakes = _read(row, kind, context)
        problems += mistakes
        if entry is not None:
            found[kind].append(entry)
    if not problems:
        problems += _together(found, context)
    if not template.rows:
        problems.append(Problem(1, "", "the template has no rows", "write at least one"))
    return found, problems


def _read(row: CsvRow, kind: str, context: SheetContext) -> tuple[Entry | None, list[Problem]]:
    sheet = KINDS[kind]
    cells = {name: cell for name, cell in row.cells.items() if name in sheet.columns}
    reader = RowReader(CsvRow(row.line, cells), context)
    entry = sheet.read(reader)
    problems = [*reader.problems, *reader.doubts]
    if entry is None and not problems:
        reason = f"the {kind} decides nothing: its amounts are empty"
        problems.append(Problem(row.line, "", reason, "fill them in, or remove the row"))
    return entry, problems


def _foreign(row: CsvRow, kind: str) -> Iterator[Problem]:
    """A cell of another kind would be passed over, and somebody meant something by it."""
    for name in row.cells:
        if name != "kind" and name not in KINDS[kind].columns:
            yield Problem(row.line, name, f"a {kind} has no {name}", "leave the cell empty")


def _together(found: Mapping[str, list[Entry]], context: SheetContext) -> Iterator[Problem]:
    """Mistakes of rows beside each other: two for one thing, products in two configurations."""
    for kind in (RATE, RULE):
        yield from repeated(KINDS[kind], found[kind], context)
    named: dict[tuple[int, str], int] = {}
    for entry in found[CONFIGURATION]:
        entry.values["uid"] = f"line{entry.line}"
        first = named.setdefault((entry.connection_id, entry.values["name"]), entry.line)
        if first != entry.line:
            reason = f"the name '{entry.values['name']}' stands on line {first} already"
            yield Problem(entry.line, "name", reason, "use another name")
    draft = Draft(
        entries=found[CONFIGURATION],
        current={},
        context=context,
        ended=frozenset(),
        known_uids={},
    )
    yield from CONFIGURATION_SHEET.check(draft)


def for_account(entry: Entry, account_id: int, template: str) -> Entry:
    """The configuration of one account, still without its uid."""
    values = {**entry.values, "account_id": account_id, "template": template, "uid": ""}
    return replace(entry, values=values)


def for_client(entry: Entry, client_key: str, template: str) -> Entry:
    """The rate or rule of one client."""
    return replace(entry, values={**entry.values, "client_key": client_key, "template": template})
