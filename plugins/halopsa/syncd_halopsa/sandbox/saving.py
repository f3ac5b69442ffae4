"""POST of subscriptions: an array of elements, each an update when it names an id, else a create.

An update merges: what an element leaves out stays. Each real change of a field is recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from syncd_halopsa.sandbox.fields import LICENCE, taken
from syncd_halopsa.sandbox.proration import licence_changed
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.state import AGENT, Row, State

Checked = TypeVar("Checked")


def saved(state: State, body: Any) -> list[Row]:
    """The subscriptions saved, in the order of the elements.

    Raises:
        Refusal: 400 or 404; what was saved before it depends on the option `partial_failure`.
    """
    return in_turn(state, body, _checked, _merged)


def in_turn(
    state: State,
    body: Any,
    check: Callable[[State, Any], Checked],
    store: Callable[[State, Checked], Row],
) -> list[Row]:
    """Check and store one element after the other, as the option `partial_failure` says.

    Raises:
        Refusal: 400 or 404, of the element that stopped it.
    """
    if not isinstance(body, list) or not body:
        raise Refusal(400, "Cannot deserialize the current JSON object: the type requires an array")
    mode = state.options.partial_failure
    if mode == "atomic":
        for element in body:
            check(state, element)
    rows = []
    for element in body:
        try:
            checked = check(state, element)
        except Refusal:
            if mode == "skip" and len(body) > 1:
                continue
            raise
        rows.append(store(state, checked))
    return rows


def _checked(state: State, element: Any) -> tuple[int, Row]:
    """Id (0 for a create) and the values as they are stored."""
    if not isinstance(element, dict):
        raise Refusal(400, "Cannot deserialize the current JSON value to an object")
    fields = {
        name: taken(name, value, state.options)
        for name, value in element.items()
        if name in LICENCE and name != "id"
    }
    number: int = taken("id", element.get("id"), state.options)
    current = state.row("softwarelicence", number) if number else LICENCE
    merged = {**current, **fields}
    if not merged["name"].strip():
        raise Refusal(400, "A name must be entered for this licence")
    if merged["client_id"] not in state.tables["client"]:
        raise Refusal(400, f"Client {merged['client_id']} does not exist")
    if merged["site_id"] > 0:
        site = state.tables["site"].get(merged["site_id"])
        if site is None or site["client_id"] != merged["client_id"]:
            raise Refusal(400, f"Site {merged['site_id']} does not belong to the client")
    if merged["supplier_id"] > 0 and merged["supplier_id"] not in state.tables["supplier"]:
        raise Refusal(400, f"Supplier {merged['supplier_id']} does not exist")
    return number, fields


def _merged(state: State, checked: tuple[int, Row]) -> Row:
    number, fields = checked
    if not number:
        row = {**LICENCE, "customfields": [], **fields, "id": state.new_licence_id()}
        state.licences[row["id"]] = row
        return row
    row = state.licences[number]
    before = dict(row)
    for name, value in fields.items():
        if name == "customfields":
            by_name = {one.get("name"): one for one in [*row[name], *value]}
            value = list(by_name.values())
        if row[name] != value:
            state.record_change(number, name, row[name], value, AGENT)
            row[name] = value
    licence_changed(state, before, row)
    return row
