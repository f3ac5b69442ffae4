"""What years of work by hand left behind: subscriptions without our key, and lines that bill them.

Each chosen client has "Workstations", whose count is a little off, "Servers" where it has any, on a
line with a typed quantity, and "Managed backup". The first of them also has "Network devices" that
a distributor writes and inactive "Mobile devices". The same seed gives the same records.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from syncd.sdk.sandbox import World, WorldClient
from syncd_halopsa.sandbox import CLIENT_OFFSET, seed
from syncd_halopsa.sandbox.fields import kept
from syncd_halopsa.sandbox.periods import moved, written

Row = dict[str, Any]

TAX = "1"
_FIRST_LINE = 3
"""Lines up to here are those that every client has."""

_COUNTED_AS = {
    "workstation": "workstations",
    "laptop": "workstations",
    "mac": "workstations",
    "server": "servers",
    "linux_server": "servers",
    "switch": "network",
    "firewall": "network",
    "printer": "network",
    "phone_ios": "mobile",
    "phone_android": "mobile",
}


def chosen(wanted: int | Sequence[int], clients: Sequence[WorldClient]) -> tuple[int, ...]:
    """HaloPSA's ids of the clients that have a history, the first of them first.

    Args:
        wanted: the option `history`.
        clients: of the world.
    """
    if isinstance(wanted, int):
        present = [one for one in clients if not one.internal]
        return tuple(CLIENT_OFFSET + one.id for one in present[:wanted])
    return tuple(wanted)


def grown(
    world: World, one: WorldClient, header: Row, new_id: Callable[[], int], *, first: bool
) -> list[Row]:
    """A client's subscriptions; their lines go onto its recurring invoice.

    Args:
        world: whose devices the counts are near to.
        one: the client.
        header: its recurring invoice.
        new_id: gives the id of a subscription.
        first: whether it is the one with a distributor's and an inactive subscription.
    """
    book = _Book(world, one, header, new_id)
    dice, real = book.dice, book.real
    stations = max(1, real["workstations"] + dice.choice((-2, -1, 1, 2)))
    book.linked(
        "Workstations",
        stations,
        price=dice.choice(("6.00", "6.50", "7.25")),
        cost="2.40",
        pro_rata=dice.choice((0, 0, 1)),
        linked_price=True,
    )
    if real["servers"]:
        book.typed("Servers", real["servers"], real["servers"] + 1, price="27.50", cost="9.00")
    book.linked(
        "Managed backup",
        real["servers"] + dice.randint(2, 5),
        price="12.00",
        cost="4.75",
        qty_free=dice.choice((0, 1)),
    )
    if first:
        book.linked(
            "Network devices",
            max(1, real["network"]),
            price="3.25",
            cost="1.10",
            linked_price=True,
            subscription={
                "distributor": "Pax8",
                "tenant_id": "0b6f3a52-5555-4666-8777-999900001111",
                "tenant_name": one.name,
                "azure_connection_id": 3,
                "vendor_product_sku": "NET-MON-1",
            },
        )
        book.linked(
            "Mobile devices",
            max(1, real["mobile"]),
            price="2.00",
            cost="0.70",
            subscription={"is_active": False, "status": "Cancelled"},
        )
    book.close(world.now())
    return book.licences


class _Book:
    """A client's subscriptions and its recurring invoice while they are written."""

    def __init__(
        self, world: World, one: WorldClient, header: Row, new_id: Callable[[], int]
    ) -> None:
        self.licences: list[Row] = []
        # Not for secrets: the same seed must give the same records.
        self.dice = random.Random(f"{world.seed}/{one.id}")  # noqa: S311
        self.real: Counter[str] = Counter(
            _COUNTED_AS[device.kind]
            for device in world.devices()
            if device.client == one.id and device.state == "approved" and device.kind in _COUNTED_AS
        )
        self._client = CLIENT_OFFSET + one.id
        self._header = header
        self._new_id = new_id
        self._line = seed.LINE_OFFSET + one.id * 10 + _FIRST_LINE
        self._since = written(moved(world.now().date().replace(day=1), -14))

    def linked(
        self,
        name: str,
        count: int,
        *,
        price: str,
        cost: str,
        linked_price: bool = False,
        pro_rata: int = 0,
        qty_free: int = 0,
        subscription: Row | None = None,
    ) -> None:
        """A subscription, and a line that counts it."""
        row = self._licence(name, count, price, cost, subscription or {})
        source = seed.source(self._line, row["id"], pro_rata=pro_rata, linked_price=linked_price)
        source["qty_free"] = qty_free
        last = max(0, count - qty_free) if row["is_active"] else 0
        self._bill(name, last, price, cost, quantity_subscriptions=[source])

    def typed(self, name: str, count: int, quantity: int, *, price: str, cost: str) -> None:
        """A subscription, and a line of which somebody typed the quantity."""
        self._licence(name, count, price, cost, {})
        self._bill(name, quantity, price, cost)

    def close(self, now: datetime) -> None:
        """The recurring invoice made its last invoice on the first of this month."""
        header, total = self._header, Decimal(0)
        for line in header["lines"]:
            line["tax_code"] = TAX
            if line["last_invoiced_net_amount"] is None and not line["quantity_subscriptions"]:
                line["last_invoiced_net_amount"] = kept(line["qty_order"] * line["unit_price"])
            total += line["last_invoiced_net_amount"] or 0
        header["last_invoiced_revenue"] = kept(total)
        header["startdate"] = self._since
        header["lastcreated"] = now.strftime("%Y-%m-01T06:00:00")

    def _licence(self, name: str, count: int, price: str, cost: str, more: Row) -> Row:
        row = seed.licence(
            self._new_id(),
            self._client,
            name,
            **{
                "count": count,
                "price": Decimal(price),
                "purchase_price": Decimal(cost),
                "start_date": self._since,
                "term_duration": "Monthly",
                **more,
            },
        )
        self.licences.append(row)
        return row

    def _bill(self, name: str, quantity: int, price: str, cost: str, **more: Any) -> None:
        amount = Decimal(price)
        self._header["lines"].append(
            seed.line(
                self._line,
                self._header["id"],
                name,
                quantity=quantity,
                price=amount,
                unit_cost=Decimal(cost),
                last_invoiced_net_amount=kept(quantity * amount),
                **more,
            )
        )
        self._line += 1
