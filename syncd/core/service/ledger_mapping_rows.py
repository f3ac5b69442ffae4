"""The file of one book's mappings: what each row must hold, and every mistake of it at once.

Targets are keys of the book, or codes and names that are unique in it. An id of another book, an
entry that is gone, and a name that a vendor holds are refused with that reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from syncd.core.invoicing.ledger_map import DEFAULT
from syncd.core.service.csv_text import CsvRow, Problem
from syncd.core.service.ledger_proposals import holder_of, plain, usable
from syncd.core.store.ledger_mappings import LedgerDecision, MappingKey
from syncd.core.store.ledger_references import References
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind, TaxMeaning

COLUMNS: Final = ("kind", "source", "source_name", "currency", "target", "target_name", "meaning")
REQUIRED: Final = ("kind", "source", "target", "meaning")
OPTIONAL: Final = ("source_name", "currency", "target_name", "invoices", "note")
"""Columns that a file may lack; the last two are for people and read by nobody."""

_KINDS: Final = [kind.value for kind in ReferenceKind]
_MEANINGS: Final = [meaning.value for meaning in TaxMeaning]
_DEFAULTS: Final = (ReferenceKind.ITEM, ReferenceKind.ACCOUNT)
_CURRENCY: Final = re.compile(r"^[A-Z]{3}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowContext:
    """What a row is judged by.

    Attributes:
        ledger: name of the book's connection.
        references: its catalogues.
        foreign: keys of other books: name of the book's connection by kind and key.
        clients: PSA client -> name.
        served: PSA client -> (name of another book, currency) whose contact it is already.
    """

    ledger: str
    references: References
    foreign: Mapping[tuple[ReferenceKind, str], str] = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)
    served: Mapping[str, Collection[tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """What a file says.

    Attributes:
        decisions: rows with a target.
        emptied: keys of rows without one: what they had ends.
    """

    decisions: Sequence[LedgerDecision]
    emptied: Collection[MappingKey]


def read_mapping_rows(
    rows: Sequence[CsvRow], context: RowContext
) -> tuple[MappingFile, list[Problem]]:
    """What a file says, and every mistake of it."""
    decisions: list[LedgerDecision] = []
    emptied: list[MappingKey] = []
    problems: list[Problem] = []
    lines: dict[MappingKey, int] = {}
    for row in rows:
        reading = _Row(row, context)
        found = reading.read()
        problems += reading.problems
        if found is None:
            continue
        key = found.key
        first = lines.setdefault(key, row.line)
        if first != row.line:
            reason = f"{key[0].value} '{key[1]}' stands on line {first} already"
            problems.append(Problem(row.line, "source", reason, "keep one of the two rows"))
        elif found.target:
            decisions.append(found)
        else:
            emptied.append(key)
    return MappingFile(decisions=decisions, emptied=emptied), problems


class _Row:
    """One row under examination."""

    def __init__(self, row: CsvRow, context: RowContext) -> None:
        self._row = row
        self._context = context
        self.problems: list[Problem] = []

    def read(self) -> LedgerDecision | None:
        """The decision, of an empty target where the row has none; None after a mistake."""
        kind = self._kind()
        if kind is None:
            return None
        source, currency = self._text("source"), self._text("currency")
        self._check_source(kind, source)
        if currency and kind is not ReferenceKind.CONTACT:
            self._blame("currency", "only a contact is bound to a currency", "leave it empty")
        elif currency and not _CURRENCY.match(currency):
            self._blame("currency", f"'{currency}' is no currency", "write it like GBP")
        wanted = self._text("target")
        entry = self._target(kind, wanted) if wanted else None
        meaning = self._meaning(kind, entry) if wanted else ""
        if entry is not None and kind is ReferenceKind.CONTACT:
            self._check_contact(source, currency, entry)
        if self.problems:
            return None
        known = self._context.clients.get(source, "") if kind is ReferenceKind.CONTACT else ""
        return LedgerDecision(
            kind=kind,
            source=source,
            source_name=known or self._text("source_name"),
            currency=currency,
            target="" if entry is None else entry.key,
            target_name="" if entry is None else entry.name,
            meaning=meaning,
        )

    def _text(self, column: str) -> str:
        return self._row.cells.get(column, "").strip()

    def _blame(self, column: str, reason: str, remedy: str) -> None:
        self.problems.append(Problem(self._row.line, column, reason, remedy))

    def _kind(self) -> ReferenceKind | None:
        given = self._text("kind").casefold()
        if given in _KINDS:
            return ReferenceKind(given)
        near = get_close_matches(given, _KINDS, n=1, cutoff=0.6)
        remedy = f"did you mean '{near[0]}'?" if near else f"write one of {', '.join(_KINDS)}"
        reason = f"'{given}' is no kind of mapping" if given else "the cell is empty"
        self._blame("kind", reason, remedy)
        return None

    def _check_source(self, kind: ReferenceKind, source: str) -> None:
        if not source:
            self._blame("source", "the cell is empty", "write the PSA's key, as it was exported")
        elif source == DEFAULT and kind not in _DEFAULTS:
            reason = f"a {kind.value} has no default: each one is named"
            self._blame("source", reason, "* stands for items and accounts only")
        elif kind is ReferenceKind.CONTACT and source not in self._context.clients:
            remedy = "write its id; `syncd map refresh` reads the clients of the PSA"
            self._blame("source", f"the PSA has no client '{source}'", remedy)

    def _target(self, kind: ReferenceKind, wanted: str) -> LedgerReference | None:
        entry = self._find(kind, wanted)
        if entry is None:
            return None
        if not usable(entry):
            reason = f"'{entry.name}' ({entry.key}) is {holder_of(entry)}"
            remedy = "restore it in the book and read it again, or name another one"
            if entry.blocked:
                remedy = f"it holds the name and is no {kind.value}; name another one"
            self._blame("target", reason, remedy)
            return None
        return entry

    def _find(self, kind: ReferenceKind, wanted: str) -> LedgerReference | None:
        """By key, else by a code or a name that is unique."""
        context = self._context
        exact = context.references.get((kind, wanted))
        if exact is not None:
            return exact
        entries = [one for (of, _), one in context.references.items() if of is kind]
        for alike in (
            [one for one in entries if one.code and one.code.casefold() == wanted.casefold()],
            [one for one in entries if plain(one.name) == plain(wanted)],
        ):
            fitting = [one for one in alike if usable(one)] or alike
            if len(fitting) == 1:
                return fitting[0]
            if fitting:
                keys = ", ".join(one.key for one in fitting)
                reason = f"'{wanted}' stands for several entries: {keys}"
                self._blame("target", reason, "write the key of one")
                return None
        if (kind, wanted) in context.foreign:
            other = context.foreign[kind, wanted]
            reason = f"'{wanted}' is an id of {other}, not of {context.ledger}"
            self._blame("target", reason, f"name an entry of {context.ledger}")
            return None
        elsewhere = next((of for of, key in context.references if key == wanted), None)
        if elsewhere is not None:
            reason = f"'{wanted}' is a key of kind {elsewhere.value}, not of kind {kind.value}"
            self._blame("target", reason, f"name a key of kind {kind.value}")
            return None
        near = get_close_matches(wanted, [one.name for one in entries if usable(one)], n=1)
        remedy = f"did you mean '{near[0]}'?" if near else "write a key as the book has it"
        self._blame("target", f"{context.ledger} has no {kind.value} '{wanted}'", remedy)
        return None

    def _meaning(self, kind: ReferenceKind, entry: LedgerReference | None) -> str:
        given = self._text("meaning").casefold()
        if kind is not ReferenceKind.TAX:
            if given:
                self._blame("meaning", "only a tax has a meaning", "leave the cell empty")
            return ""
        if given not in _MEANINGS:
            reason = f"'{given}' is no meaning" if given else "a tax says what it means"
            self._blame("meaning", reason, f"write one of {', '.join(_MEANINGS)}")
            return ""
        if entry is not None and entry.rates:
            rate = sum(entry.rates)
            if rate and given != TaxMeaning.STANDARD.value:
                reason = f"'{entry.name}' has {rate} %, which is not {given}"
                self._blame("meaning", reason, "write standard, or name a code without tax")
            elif not rate and given == TaxMeaning.STANDARD.value:
                reason = f"'{entry.name}' has 0 %"
                self._blame("meaning", reason, "write zero_rated, exempt or out_of_scope")
        return given

    def _check_contact(self, source: str, currency: str, entry: LedgerReference) -> None:
        if currency and entry.currency and entry.currency != currency:
            reason = f"'{entry.name}' takes {entry.currency} only"
            self._blame("currency", reason, f"write {entry.currency}, or name another contact")
        for other, bound in self._context.served.get(source, ()):
            if bound == currency or not bound or not currency:
                said = f" for {bound}" if bound else ""
                reason = f"the client is a contact of {other} already{said}"
                remedy = "one book per client and currency: name the currencies, or end one"
                self._blame("source", reason, remedy)
