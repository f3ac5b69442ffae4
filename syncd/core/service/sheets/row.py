"""One row of a mapping file while it is read: typed cells, known names, every mistake kept.

Nothing is guessed: a name that fits twice, or a name beside an id that is called otherwise, is a
mistake of the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from syncd.core.service.csv_text import CsvRow, Problem
from syncd.core.store.census.known_units import KnownUnit
from syncd.core.store.connections import ConnectionRef
from syncd.core.store.decisions import SourceAccount, SourceConnection, SourceProduct
from syncd.core.store.mappings import Directory
from syncd.core.store.references import ReferenceEntry, ReferenceKind
from syncd.sdk.money import parse_amount, to_scaled

YES: Final = "yes"
NO: Final = "no"
_FLAGS: Final = {"yes": True, "true": True, "no": False, "false": False}
_WORDS: Final = {
    ReferenceKind.CLIENT: "client",
    ReferenceKind.SITE: "site",
    ReferenceKind.ASSET_TYPE: "asset type",
    ReferenceKind.SUPPLIER: "supplier",
}
_DAY: Final = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_MAX_POSITION: Final = 1_000_000
_MAX_AMOUNT: Final = 100_000_000
"""More than this, for one unit or as a number of units, is a slip in every currency."""
_FORMULA_SIGNS: Final = ("=", "+", "-", "@")


@dataclass(frozen=True, kw_only=True)
class SheetContext:
    """What a file may speak about, indexed, since a file may have ten thousand rows.

    Attributes:
        directory: every known connection, account, product and PSA thing.
        psa: the PSA connection that clients and asset types belong to.
        currency: billing currency, where a rate names none.
        confirmed_by: who edits.
        units: those that the file may name, by account id and the vendor's id.
    """

    directory: Directory
    psa: ConnectionRef
    currency: str
    confirmed_by: str
    units: Mapping[tuple[int, str], KnownUnit] = field(default_factory=dict)

    @cached_property
    def connections(self) -> Mapping[str, SourceConnection]:
        """By name."""
        return {one.name: one for one in self.directory.connections.values()}

    @cached_property
    def accounts(self) -> Mapping[tuple[int, str], SourceAccount]:
        """By connection id and the vendor's id."""
        return {(one.connection_id, one.key): one for one in self.directory.accounts.values()}

    @cached_property
    def products(self) -> Mapping[int, Mapping[str, SourceProduct]]:
        """By connection id, then by key."""
        found: dict[int, dict[str, SourceProduct]] = {}
        for one in self.directory.products.values():
            found.setdefault(one.connection_id, {})[one.key] = one
        return found

    @cached_property
    def _named(self) -> Mapping[tuple[ReferenceKind, str], Sequence[ReferenceEntry]]:
        found: dict[tuple[ReferenceKind, str], list[ReferenceEntry]] = {}
        for kind in ReferenceKind:
            for entry in self.references(kind).values():
                if entry.active:
                    found.setdefault((kind, same_name(entry.name)), []).append(entry)
        return found

    def references(self, kind: ReferenceKind) -> Mapping[str, ReferenceEntry]:
        """What the PSA knows of this kind, by id; inactive ones included."""
        return self.directory.references.of(self.psa.id, kind)

    def named(self, kind: ReferenceKind, name: str, parent: str | None) -> list[ReferenceEntry]:
        """Active things of that name; several are ambiguous."""
        return [
            entry
            for entry in self._named.get((kind, same_name(name)), ())
            if parent in {None, entry.parent}
        ]

    def reference_name(self, kind: ReferenceKind, key: str) -> str:
        """Name of a PSA thing; empty for an empty key."""
        return self.directory.references.name(self.psa.id, kind, key) if key else ""


def same_name(name: str) -> str:
    """A name without case and outer spaces: the only liberty taken when names are compared."""
    return name.strip().casefold()


