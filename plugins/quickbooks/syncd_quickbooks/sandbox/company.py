"""One company: everything it holds, by kind and id, and the journal of what happened to it.

Rows are kept as the interface shows them; amounts in them are exact.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from syncd.sdk.sandbox import World
from syncd_quickbooks.sandbox import seed
from syncd_quickbooks.sandbox.options import Options
from syncd_quickbooks.sandbox.refusals import Refusal

Row = dict[str, Any]

NAMES: Final = ("Customer", "Vendor", "Employee")
"""Kinds that share one name space."""
TRANSACTIONS: Final = ("Invoice", "CreditMemo", "Payment")
"""Kinds that share one count of ids."""
LISTS: Final = (*NAMES, "Item", "Account", "Class", "Term", "TaxCode", "TaxRate", "CompanyCurrency")
SUFFIX: Final = " (deleted)"
_FIRST_TRANSACTION: Final = 145
_FIRST_MADE: Final = 100_000
"""First id of what an app or a person adds to a list, beyond every client's."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        number: counts up.
        at: when, UTC.
        written: when, on the option `monotonic`.
        kind: of the object, e.g. `Invoice`.
        id: of the object.
        what: `created`, `updated`, `deleted` or `voided`.
    """

    number: int
    at: datetime
    written: float
    kind: str
    id: str
    what: str


class Company:
    """The tables of one company.

    Attributes:
        realm: its id.
        world: facts it is filled from.
        options: of the simulator.
        tables: kind → id → row as the interface shows it; amounts are exact.
        journal: what happened, in order.
    """

    def __init__(self, realm: str, world: World, options: Options) -> None:
        self.realm = realm
        self.world = world
        self.options = options
        self.tables: dict[str, dict[str, Row]] = {}
        self.journal: list[Event] = []
        self._written: dict[tuple[str, str], float] = {}
        self._ids: dict[str, int] = {}
        self._numbers: dict[str, list[tuple[str, str]]] = {}
        self._followed: date | None = None
        self.reset()

    @property
    def currency(self) -> str:
        """Of the books."""
        return "USD" if self.options.us else "GBP"

    @property
    def multicurrency(self) -> bool:
        """Customers and documents may have currencies of their own."""
        return self.options.multicurrency and not self.options.us

    def reset(self) -> None:
        """Back to the start."""
        self.tables = {kind: {} for kind in (*LISTS, *TRANSACTIONS)}
        self.journal.clear()
        self._written.clear()
        self._ids.clear()
        self._numbers.clear()
        self._followed = None
        for kind, rows in seed.catalogues(self.options).items():
            for row in rows:
                self._seed(kind, row)
        self.follow_world()

    def follow_world(self) -> None:
        """Add customers of clients that came since the last look; nobody is ever removed."""
        today = self.world.now().date()
        if today == self._followed:
            return
        taken = {self.plain_name(row) for kind in NAMES for row in self.tables[kind].values()}
        for kind, row in seed.names(self.world, self.options, self.currency, taken):
            if row["Id"] not in self.tables[kind]:
                self._seed(kind, row)
        self._followed = today

    def now(self) -> str:
        """The moment in the company's own zone."""
        return self.moment(self.world.now())

    def moment(self, at: datetime) -> str:
        """A moment as the company writes it."""
        zone = timezone(timedelta(hours=self.options.offset_hours))
        return at.astimezone(zone).isoformat(timespec="seconds")

    def today(self) -> date:
        """The company's day."""
        zone = timezone(timedelta(hours=self.options.offset_hours))
        return self.world.now().astimezone(zone).date()

    def rows(self, kind: str) -> Iterator[Row]:
        """All of a kind, in the order of their making."""
        yield from self.tables[kind].values()

    def row(self, kind: str, number: Any) -> Row:
        """One object itself, to be changed.

        Raises:
            Refusal: 610, there is none.
        """
        found = self.tables[kind].get(str(number))
        if found is None:
            raise Refusal("610", f"{kind} {number} is not there", element="Id")
        return found

    def current(self, kind: str, payload: Row) -> Row:
        """The object that an update is about.

        Raises:
            Refusal: 2020, no token; 610, no such object; 5010, the token is an old one.
        """
        if "SyncToken" not in payload:
            raise Refusal("2020", "SyncToken is missing", element="SyncToken")
        found = self.row(kind, payload.get("Id"))
        if str(payload["SyncToken"]) != found["SyncToken"]:
            raise Refusal("5010", f"{kind} was changed; SyncToken is {found['SyncToken']}")
        return found

    def add(self, kind: str, row: Row) -> Row:
        """Keep a new object; it gets its id, its token and its moments."""
        made: Row = {"Id": self._next(kind), "SyncToken": "0", "domain": "QBO", "sparse": False}
        made["MetaData"] = {"CreateTime": self.now(), "LastUpdatedTime": self.now()}
        made = {**made, **row}
        self.tables[kind][made["Id"]] = made
        self._hold_number(kind, made)
        self.record(kind, made["Id"], "created")
        return made

    def replace(self, kind: str, found: Row, row: Row, what: str = "updated") -> Row:
        """Put other content in place of an object's; its id and its past stay."""
        kept = {name: found[name] for name in ("Id", "domain", "sparse", "MetaData", "SyncToken")}
        self._release_number(kind, found)
        found.clear()
        found.update({**kept, **row})
        self._hold_number(kind, found)
        self.touch(kind, found, what)
        return found

    def touch(self, kind: str, row: Row, what: str = "updated") -> None:
        """Count a change of an object."""
        row["SyncToken"] = str(int(row["SyncToken"]) + 1)
        row["MetaData"] = {**row["MetaData"], "LastUpdatedTime": self.now()}
        self.record(kind, row["Id"], what)

    def remove(self, kind: str, number: str) -> None:
        """Lose an object for good."""
        self._release_number(kind, self.tables[kind].pop(number))
        self.record(kind, number, "deleted")

    def holders(self, number: str) -> list[tuple[str, str]]:
        """Kind and id of the documents that have a number, whatever its case."""
        return self._numbers.get(number.casefold(), [])

    def count_number(self) -> str:
        """The next number of the company's own count, which knows nothing of sent ones."""
        self._ids["number"] = self._ids.get("number", 1000) + 1
        return str(self._ids["number"])

    def record(self, kind: str, number: str, what: str) -> None:
        """Note an event."""
        written = self.options.monotonic()
        self._written.setdefault((kind, number), written)
        at = self.world.now()
        self.journal.append(Event(len(self.journal) + 1, at, written, kind, number, what))

    def searchable(self, kind: str) -> list[Row]:
        """Objects that a search knows by now."""
        rows = list(self.tables[kind].values())
        lag = self.options.search_lag
        if not lag:
            return rows
        latest = self.options.monotonic() - lag
        return [row for row in rows if self._written.get((kind, row["Id"]), latest) <= latest]

    def plain_name(self, row: Row) -> str:
        """A name as it is compared, without what inactivity adds to it."""
        name: str = row["DisplayName"]
        return name.removesuffix(SUFFIX).casefold()

    def _hold_number(self, kind: str, row: Row) -> None:
        if row.get("DocNumber"):
            self._numbers.setdefault(row["DocNumber"].casefold(), []).append((kind, row["Id"]))

    def _release_number(self, kind: str, row: Row) -> None:
        if row.get("DocNumber"):
            self._numbers[row["DocNumber"].casefold()].remove((kind, row["Id"]))

    def _seed(self, kind: str, row: Row) -> None:
        moment = self.moment(min(self.world.now(), seed.FOUNDED))
        common: Row = {"domain": "QBO", "sparse": False, "SyncToken": "0"}
        common["MetaData"] = {"CreateTime": moment, "LastUpdatedTime": moment}
        self.tables[kind][row["Id"]] = {**common, **row}

    def _next(self, kind: str) -> str:
        count = "transaction" if kind in TRANSACTIONS else "list"
        first = _FIRST_TRANSACTION if count == "transaction" else _FIRST_MADE
        self._ids[count] = self._ids.get(count, first - 1) + 1
        return str(self._ids[count])


def copies(rows: Iterable[Row]) -> list[Row]:
    """Rows that may be changed without changing the company."""
    return [copy.deepcopy(row) for row in rows]
