"""From a template to decisions: configurations per account, rates and rules per client.

Pure. What the template wrote before is brought up to date, what people decided by hand for other
products stays, and where a hand-made decision stands in the way it is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from syncd.core.service.sheet_change import Edit
from syncd.core.service.sheets.row import SheetContext
from syncd.core.service.sheets.sheet import Current, Entry, Sheet
from syncd.core.service.sheets.templates import (
    CONFIGURATION,
    KINDS,
    RATE,
    RULE,
    Entries,
    for_account,
    for_client,
)
from syncd.core.store.mappings import StoredDecision


@dataclass(slots=True)
class Expansion:
    """What applying a template writes.

    Attributes:
        new: entries to store, by kind.
        ended: current rows that hold no longer, by kind; those that `new` replaces included.
        conflicts: hand-made decisions in the way, in words.
        unchanged: how many decisions stand already.
    """

    new: dict[str, list[Entry]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    ended: dict[str, dict[int, StoredDecision]] = field(
        default_factory=lambda: {kind: {} for kind in KINDS}
    )
    conflicts: list[str] = field(default_factory=list)
    unchanged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expander:
    """Expands one template.

    Attributes:
        name: of the template.
        entries: what its rows decide, by kind.
        current: decisions that hold, by kind.
        context: for words.
        uid_of: the uid that an account's configuration of a name had or shall have.
        replace: end hand-made decisions that are in the way instead of naming them.
    """

    name: str
    entries: Entries
    current: Mapping[str, Current]
    context: SheetContext
    uid_of: Callable[[int, str], str]
    replace: bool

    def expand(self, clients: Mapping[str, Sequence[int]]) -> Expansion:
        """The decisions of clients, each with the row ids of its linked accounts."""
        result = Expansion()
        own = _by(self.current[CONFIGURATION], "account_id")
        rates = _by(self.current[RATE], "client_key")
        rules = _by(self.current[RULE], "client_key")
        for client, accounts in sorted(clients.items()):
            for account in accounts:
                self._configurations(result, account, own.get(account, ()))
            self._dated(result, RATE, client, rates.get(client, ()))
            self._dated(result, RULE, client, rules.get(client, ()))
        return result

    def _configurations(
        self, result: Expansion, account_id: int, present: Sequence[StoredDecision]
    ) -> None:
        account = self.context.directory.accounts[account_id]
        wanted = {
            entry.values["name"]: for_account(entry, account_id, self.name)
            for entry in self.entries[CONFIGURATION]
            if entry.connection_id == account.connection_id
        }
        claimed = {key for entry in wanted.values() for key in _products(entry.values)}
        named: dict[str, StoredDecision] = {}
        for found in present:
            values = found.values
            same_name = wanted.get(values["name"])
            if same_name is not None:
                named[values["name"]] = found
            if values["template"]:
                if same_name is None:
                    result.ended[CONFIGURATION][found.id] = found
            elif same_name is not None:
                standing = {**same_name.values, "uid": values["uid"]}
                if not KINDS[CONFIGURATION].decisions.same(standing, values):
                    self._in_the_way(result, CONFIGURATION, found)
            elif claimed & set(_products(values)):
                self._in_the_way(result, CONFIGURATION, found)
        for name, entry in wanted.items():
            before = named.get(name)
            uid = before.values["uid"] if before else self.uid_of(account_id, name)
            entry.values["uid"] = uid
            self._write(result, CONFIGURATION, entry, before)

    def _dated(
        self, result: Expansion, kind: str, client: str, present: Sequence[StoredDecision]
    ) -> None:
        table = KINDS[kind].decisions
        wanted = [for_client(entry, client, self.name) for entry in self.entries[kind]]
        keys = {table.key_of(entry.values) for entry in wanted}
        same_key = {key: found for found in present if (key := table.key_of(found.values)) in keys}
        landed = {
            _subject(kind, found.values)
            for found in present
            if found.values["template"] == self.name
        }
        days: dict[object, list[str]] = {}
        for entry in wanted:
            subject = _subject(kind, entry.values)
            days.setdefault(subject, []).append(entry.values["valid_from"])
        for found in present:
            values = found.values
            if table.key_of(values) in same_key:
                continue
            of_template = days.get(_subject(kind, values), [])
            shadowed = any(day > values["valid_from"] for day in of_template)
            if values["template"]:
                if not shadowed:
                    result.ended[kind][found.id] = found
            elif of_template and _holds_from(values, min(of_template)):
                overruled = values["valid_from"] < min(of_template)
                if not (overruled and _subject(kind, values) in landed):
                    self._in_the_way(result, kind, found, ends=not overruled)
        for entry in wanted:
            before = same_key.get(table.key_of(entry.values))
            by_hand = before is not None and not before.values["template"]
            if before is not None and by_hand and not table.same(before.values, entry.values):
                self._in_the_way(result, kind, before)
            self._write(result, kind, entry, before)

    def _write(
        self, result: Expansion, kind: str, entry: Entry, before: StoredDecision | None
    ) -> None:
        if before is not None:
            same = KINDS[kind].decisions.same(before.values, entry.values)
            if same and before.values["template"] == self.name:
                result.unchanged += 1
                return
            result.ended[kind][before.id] = before
        result.new[kind].append(entry)

    def _in_the_way(
        self, result: Expansion, kind: str, found: StoredDecision, *, ends: bool = True
    ) -> None:
        """Name a hand-made decision, or end it where that was asked; an earlier one is history."""
        if self.replace:
            if ends:
                result.ended[kind][found.id] = found
            return
        sheet = KINDS[kind]
        said = sheet.describe(self.context, found.values)
        result.conflicts.append(f"{kind} {sheet.label(self.context, found.values)}: {said}")


def edits(
    sheet: Sheet, context: SheetContext, new: Iterable[Entry], ended: Iterable[StoredDecision]
) -> list[Edit]:
    """What becomes of each decision, in words."""
    table = sheet.decisions
    old = {table.key_of(found.values): found.values for found in ended}
    told = []
    for entry in new:
        before = old.pop(table.key_of(entry.values), None)
        said = None if before is None else sheet.describe(context, before)
        after = sheet.describe(context, entry.values)
        told.append(Edit(sheet.label(context, entry.values), said, after))
    told += [
        Edit(sheet.label(context, values), sheet.describe(context, values), None)
        for values in old.values()
    ]
    return told


def _by(current: Current, column: str) -> dict[Any, list[StoredDecision]]:
    found: dict[Any, list[StoredDecision]] = {}
    for one in current.values():
        found.setdefault(one.values[column], []).append(one)
    return found


def _subject(kind: str, values: Mapping[str, Any]) -> tuple[object, ...]:
    """What a dated decision of a client is about: later days take the place of earlier ones."""
    if kind == RATE:
        return values["product_id"], values["currency"]
    return (values["product_id"],)


def _holds_from(values: Mapping[str, Any], day: str) -> bool:
    until = values.get("valid_until", "")
    return not until or until >= day


def _products(values: Mapping[str, Any]) -> list[str]:
    return msgspec.json.decode(values["products"], type=list[str])