@dataclass(slots=True)
class RowReader:
    """Reads the cells of a row and keeps what is wrong with them.

    Attributes:
        row: the cells.
        context: what they may name.
        problems: of this row so far.
        doubts: mistakes only where the row says something new; what stands already may stay.
    """

    row: CsvRow
    context: SheetContext
    problems: list[Problem] = field(default_factory=list)
    doubts: list[Problem] = field(default_factory=list)

    def blame(self, column: str, reason: str, remedy: str) -> None:
        """Keep a mistake."""
        self.problems.append(Problem(self.row.line, column, reason, remedy))

    def doubt(self, column: str, reason: str, remedy: str) -> None:
        """Keep what is a mistake only in a new or changed row."""
        self.doubts.append(Problem(self.row.line, column, reason, remedy))

    def text(self, column: str) -> str:
        """The cell without outer spaces; empty where the column is not in the file."""
        cell = self.row.cells.get(column, "").strip()
        if "\x00" in cell:
            self.blame(column, "the cell holds a NUL character", "type the cell anew")
            return ""
        return cell

    def title(self, column: str) -> str:
        """A name that will stand in the PSA; one that a spreadsheet would run is a mistake."""
        cell = self.text(column)
        if cell.startswith(_FORMULA_SIGNS):
            reason = f"'{cell}' begins like a formula"
            self.doubt(column, reason, f"begin the name with something else than {cell[0]}")
        return cell

    def choice(self, column: str, known: Sequence[str], *, default: str | None = None) -> str:
        """One of the known words; the default where the cell is empty."""
        cell = self.text(column).lower()
        if not cell and default is not None:
            return default
        if cell not in known:
            said = f"'{self.text(column)}' is not known" if cell else "the cell is empty"
            self.blame(column, said, f"write one of {', '.join(known)}")
            return default or known[0]
        return cell

    def flag(self, column: str, *, default: bool) -> bool:
        """Yes or no; the default where the cell is empty."""
        cell = self.text(column).lower()
        if cell and cell not in _FLAGS:
            self.blame(column, f"'{cell}' is neither yes nor no", "write yes or no")
        return _FLAGS.get(cell, default)

    def whole(self, column: str, *, default: int) -> int:
        """A whole number from 0; the default where the cell is empty."""
        cell = self.text(column)
        if not cell:
            return default
        if not (cell.isascii() and cell.isdigit()) or int(cell) > _MAX_POSITION:
            self.blame(column, f"'{cell}' is not a whole number", "write it like 10")
            return default
        return int(cell)

    def amount(self, column: str) -> Decimal | None:
        """An amount from 0 with at most 8 decimals; None where the cell is empty."""
        cell = self.text(column)
        if not cell:
            return None
        if cell.startswith(("=", "+", "@")):
            self.blame(column, f"'{cell}' is a formula", "write the number itself, like 1234.50")
            return None
        try:
            amount = parse_amount(cell)
            to_scaled(amount)
        except ValueError as error:
            reason, _, remedy = str(error).partition("; ")
            self.blame(column, reason, remedy or "write it like 1234.50")
            return None
        if amount < 0:
            self.blame(column, f"{cell} is negative", "write 0 or more, or leave the cell empty")
            return None
        if amount > _MAX_AMOUNT:
            reason = f"{cell} is more than {_MAX_AMOUNT:,}, which nothing costs and nobody has"
            self.doubt(column, reason, "look for a missing dot or a column that slipped")
        return amount

    def day(self, column: str, *, required: bool) -> str:
        """An ISO date; empty where the cell is."""
        cell = self.text(column)
        if not cell and not required:
            return ""
        if _DAY.match(cell):
            with suppress(ValueError):
                return date.fromisoformat(cell).isoformat()
        said = f"'{cell}' is not a day" if cell else "the cell is empty"
        self.blame(column, said, "write year, month and day like 2026-11-01")
        return ""

    def connection(self) -> SourceConnection | None:
        """The connection that the row names."""
        name = self.text("connection")
        found = self.context.connections.get(name)
        if found is None:
            said = f"connection '{name}' is not known" if name else "the cell is empty"
            remedy = _likely(name, self.context.connections, "pull it first: `syncd pull`")
            self.blame("connection", said, remedy)
        return found

    def account(self, connection: SourceConnection | None) -> SourceAccount | None:
        """The account that the row names by the vendor's id."""
        key = self.text("account")
        if connection is None:
            return None
        found = self.context.accounts.get((connection.id, key))
        if found is None:
            said = f"{connection.name} has no account '{key}'" if key else "the cell is empty"
            remedy = f"write the vendor's id; `syncd pull {connection.name}` reads new accounts"
            self.blame("account", said, remedy)
            return None
        self._agree("account_name", found.name)
        return found

    def product(self, connection: SourceConnection | None) -> SourceProduct | None:
        """The product that the row names by its key."""
        key = self.text("product")
        if connection is None:
            return None
        found = self.product_of(connection, key, "product")
        if found is not None:
            self._agree("product_name", found.name)
        return found

    def product_of(
        self, connection: SourceConnection, key: str, column: str
    ) -> SourceProduct | None:
        """A product of the connection by key."""
        own = self.context.products.get(connection.id, {})
        if key not in own:
            said = f"{connection.name} has no product '{key}'" if key else "the cell is empty"
            self.blame(
                column, said, _likely(key, own, f"`syncd pull {connection.name}` reads them")
            )
        return own.get(key)

    def reference(
        self, kind: ReferenceKind, column: str, *, parent: str | None = None
    ) -> ReferenceEntry | None:
        """The PSA thing that the cell names by id or by a name that is unique; None when empty."""
        cell, name = self.text(column), self.text(f"{column}_name")
        if not cell and not name:
            return None
        word = _WORDS[kind]
        entries = self.context.references(kind)
        found = entries.get(cell)
        if found is not None and parent in {None, found.parent}:
            self._agree(f"{column}_name", found.name)
            if not found.active:
                reason = (
                    f"{word} {found.key} ({found.name}) is not active in {self.context.psa.name}"
                )
                self.doubt(column, reason, f"name an active {word}")
            return found
        said, where = (cell, column) if cell else (name, f"{column}_name")
        fitting = self.context.named(kind, said, parent)
        if len(fitting) == 1:
            if cell:
                self._agree(f"{column}_name", fitting[0].name)
            return fitting[0]
        if fitting:
            ids = ", ".join(sorted(one.key for one in fitting))
            reason = f"{len(fitting)} of the {word}s are called '{said}'"
            self.blame(where, reason, f"write the id: one of {ids}")
        else:
            names = [one.name for one in entries.values() if parent in {None, one.parent}]
            reason = f"{word} '{said}' is not known to {self.context.psa.name}"
            self.blame(where, reason, _likely(said, names, "`syncd map refresh` reads new ones"))
        return None

    def _agree(self, column: str, name: str) -> None:
        """A name beside an id must be the name of that id, or the wrong row was edited."""
        said = self.text(column)
        if said and same_name(said) != same_name(name):
            self.blame(
                column,
                f"the id beside it is called '{name}', not '{said}'",
                "mend the id, or leave the name empty",
            )


def _likely(word: str, known: Iterable[str], otherwise: str) -> str:
    near = get_close_matches(word, list(known), n=1, cutoff=0.6) if word else []
    return f"did you mean '{near[0]}'?" if near else otherwise
