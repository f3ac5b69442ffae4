"""POST of recurring invoices: an array, merged on the header; `lines` is the full set of lines.

What a posted line leaves out is empty afterwards, and a line that is not posted is gone; with the
option `recurring_lines = "merge"` both stay as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

from syncd_halopsa.sandbox import audit
from syncd_halopsa.sandbox.fields import taken
from syncd_halopsa.sandbox.recurring_fields import (
    CHILDREN,
    HEADER,
    LINE,
    OWN,
    SOURCES,
    blank,
    sent,
)
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.saving import in_turn
from syncd_halopsa.sandbox.state import AGENT, Row, State

_DAYS = ("startdate", "enddate", "nextcreationdate", "lastcreated")


def saved_recurring(state: State, body: Any, who: str = AGENT) -> list[Row]:
    """The recurring invoices saved, in the order of the elements.

    Raises:
        Refusal: 400 or 404; what was saved before it depends on the option `partial_failure`.
    """
    return in_turn(state, body, _merged, lambda state, row: _stored(state, row, who))


def amended(state: State, number: int, change: Callable[[Row], object], who: str) -> Row:
    """A recurring invoice after somebody changed a copy of it; what did not change stays.

    Raises:
        Refusal: 404, there is none.
    """
    header = deepcopy(state.row("recurringinvoice", number))
    change(header)
    return _stored(state, header, who)


def _merged(state: State, element: Any) -> Row:
    """The recurring invoice as it will be; nothing of it is stored yet."""
    if not isinstance(element, dict):
        raise Refusal(400, "Cannot deserialize the current JSON value to an object")
    number: int = taken("id", element.get("id"), state.options)
    current = state.row("recurringinvoice", number) if number else blank(HEADER)
    fields = sent(HEADER, element, state.options)
    header = {**deepcopy(current), **fields, "id": number}
    if header["client_id"] not in state.tables["client"]:
        raise Refusal(400, f"Client {header['client_id']} does not exist")
    if header["period"] not in state.options.period_months:
        raise Refusal(400, f"Period {header['period']} is not valid")
    for name in _DAYS:
        _check_day(header[name])
    posted = element.get("lines")
    if posted is not None:
        if not isinstance(posted, list):
            raise Refusal(400, "Cannot deserialize the current JSON object. Path '[0].lines'")
        header["lines"] = _lines(state, current["lines"], posted)
    return header


def _lines(state: State, current: list[Row], posted: list[Any]) -> list[Row]:
    """The set of lines after a save."""
    by_id = {row["id"]: row for row in current}
    merging = state.options.recurring_lines == "merge"
    lines, seen = [], set()
    for element in posted:
        fields = sent(LINE, element, state.options)
        number = fields.get("id", 0)
        if number and (number not in by_id or number in seen):
            raise Refusal(400, f"Line {number} does not belong to this recurring invoice")
        seen.add(number)
        kept = by_id.get(number, {})
        if not merging:
            kept = {name: one for name, one in kept.items() if name in OWN}
        line = {**blank(LINE), **deepcopy(kept), **fields}
        for name in CHILDREN:
            before = by_id.get(number, blank(LINE))[name]
            line[name] = [_child(state, name, one, before) for one in line[name]]
        lines.append(line)
    if merging:
        left = [deepcopy(row) for row in current if row["id"] not in seen]
        lines = sorted([*left, *lines], key=lambda row: (row["id"] == 0, row["id"]))
    return lines


def _child(state: State, name: str, row: Row, before: list[Row]) -> Row:
    """A source of a quantity, or a proration row, when it may be saved."""
    own = {one["id"]: one for one in before}
    number = row["id"]
    if number and number not in own:
        raise Refusal(400, f"No record with id {number} in {name}")
    if name in SOURCES:
        linked = row["licence_id"]
        known = own.get(number, {}).get("licence_id")
        if linked > 0 and linked != known and linked not in state.licences:
            raise Refusal(400, f"Subscription {linked} does not exist")
        return row
    _check_day(row["date"])
    if row["quantity"] < 0 and not state.options.allow_negative_prorata:
        raise Refusal(400, "A pro-rata quantity must not be negative")
    return row


def _check_day(text: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, f"The value '{text}' is not a valid date") from None


def _stored(state: State, header: Row, who: str) -> Row:
    """Give ids to what is new, keep the history, and store it."""
    table = state.tables["recurringinvoice"]
    before = table.get(header["id"])
    if before is None:
        header["id"] = min([*table, -10]) - 1
    for line in header["lines"]:
        line["id"] = line["id"] or state.new_id("line")
        line["ihid"] = header["id"]
        for name in CHILDREN:
            for child in line[name]:
                child["id"] = child["id"] or state.new_id(name)
                owner = "invoicedetailid" if name == "prorata_data" else "invoice_line_id"
                child[owner] = line["id"]
    changed = before is None or audit.record(state, before, header, who)
    if changed:
        header["last_modified"] = state.stamp()
        table[header["id"]] = header
        state.relinked()
    return table[header["id"]]
