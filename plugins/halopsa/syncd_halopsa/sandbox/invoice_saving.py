"""POST of finished invoices, of their payments and of links to other systems.

An invoice is merged on its header and `lines` is the full set of its lines, as with recurring ones.
Every change moves `last_modified` and `change_seq`; what is posted may be locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

from syncd_halopsa.sandbox.fields import ZERO_DATE, kept, taken
from syncd_halopsa.sandbox.invoice_fields import INVOICE, INVOICES, LINE, LINK, OWN, PAYMENT
from syncd_halopsa.sandbox.invoices import counted_changes, currency_shown, taxed, totalled
from syncd_halopsa.sandbox.recurring_fields import blank
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.saving import in_turn
from syncd_halopsa.sandbox.state import Row, State

MOVED = "This invoice has been changed by another user since it was opened"
LOCKED = "Posted invoices cannot be edited"
NO_OBJECT = "Cannot deserialize the current JSON value to an object"


def saved_invoices(state: State, body: Any) -> list[Row]:
    """The invoices saved, in the order of the elements.

    Raises:
        Refusal: 400 or 404; what was saved before it depends on the option `partial_failure`.
    """
    return in_turn(state, body, _checked, lambda state, row: stored(state, *row))


def stored(state: State, row: Row, link: Row | None = None) -> Row:
    """Keep an invoice as it is now, with new totals, a new stamp and perhaps a new link."""
    table = state.tables["invoice"]
    before = table.get(row["id"])
    if before is None:
        row["id"] = row["id"] or state.new_id("invoice")
        row["invoicenumber"] = row["invoicenumber"] or f"INV-{row['id']}"
        row["date_created"] = state.stamp()
    for line in row["lines"]:
        line["ihid"] = row["id"]
    totalled(row)
    if link is not None:
        add_link(state, {**link, "table_id": INVOICES, "halo_id": row["id"]})
    if row != before or link is not None:
        row["last_modified"] = state.stamp()
        row.update(counted_changes(state, (before or {}).get("change_seq", 0) + 1))
    table[row["id"]] = row
    return row


def add_link(state: State, link: Row) -> Row:
    """A row of ExternalLink."""
    row = {**LINK, **link, "id": state.new_id("externallink")}
    state.tables["externallink"][row["id"]] = row
    return row


def links_of(state: State, number: int) -> list[Row]:
    """Links of an invoice to other systems."""
    return [
        row
        for row in state.tables["externallink"].values()
        if row["table_id"] == INVOICES and row["halo_id"] == number
    ]


def saved_links(state: State, body: Any) -> list[Row]:
    """Links saved; an element without an id is a new one."""

    def check(state: State, element: Any) -> Row:
        row = _fields(state, LINK, element)
        if row.get("table_id") == INVOICES:
            state.row("invoice", row.get("halo_id", 0))
        return row

    return in_turn(state, body, check, add_link)


def saved_payments(state: State, body: Any) -> list[Row]:
    """Payments saved; each settles its invoice by so much."""

    def check(state: State, element: Any) -> Row:
        row = {**PAYMENT, **_fields(state, PAYMENT, element)}
        if row["id"]:
            raise Refusal(400, "A payment cannot be changed")
        invoice = state.row("invoice", row["invoice_id"])
        if invoice["voided"]:
            raise Refusal(400, "The invoice is voided")
        if not row["amount"]:
            raise Refusal(400, "An amount must be entered for this payment")
        return row

    return in_turn(state, body, check, paid)


def paid(state: State, payment: Row) -> Row:
    """Keep a payment and settle its invoice by it; paying moves `last_modified`."""
    invoice = deepcopy(state.row("invoice", payment["invoice_id"]))
    row = {
        **PAYMENT,
        **payment,
        "id": state.new_id("invoicepayment"),
        "client_id": invoice["client_id"],
        "invoice_invoicenumber": invoice["invoicenumber"],
    }
    state.tables["invoicepayment"][row["id"]] = row
    _settled(state, invoice, row["amount"])
    return row


def unpaid(state: State, number: int) -> None:
    """Remove a payment for good."""
    row = state.row("invoicepayment", number)
    del state.tables["invoicepayment"][number]
    _settled(state, deepcopy(state.row("invoice", row["invoice_id"])), -row["amount"])


def _settled(state: State, invoice: Row, amount: Decimal) -> None:
    invoice["amountpaid"] = kept(invoice["amountpaid"] + amount)
    whole = invoice["amountpaid"] >= invoice["total"]
    invoice["paymentstatus"] = 1 if whole else 0
    invoice["datepaid"] = state.stamp() if whole else ZERO_DATE
    stored(state, invoice)


def _checked(state: State, element: Any) -> tuple[Row, Row | None]:
    """The invoice as it will be, and the link that comes with it; nothing is stored yet."""
    if not isinstance(element, dict):
        raise Refusal(400, NO_OBJECT)
    number: int = taken("id", element.get("id"), state.options, INVOICE)
    current = state.row("invoice", number) if number else blank(INVOICE)
    _guard(state, current, element)
    row = {**deepcopy(current), **_fields(state, INVOICE, element), "id": number}
    if row["client_id"] not in state.tables["client"]:
        raise Refusal(400, f"Client {row['client_id']} does not exist")
    if element.get("lines") is not None:
        row["lines"] = _lines(state, current["lines"], element["lines"])
    link = element.get("new_external_link")
    return currency_shown(state, row), None if link is None else _fields(state, LINK, link)


def _guard(state: State, current: Row, element: Mapping[str, Any]) -> None:
    """Refuse a save that rests on an older state, or that edits what is posted."""
    known = current.get("change_seq")
    checked = state.options.change_seq == "checked" and current["id"]
    if checked and not element.get("ignore_change_seq") and element.get("last_change_seq") != known:
        raise Refusal(400, MOVED)
    if state.options.posted_locked and current["posted"]:
        raise Refusal(400, LOCKED)


def _lines(state: State, current: list[Row], posted: Any) -> list[Row]:
    """The set of lines after a save."""
    if not isinstance(posted, list):
        raise Refusal(400, "Cannot deserialize the current JSON object. Path '[0].lines'")
    by_id = {row["id"]: row for row in current}
    merging = state.options.recurring_lines == "merge"
    lines, seen = [], set()
    for element in posted:
        fields = _fields(state, LINE, element)
        number = fields.get("id", 0)
        if number and (number not in by_id or number in seen):
            raise Refusal(400, f"Line {number} does not belong to this invoice")
        seen.add(number)
        kept_line = by_id.get(number, LINE) if merging else LINE
        line = {**kept_line, **fields}
        lines.append(taxed(state, line, net_of(line)))
    if merging:
        lines = [deepcopy(row) for row in current if row["id"] not in seen] + lines
    return lines


def net_of(line: Row) -> Decimal:
    """Quantity x price less discount, unrounded."""
    whole: Decimal = Decimal(line["qty_order"]) * line["unit_price"]
    net: Decimal = whole * (100 - line["discount_perc"]) / 100
    return net


def _fields(state: State, schema: Row, element: Any) -> Row:
    """The fields that an element carries, as they are stored; directives are not fields."""
    if not isinstance(element, dict):
        raise Refusal(400, NO_OBJECT)
    return {
        name: taken(name, value, state.options, schema)
        for name, value in element.items()
        if name in schema and name not in OWN and name != "lines"
    }
