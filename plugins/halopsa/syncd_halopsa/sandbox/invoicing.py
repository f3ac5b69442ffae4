"""Makes invoices from recurring ones, with quantities counted as HaloPSA counts them.

Each source of a line counts `max(minimum, sum - free)`; several sources add up. A line without a
source keeps its own quantity. Changes within a period are not prorated here.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd_halopsa.sandbox.fields import kept
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.seed import next_month
from syncd_halopsa.sandbox.state import Row, State

ASSETS_COUNTED = 2
"""What a line that counts assets finds, since the simulator holds no assets."""


def processed(state: State, body: Any) -> list[Row]:
    """One invoice for each id of a recurring invoice.

    Raises:
        Refusal: 400 for anything but an array of ids, 404 for an unknown one.
    """
    if not isinstance(body, list) or not all(type(one) is int for one in body):
        raise Refusal(400, "Cannot deserialize the current JSON value: an array of ids is required")
    return [_invoice(state, state.row("recurringinvoice", one)) for one in body]


def quantity_of(state: State, line: Row) -> Decimal:
    """How many a line bills now."""
    linked = [
        _counted(source, _licence_count(state, source["licence_id"]))
        for source in [*line["quantity_subscriptions"], *line["quantity_licences"]]
    ]
    assets = [
        _counted(source, ASSETS_COUNTED)
        for source in [*line["quantity_assets"], *line["quantity_users"]]
    ]
    if not linked and not assets:
        return Decimal(line["qty_order"])
    return Decimal(sum([*linked, *assets]))


def price_of(state: State, line: Row) -> Decimal:
    """What one unit costs: the linked subscription's price where the line takes it from there."""
    for source in line["quantity_subscriptions"]:
        licence = state.licences.get(source["licence_id"])
        if source["use_linked_subscription_price"] and licence is not None:
            return Decimal(licence["price"])
    return Decimal(line["unit_price"])


def _counted(source: Row, count: int) -> int:
    return max(int(source["minimum_qty"]), count - int(source["qty_free"]))


def _licence_count(state: State, number: int) -> int:
    licence = state.licences.get(number)
    return int(licence["count"]) if licence is not None and licence["is_active"] else 0


def _invoice(state: State, header: Row) -> Row:
    if header["disabled"]:
        raise Refusal(400, f"Recurring invoice {header['id']} is disabled")
    lines = []
    for line in header["lines"]:
        if line["isinactive"]:
            continue
        quantity, price = quantity_of(state, line), price_of(state, line)
        lines.append(
            {
                "id": line["id"] * 1000 + len(state.tables["invoice"]),
                "recurring_invoice_line_id": line["id"],
                "item_shortdescription": line["item_shortdescription"],
                "qty_order": quantity,
                "unit_price": price,
                "net_amount": kept(quantity * price),
            }
        )
    number = 1042 + len(state.tables["invoice"])
    invoice = {
        "id": number,
        "client_id": header["client_id"],
        "recurring_invoice_id": header["id"],
        "invoice_date": state.world.now().strftime("%Y-%m-%dT%H:%M:%S"),
        "total": kept(sum((one["net_amount"] for one in lines), Decimal(0))),
        "posted": False,
        "lines": lines,
    }
    state.tables["invoice"][number] = invoice
    due = datetime.fromisoformat(header["nextcreationdate"])
    header["lastcreated"] = invoice["invoice_date"]
    header["nextcreationdate"] = next_month(due).strftime("%Y-%m-%dT00:00:00")
    return invoice
