"""Proration rows: who makes them, and what they charge on the next invoice.

A count that changes within a period makes a row by itself where its source has `pro_rata = 1`; a
person may add one to any line. HaloPSA's own arithmetic is not published: days are whole, the day
of a change counts, and a unit is charged for the days that are left of its period.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from syncd_halopsa.sandbox import audit
from syncd_halopsa.sandbox.periods import day_of, moved
from syncd_halopsa.sandbox.quantities import billed, counted, is_named, seats
from syncd_halopsa.sandbox.recurring_fields import PRORATA, SOURCES, blank
from syncd_halopsa.sandbox.state import Row, State

AUTOMATION = "Automation"
"""Who made a change that nobody made, in the history of changes."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a proration row puts on an invoice.

    Attributes:
        row: the row.
        whole: units charged for the whole invoiced period, 0 for a change within it.
        share: how many periods the row's quantity is charged for before that.
    """

    row: Row
    whole: Decimal
    share: Fraction


def licence_changed(state: State, before: Row, after: Row | None) -> None:
    """Make the rows of a subscription whose count, or state, is another one now."""
    old, new = seats(before), 0 if after is None else seats(after)
    if old == new:
        return
    for header, line, source in state.sources_of(before):
        if source["pro_rata"] and is_named(state, source, before):
            rest = counted(state, header["client_id"], "quantity_subscriptions", source) - new
            change = billed(source, rest + new) - billed(source, rest + old)
            _grown(state, header, line, source, change)


@contextmanager
def counts_watched(state: State, client: int) -> Iterator[None]:
    """Make the rows of a client's assets and users that come or go within this block."""
    before = dict(_counts(state, client))
    yield
    for (header, line, kind, number), new in _counts(state, client):
        old = before.get((header, line, kind, number))
        if old is not None and old != new:
            found = state.row("recurringinvoice", header)
            row = next(one for one in found["lines"] if one["id"] == line)
            source = next(one for one in row[kind] if one["id"] == number)
            _grown(state, found, row, source, new - old)


def _counts(state: State, client: int) -> Iterator[tuple[tuple[int, int, str, int], int]]:
    for header in state.recurring_of(client):
        for line in header["lines"]:
            for kind in ("quantity_assets", "quantity_users"):
                for source in line[kind]:
                    if source["pro_rata"]:
                        count = billed(source, counted(state, client, kind, source))
                        yield (header["id"], line["id"], kind, source["id"]), count


def _grown(state: State, header: Row, line: Row, source: Row, change: int) -> None:
    """A row of today for a source that grew or shrank; changes of one day make one row."""
    if not change or header["disabled"] or line["isinactive"] or not _is_running(state, header):
        return
    today = state.stamp()[:10]
    rows = line["prorata_data"]
    own = next(
        (
            one
            for one in rows
            if one["quantity_id"] == source["id"] and one["date"].startswith(today)
        ),
        None,
    )
    quantity = Decimal(change) + (own["quantity"] if own else 0)
    if quantity < 0 and not state.options.allow_negative_prorata:
        quantity = Decimal(0)
    before = deepcopy(header)
    if own is not None:
        rows.remove(own)
    if quantity:
        rows.append(
            {
                **blank(PRORATA),
                "id": own["id"] if own else state.new_id("prorata_data"),
                "invoicedetailid": line["id"],
                "date": f"{today}T00:00:00",
                "quantity": quantity,
                "shortdescription": f"{line['item_shortdescription']}, pro rata from {today}",
                "quantity_id": source["id"],
            }
        )
    audit.record(state, before, header, AUTOMATION)


def _is_running(state: State, header: Row) -> bool:
    """Before the first invoice in advance nothing of the running period is billed."""
    behind = state.options.invoiced_period == "behind"
    return behind or day_of(header["lastcreated"]) is not None


def charges(
    rows: list[Row], quantity: Decimal, start: date, end: date, months: int
) -> tuple[Decimal, list[Charge]]:
    """The quantity of the base line, and what each row charges beside it.

    A row that came from a count is in the count already, so the base line shows what is left
    without it; a person's row comes on top. Rows from the end of the invoiced period on wait.

    Args:
        rows: of one line.
        quantity: what the line counts, or keeps.
        start: first day of the invoiced period.
        end: first day after it.
        months: length of a period.
    """
    late = [row for row in rows if _first(row) >= start]
    base = quantity - sum(Decimal(row["quantity"]) for row in late if row["quantity_id"] > 0)
    found = [
        Charge(row, Decimal(0), _share(_first(row), end, months))
        for row in late
        if _first(row) < end
    ]
    early = [row for row in rows if _first(row) < start]
    for row in sorted(early, key=lambda one: one["quantity"] > 0):  # what was lost makes room
        whole = Decimal(row["quantity"])
        if row["quantity_id"] > 0:
            whole = min(whole, max(base, Decimal(0)))
            base -= whole
        found.append(Charge(row, whole, _share(_first(row), start, months)))
    return max(base, min(quantity, Decimal(0))), sorted(found, key=lambda one: one.row["date"])


def _first(row: Row) -> date:
    return date.fromisoformat(row["date"][:10])


def _share(first: date, end: date, months: int) -> Fraction:
    """How many periods lie from a day to the end of one."""
    share = Fraction(0)
    while first < end:
        start = moved(end, -months)
        if first > start:
            return share + Fraction((end - first).days, (end - start).days)
        share, end = share + 1, start
    return share


def settle(state: State, header: Row, line: Row, quantity: Decimal, charged: list[Charge]) -> None:
    """After an invoice: the line has its new quantity, and the rows that it charged are gone."""
    by_hand = sum((one.row["quantity"] for one in charged if not one.row["quantity_id"]), Decimal())
    counts = any(line[kind] for kind in SOURCES)
    line["qty_order"] = quantity if counts else Decimal(line["qty_order"]) + by_hand
    gone = {one.row["id"] for one in charged}
    state.invoiced_proration.extend(
        {**_shown(header, row), "isinvoiced": True}
        for row in line["prorata_data"]
        if row["id"] in gone
    )
    line["prorata_data"] = [row for row in line["prorata_data"] if row["id"] not in gone]


def listed(state: State) -> list[Any]:
    """All rows, those of past invoices included, as `/InvoiceDetailProRata` shows them."""
    open_rows = [
        _shown(header, row)
        for header in state.tables["recurringinvoice"].values()
        for line in header["lines"]
        for row in line["prorata_data"]
    ]
    return sorted([*state.invoiced_proration, *open_rows], key=lambda row: row["id"])


def _shown(header: Row, row: Row) -> Row:
    return {**row, "recurring_invoice_id": header["id"], "client_id": header["client_id"]}
