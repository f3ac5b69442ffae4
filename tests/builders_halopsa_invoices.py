"""One client of the simulated HaloPSA with an empty recurring invoice that is due on 1 December."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from syncd.sandbox.presets import small
from syncd.sandbox.world import SimulatedWorld
from tests.builders_halopsa_calls import Caller, calling

CLIENT, RECURRING = 1001, -11
PATH = f"/api/RecurringInvoice/{RECURRING}"
SAVE = "/api/RecurringInvoice"
PROCESS = "/api/RecurringInvoice/process"
START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def exact(content: bytes) -> Any:
    """JSON with every amount digit by digit."""
    return msgspec.json.Decoder(float_hook=Decimal).decode(content)


@dataclass
class Till:
    """The simulator, its clock, and the person who works there."""

    caller: Caller
    world: SimulatedWorld

    @property
    def hand(self) -> Any:
        return self.caller.sim.hand

    @property
    def state(self) -> Any:
        return self.caller.sim.state

    def on(self, month: int, day: int, year: int = 2026) -> None:
        """Set the clock to noon of a day."""
        self.world.clock.set(datetime(year, month, day, 12, 0, tzinfo=UTC))

    def sold(self, count: int, price: str = "3.00", *, name: str = "EDR", **link: Any) -> int:
        """A subscription that a line of its own counts; returns the subscription's id."""
        number: int = self.hand.add(CLIENT, name, count=count, price=Decimal(price))
        self.hand.link(number, **link)
        return number

    def typed(self, quantity: str, price: str, **fields: Any) -> int:
        """A line with a typed quantity; returns its id."""
        number: int = self.hand.add_line(
            CLIENT, "EDR", qty_order=Decimal(quantity), unit_price=Decimal(price), **fields
        )
        return number

    async def invoice(self) -> Any:
        """Make the client's invoice now and read it as a connector would."""
        made = await self.caller.post(PROCESS, [RECURRING])
        assert made.status_code == 201, made.text
        number = made.json()[0]["id"]
        return exact(
            (await self.caller.get(f"/api/Invoice/{number}", includedetails="true")).content
        )

    async def whole(self) -> Any:
        """The recurring invoice as it is read."""
        return exact((await self.caller.get(PATH)).content)

    async def changes(self, **filters: Any) -> list[tuple[str, str, str]]:
        """Field, old and new value of the recurring invoice's history."""
        rows = await self.caller.rows("/api/InvoiceChange", invoice_id=RECURRING, **filters)
        return [(row["field_name"], row["old_value"], row["new_value"]) for row in rows]


@asynccontextmanager
async def opened_till(**options: Any) -> AsyncIterator[Till]:
    world = small(start=START)
    async with calling(world, **{"extras": False, "default_tax": "", **options}) as caller:
        till = Till(caller, world)
        for line in list(till.state.tables["recurringinvoice"][RECURRING]["lines"]):
            till.hand.delete_line(line["id"])
        till.state.invoice_changes.clear()
        yield till


def lines(invoice: Any) -> list[tuple[Decimal, Decimal]]:
    """Quantity and net amount of each line."""
    return [(Decimal(one["qty_order"]), Decimal(one["net_amount"])) for one in invoice["lines"]]


def pairs(*rows: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(quantity), Decimal(net)) for quantity, net in rows]
