"""An explanation as CSV files for the client who pays: the bill, its lines, its units, the changes.

Names, the vendor's ids and exact numbers; costs, reasons of rules and ids of ours only when asked
for. Rows are made one by one, so that ten thousand devices are never one text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.core.billing.arithmetic import BYTES_PER_GB, difference, quotient, total
from syncd.core.service.evidence_cells import correction_row, flat
from syncd.core.service.evidence_cells import money as money
from syncd.core.service.evidence_cells import text as text
from syncd.core.service.explanation import (
    ExplainedLine,
    ExplainedPart,
    ExplainedProduct,
    Explanation,
    Origin,
)
from syncd.core.service.steps import exact, steps_of
from syncd.core.service.term_days import words_of_term
from syncd.core.store.census.records import EvidenceUnit
from syncd.sdk.money import from_scaled
from syncd.sdk.records import Measure

BOM = "\ufeff"
"""Excel takes UTF-8 for the local code page without it; everything else reads over it."""

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PackFile:
    """One file of a pack.

    Attributes:
        name: of the file.
        columns: the header; empty for a plain text.
        rows: makes the rows, cells safe for spreadsheets, or the lines of a plain text.
    """

    name: str
    columns: Row
    rows: Callable[[], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePack:
    """The files behind one explanation.

    Attributes:
        found: what is explained.
        zone: in which moments are written.
        internal: with costs and with what only the house may know.
    """

    found: Explanation
    zone: ZoneInfo
    internal: bool = False

    def files(self) -> tuple[PackFile, ...]:
        """Every file, in the order in which a person reads them."""
        return (
            PackFile("README.txt", (), self._readme),
            PackFile("bill.csv", self._columns(_BILL, _BILL_INTERNAL), self._bill),
            PackFile("lines.csv", self._columns(_LINES, _LINES_INTERNAL), self._lines),
            PackFile("units.csv", _UNITS, self._units),
            PackFile("changes.csv", _CHANGES, self._changes),
            PackFile("days.csv", _DAYS, self._days),
        )

    def _columns(self, public: Row, internal: Row) -> Row:
        return (*public, *internal) if self.internal else public

    def _bill(self) -> Iterator[Row]:
        for lines in _by_account(self.found.lines):
            first = lines[0]
            prices = [line.line.total_price for line in lines]
            row: Row = (
                text(self.found.client_name),
                self.found.period,
                text(first.bill.account_name),
                text(_status(first)),
                first.kind.value if first.kind is not None else "",
                first.bill.currency,
                money(_sum(prices)),
                self._moment(first.recorded_at),
            )
            if self.internal:
                cost = _sum([line.line.total_cost for line in lines])
                price = _sum(prices)
                known = price is not None and cost is not None
                row += (
                    money(cost),
                    money(difference(price, cost) if known else None),  # type: ignore[arg-type]
                    str(first.revision or ""),
                    first.plan_id,
                    text(first.released.by if first.released else ""),
                    text(first.released.reason if first.released else ""),
                    text("; ".join(f"{one.by}: {one.reason}" for one in first.reopened)),
                )
            yield row

    def _lines(self) -> Iterator[Row]:
        for number, one in enumerate(self.found.lines, 1):
            line = one.line
            if line.corrections:
                yield correction_row(number, one, internal=self.internal)
            for place, item in enumerate(one.products):
                head = not place
                priced = line.total_price is not None
                basis = item.basis
                row: Row = (
                    str(number),
                    text(one.bill.account_name),
                    text(line.name),
                    text(line.asset_type_name),
                    line.mode,
                    str(line.quantity) if head else "",
                    money(line.unit_price) if head else "",
                    money(line.total_price) if head else "",
                    one.bill.currency,
                    text(basis.name),
                    _MEASURES[item.measure],
                    exact(basis.raw),
                    exact(basis.billed),
                    money(basis.unit_price) if priced else "",
                    money(basis.price) if priced else "",
                    self._moment(item.snapshot.taken_at if item.snapshot else None),
                    text("; ".join(self._steps(one, item))),
                )
                if self.internal:
                    row += (
                        money(line.unit_cost) if head else "",
                        money(line.total_cost) if head else "",
                        money(basis.unit_cost),
                        money(basis.cost),
                        text(basis.key),
                        text(line.external_key),
                        text(one.remote or ""),
                        str(item.snapshot.seq) if item.snapshot else "",
                    )
                yield row

    def _steps(self, one: ExplainedLine, item: ExplainedProduct) -> tuple[str, ...]:
        if self.internal:
            return item.steps
        return steps_of(
            item.basis, one.line, one.bill.currency, measure=item.measure, internal=False
        )

    def _units(self) -> Iterator[Row]:
        for number, one, item in self._products():
            for unit in item.counted:
                yield self._unit(number, one, item, unit, "yes")
            for unit in item.excluded:
                yield self._unit(number, one, item, unit, "no")
            for part in item.parts:
                for unit in part.counted:
                    yield self._unit(number, one, part, unit, "yes")

    def _unit(
        self,
        number: int,
        one: ExplainedLine,
        item: ExplainedProduct | ExplainedPart,
        unit: EvidenceUnit,
        counted: str,
    ) -> Row:
        return (
            str(number),
            text(one.bill.account_name),
            text(item.basis.name),
            text(unit.name),
            text(unit.unit),
            amount(unit.quantity, item.measure),
            _MEASURES[item.measure],
            counted,
            text(why(unit) if self.internal else unit.excluded or ""),
            text(words_of_term(unit.attributes, self.zone)),
        )

    def _changes(self) -> Iterator[Row]:
        for number, one, item in self._products():
            if item.since is None:
                continue
            moves = item.since.movements
            head = (str(number), text(one.bill.account_name), text(item.basis.name))
            for moved in moves.joined:
                now = amount(moved.unit.quantity, item.measure)
                yield (*head, item.since.period, "joined", *_named(moved.unit), "0", now,
                       text(moved.reason or ""), self._day(moved.at))  # fmt: skip
            for moved in moves.left:
                was = amount(moved.unit.quantity, item.measure)
                yield (*head, item.since.period, "left", *_named(moved.unit), was, "0",
                       text(moved.reason or ""), self._day(moved.at))  # fmt: skip
            for changed in moves.resized:
                yield (*head, item.since.period, "changed", *_named(changed.unit),
                       amount(changed.before, item.measure),
                       amount(changed.unit.quantity, item.measure), "", "")  # fmt: skip

    def _days(self) -> Iterator[Row]:
        for number, one, item in self._products():
            head = (str(number), text(one.bill.account_name), text(item.basis.name))
            for span in item.days:
                days = (span.last - span.first).days + 1
                yield (
                    *head,
                    span.first.isoformat(),
                    span.last.isoformat(),
                    str(days),
                    amount(span.quantity, item.measure),
                    amount(span.quantity * days, item.measure),
                    _MEASURES[item.measure],
                )

    def _day(self, moment: datetime | None) -> str:
        return "" if moment is None else moment.astimezone(self.zone).date().isoformat()

    def _products(self) -> Iterator[tuple[int, ExplainedLine, ExplainedProduct]]:
        for number, one in enumerate(self.found.lines, 1):
            for item in one.products:
                yield number, one, item

    def _readme(self) -> Iterator[Row]:
        found = self.found
        yield (f"Evidence of the bill of {flat(found.client_name)} for {found.period}",)
        yield ("",)
        if Origin.COMPUTED in found.origins:
            yield ("Computed: nothing was billed. This is what the counts would have given.",)
        elif Origin.PLAN in found.origins:
            yield ("Planned: not all of this was sent.",)
        if found.as_of is not None:
            yield (f"As it was known on {self._moment(found.as_of)}.",)
        yield from ((line,) for line in _README)
        yield (f"Moments are local time of {self.zone.key}.",)
        if self.internal:
            yield ("Internal: contains costs and reasons. Do not send it to the client.",)

    def _moment(self, value: datetime | None) -> str:
        return "" if value is None else f"{value.astimezone(self.zone):%Y-%m-%d %H:%M}"


_MEASURES = {Measure.COUNT: "units", Measure.BYTE: "GB", Measure.MONEY: "money"}

_BILL: Row = (
    "client", "month", "account", "status", "kind", "currency", "total", "recorded",
)  # fmt: skip
_BILL_INTERNAL: Row = (
    "cost", "margin", "revision", "plan", "released_by", "release_reason", "reopened",
)  # fmt: skip
_LINES: Row = (
    "line", "account", "name", "asset_type", "mode", "line_quantity", "line_unit_price",
    "line_total", "currency", "product", "measure", "counted", "billed",
    "price_each", "amount", "counted_at", "calculation",
)  # fmt: skip
_LINES_INTERNAL: Row = (
    "line_unit_cost", "line_cost", "cost_each", "cost", "product_key", "key", "psa_record", "pull",
)  # fmt: skip
_UNITS: Row = (
    "line", "account", "product", "name", "id", "quantity", "measure", "counted", "reason", "term",
)  # fmt: skip
_CHANGES: Row = (
    "line", "account", "product", "since_bill_of", "change", "name", "id", "before", "now",
    "reason", "day",
)  # fmt: skip
_DAYS: Row = (
    "line", "account", "product", "first_day", "last_day", "days", "units_each_day", "unit_days",
    "measure",
)  # fmt: skip
_README = (
    "bill.csv     the total of each account, over the lines of this pack",
    "lines.csv    each line of the bill, and what every product adds to it",
    "units.csv    every unit behind the counts, and those that did not count, with the reason;",
    "             until when it is committed, where its source says so",
    "changes.csv  what joined, left or changed since the bill before, with the day it was seen",
    "days.csv     counts at the end of the days, where a bill follows them",
    "",
    "The column 'line' is the same number in all files. A line of several products has its own",
    "figures in its first row only, so that a column may be added up.",
    "An empty price is one that the invoicing system sets by itself, never a price of 0.",
    "Numbers are exact, with a dot and without thousands separators. 1 GB is 2^30 bytes.",
    "Only the amount of a product that is billed by days is rounded, to 8 decimals.",
    "The files are UTF-8 with a byte order mark. A text that a spreadsheet would run as a formula",
    "has an apostrophe before it.",
)


def amount(quantity: int, measure: Measure) -> str:
    """A unit's quantity; bytes as exact GB, and money as money."""
    if measure is Measure.BYTE:
        return exact(quotient(Decimal(quantity), BYTES_PER_GB))
    if measure is Measure.MONEY:
        return money(from_scaled(quantity))
    return str(quantity)


def why(unit: EvidenceUnit) -> str:
    """Why a unit did not count, with a person's words where there are any."""
    return ": ".join(part for part in (unit.excluded, unit.note) if part)


def _named(unit: EvidenceUnit) -> tuple[str, str]:
    return text(unit.name), text(unit.unit)


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    """Unknown as soon as one part is."""
    known = [value for value in values if value is not None]
    return total(known) if len(known) == len(values) else None


def _status(line: ExplainedLine) -> str:
    return "sent" if line.origin is Origin.BILL and line.completed_at else line.status


def _by_account(lines: Sequence[ExplainedLine]) -> list[list[ExplainedLine]]:
    grouped: dict[int, list[ExplainedLine]] = {}
    for line in lines:
        grouped.setdefault(line.bill.account_id, []).append(line)
    return list(grouped.values())
