"""How many a recurring line bills now, and at which price, as HaloPSA counts them.

Each source counts `max(minimum, count - free)` and several sources add up; a line without a source
keeps its own quantity.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from syncd_halopsa.sandbox.recurring_fields import SOURCES
from syncd_halopsa.sandbox.state import Row, State


def quantity_of(state: State, client: int, line: Row) -> Decimal:
    """How many a line of a client's recurring invoice bills now."""
    if not is_counted(line):
        return Decimal(line["qty_order"])
    return Decimal(
        sum(
            billed(source, counted(state, client, kind, source))
            for kind in SOURCES
            for source in line[kind]
        )
    )


def is_counted(line: Row) -> bool:
    """Whether the quantity comes from sources rather than from what somebody typed."""
    return any(line[kind] for kind in SOURCES)


def billed(source: Row, count: int) -> int:
    """What a source contributes when it counts so many."""
    return max(int(source["minimum_qty"]), count - int(source["qty_free"]), 0)


def counted(state: State, client: int, kind: str, source: Row) -> int:
    """How many there are of what a source counts."""
    if kind == "quantity_assets":
        return sum(_is_of(row, source, "assettype_id") for row in _present(state, "asset", client))
    if kind == "quantity_users":
        return sum(_is_of(row, source, "") for row in _present(state, "users", client))
    return sum(seats(one) for one in linked(state, client, source))


def linked(state: State, client: int, source: Row) -> list[Row]:
    """The subscriptions that a source names, inactive ones included."""
    if state.options.linked_by == "id":
        found = state.licences.get(source["licence_id"])
        return [] if found is None else [found]
    return [
        row
        for row in state.licences.values()
        if row["client_id"] == client and is_named(state, source, row)
    ]


def is_named(state: State, source: Row, licence: Row) -> bool:
    """Whether a source names a subscription, in the way that the option `linked_by` says."""
    if state.options.linked_by == "id":
        return bool(source["licence_id"] == licence["id"])
    known = state.licences.get(source["licence_id"])
    name = source["licence_name"] or (known["name"] if known else "")
    return bool(name) and name == licence["name"]


def seats(licence: Row) -> int:
    """What a subscription counts; an inactive one counts nothing."""
    return int(licence["count"]) if is_active(licence) else 0


def is_active(licence: Row) -> bool:
    return bool(licence["is_active"]) and not licence["deleted"]


def is_billed(state: State, client: int, line: Row) -> bool:
    """Whether the line comes onto an invoice at all."""
    if line["isinactive"]:
        return False
    if not state.options.lines_follow_subscription:
        return True
    found = [
        one for source in line["quantity_subscriptions"] for one in linked(state, client, source)
    ]
    return not found or any(is_active(one) for one in found)


def price_of(state: State, client: int, line: Row) -> Decimal:
    """What one unit costs: the linked subscription's price where the line takes it from there."""
    found = _of_subscription(state, client, line, "use_linked_subscription_price", "price")
    price = Decimal(line["unit_price"]) if found is None else found
    return price * (100 - Decimal(line["discount_perc"])) / 100


def cost_of(state: State, client: int, line: Row) -> Decimal:
    """What one unit costs the MSP."""
    found = _of_subscription(state, client, line, "use_linked_subscription_cost", "purchase_price")
    return Decimal(line["unit_cost"]) if found is None else found


def _of_subscription(
    state: State, client: int, line: Row, switch: str, column: str
) -> Decimal | None:
    for source in line["quantity_subscriptions"]:
        if source[switch]:
            for licence in linked(state, client, source):
                return Decimal(licence[column])
    return None


def _present(state: State, table: str, client: int) -> Iterable[Row]:
    return (
        row
        for row in state.tables[table].values()
        if row["client_id"] == client and not row.get("inactive")
    )


def _is_of(row: Row, source: Row, type_column: str) -> bool:
    """Whether an asset or a user is what a source counts; 0 and -1 mean any."""
    of_type = not type_column or source["type_id"] in {0, -1, row[type_column]}
    return of_type and source["site_id"] in {0, -1, row["site_id"]}
