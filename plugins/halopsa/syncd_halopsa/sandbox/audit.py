"""The history of recurring invoices (InvoiceChange): one row for each field that really changed.

Written for people and for the API alike. `type_id` tells what changed: 0 the invoice, 1 a line, 2 a
source of its quantity, 3 a proration row; no source gives HaloPSA's own numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncd_halopsa.sandbox.recurring_fields import CHILDREN
from syncd_halopsa.sandbox.state import Row, State

_HEADER, _LINE, _QUANTITY, _PRORATA = range(4)
_UNTOLD = frozenset({"lines", "last_modified"})


def record(state: State, before: Row, after: Row, who: str) -> int:
    """Write what differs between two states of a recurring invoice; how many rows it took."""
    found = [*_fields(before, after, _UNTOLD, type_id=_HEADER), *_lines(before, after)]
    for one in found:
        state.record_invoice_change(after["id"], who, **one)
    return len(found)


def _lines(before: Row, after: Row) -> Iterator[Row]:
    old, new = _by_id(before["lines"]), _by_id(after["lines"])
    for number in sorted(old.keys() | new.keys()):
        told = {"type_id": _LINE, "invoice_line_id": number}
        if number not in new:
            yield _told("line", old[number]["item_shortdescription"], "", **told)
        elif number not in old:
            yield _told("line", "", new[number]["item_shortdescription"], **told)
        else:
            yield from _fields(old[number], new[number], frozenset(CHILDREN), **told)
            for name in CHILDREN:
                yield from _children(name, old[number], new[number])


def _children(name: str, before: Row, after: Row) -> Iterator[Row]:
    """Rows of one list of a line."""
    old, new = _by_id(before[name]), _by_id(after[name])
    column = "invoice_detail_prorata_id" if name == "prorata_data" else "invoice_detail_quantity_id"
    kind = _PRORATA if name == "prorata_data" else _QUANTITY
    for number in sorted(old.keys() | new.keys()):
        told = {"type_id": kind, "invoice_line_id": after["id"], column: number}
        if number in old and number in new:
            yield from _fields(old[number], new[number], frozenset(), **told)
        else:
            yield _told(name, _words(old.get(number)), _words(new.get(number)), **told)


def _fields(before: Row, after: Row, untold: frozenset[str], **told: int) -> Iterator[Row]:
    for name in sorted((before.keys() | after.keys()) - untold):
        if before.get(name) != after.get(name):
            yield _told(name, before.get(name, ""), after.get(name, ""), **told)


def _told(field: str, old: Any, new: Any, **told: int) -> Row:
    return {"field_name": field, "old_value": str(old), "new_value": str(new), **told}


def _words(row: Mapping[str, Any] | None) -> str:
    """A source or a proration row in few words."""
    if row is None:
        return ""
    if "date" in row:
        return f"{row['quantity']} from {row['date'][:10]}"
    return row["licence_name"] or row["type_name"] or f"licence {row['licence_id']}"


def _by_id(rows: list[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows}
