"""What the mapping files have in common: columns, reading a row, writing one.

A sheet says what is particular to its file; export, comparison and storing are the same for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.csv_text import CsvRow, Problem
from syncd.core.service.sheets.row import RowReader, SheetContext
from syncd.core.store.mappings import DecisionTable, Key, StoredDecision

Current = Mapping[Key, StoredDecision]


Prepare = Callable[
    [AsyncConnection, SheetContext, Sequence[CsvRow], Current], Awaitable[SheetContext]
]
"""From a reader, what may be named, the rows of a file (none for an export) and what holds now, to
what may be named in all."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """What a row of a file decides.

    Attributes:
        line: where it begins.
        connection_id: the connection it speaks of.
        values: key, content and provenance columns of the decision.
        doubts: mistakes if this is new or changed.
    """

    line: int
    connection_id: int
    values: dict[str, Any]
    doubts: Sequence[Problem] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The entries of a file beside what holds now, for rules over more than one row.

    Attributes:
        entries: of the file, without mistakes of their own.
        current: what holds now, by key.
        context: what may be named.
        ended: keys of what would end with this import.
        known_uids: connection id by uid of every configuration there ever was.
        beside: what holds now in the tables that `Sheet.beside` names.
    """

    entries: Sequence[Entry]
    current: Current
    context: SheetContext
    ended: frozenset[Key]
    known_uids: Mapping[str, int]
    beside: Mapping[DecisionTable, Current] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One kind of mapping file.

    Attributes:
        name: of the command, `syncd map <name>`.
        title: for people.
        decisions: where its rows are stored.
        columns: in the order of an export.
        optional: those of them that a file may leave out.
        ignored: columns that a file may have beside them; nobody reads them.
        read: from a row to what it decides; None when it decides nothing or has mistakes.
        write: every row of an export.
        label: what a decision is about, for people.
        describe: what a decision says, for people.
        connection_of: row id of the connection a stored decision belongs to.
        prepare: reads what rows of this file alone may name; None where there is nothing.
        settle: before keys are compared; fills what only the whole file decides.
        check: mistakes that need the whole file.
        notes: sentences worth reading about a new or changed decision.
        beside: other decisions that `check` looks at.
        lasting: optional columns, each the name of its value: a file from before such a column
            leaves what it says as it is.
    """

    name: str
    title: str
    decisions: DecisionTable
    columns: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[RowReader], Entry | None]
    write: Callable[[SheetContext, Current], Iterable[Mapping[str, str]]]
    label: Callable[[SheetContext, Mapping[str, Any]], str]
    describe: Callable[[SheetContext, Mapping[str, Any]], str]
    connection_of: Callable[[SheetContext, Mapping[str, Any]], int]
    ignored: tuple[str, ...] = ()
    prepare: Prepare | None = None
    settle: Callable[[Draft], Sequence[Problem]] = lambda _draft: ()
    check: Callable[[Draft], Sequence[Problem]] = lambda _draft: ()
    notes: Callable[[SheetContext, Mapping[str, Any]], Sequence[str]] = lambda _c, _v: ()
    beside: tuple[DecisionTable, ...] = ()
    lasting: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(column for column in self.columns if column not in self.optional)


def account_label(context: SheetContext, account_id: int) -> str:
    """Connection, the vendor's id and the name, e.g. `rmm-eu/12 (Acme Ltd)`."""
    account = context.directory.accounts[account_id]
    connection = context.directory.connections[account.connection_id]
    return f"{connection.name}/{account.key} ({account.name})"


def product_label(context: SheetContext, product_id: int) -> str:
    """The connection's name and the product's key."""
    product = context.directory.products[product_id]
    return f"{context.directory.connections[product.connection_id].name}/{product.key}"


def connection_of_product(context: SheetContext, values: Mapping[str, Any]) -> int:
    """Row id of the connection of a decision about a product."""
    return context.directory.products[values["product_id"]].connection_id
