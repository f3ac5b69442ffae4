"""The partner's books on one day: who is a customer, what they bought, which invoices there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from syncd.sdk.sandbox import World, WorldClient
from syncd_csp.sandbox.charges import Charge, charges
from syncd_csp.sandbox.contracts import Contract, contracts
from syncd_csp.sandbox.names import tenant_id
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.seats import Seats
from syncd_csp.sandbox.spans import DAY, later, month_of
from syncd_csp.sandbox.subscription_rows import Row, Rows, before, shown

EIGHTH: Final = 7
"""Days after the first of the month on which invoices may come, from the 8th to the 10th."""

KEPT: Final = 13
"""Months whose invoices are listed."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """Microsoft's bill for a month.

    Attributes:
        number: as people read it.
        first: day of the month it is for.
        last: likewise.
        came: day on which it was sent.
    """

    number: str
    first: date
    last: date
    came: date

    @classmethod
    def of(cls, month: date) -> Invoice:
        first, last = month_of(month)
        count = first.year * 12 + first.month
        return cls(f"G{count * 4099 % 10**9:09d}", first, last, later(first, 1) + _delay(count))


@dataclass(slots=True)
class Books:
    """What Partner Center tells on one day.

    Attributes:
        world: whose clients they are.
        options: how it is told.
        day: today, UTC.
        seats: of every client.
        bought: all contracts of all times.
        edits: id of a subscription → fields that a test sets by hand, None to leave one out.
        replaced: id of a customer → rows instead of its own.
    """

    world: World
    options: Options
    edits: dict[str, Row] = field(default_factory=dict)
    replaced: dict[str, list[Row]] = field(default_factory=dict)
    day: date = date.min
    seats: Seats = field(init=False)
    bought: list[Contract] = field(default_factory=list)
    _totals: dict[str, Decimal] = field(default_factory=dict)

    def refresh(self) -> None:
        """Another day shows other facts."""
        today = self.world.now().date()
        if today != self.day:
            self.day = today
            self.seats = Seats(self.world)
            self.bought = contracts(self.world)
            self._totals.clear()

    def now(self) -> datetime:
        return self.world.now()

    def customers(self) -> list[WorldClient]:
        """Who is listed: all with a relation to the partner."""
        hidden = set(self.options.gdap_only)
        return [one for one in self.world.clients() if tenant_id(one.id) not in hidden]

    def client(self, customer: str) -> WorldClient | None:
        """Whose id it is, None where there is no commercial relation."""
        for one in self.customers():
            if tenant_id(one.id) == customer.lower():
                return one
        return None

    def subscriptions(self, customer: str) -> list[Row]:
        """Rows of a customer."""
        if customer in self.replaced:
            return self.replaced[customer]
        rows = Rows(self.options)
        made = []
        for one in self.bought:
            if one.customer == customer:
                seats = shown(one, self.day, before)
                if seats is not None:
                    made.append({**rows.row(one, self.day, seats), **self.edits.get(one.id, {})})
        return [{name: it for name, it in row.items() if it is not None} for row in made]

    def invoices(self) -> list[Invoice]:
        """What has come by today, newest first."""
        begun = min((one.starts for one in self.bought), default=self.day).replace(day=1)
        made = []
        for back in range(1, KEPT + 1):
            invoice = Invoice.of(later(self.day.replace(day=1), -back))
            if invoice.first >= begun and invoice.came <= self.day:
                made.append(invoice)
        return made

    def lines(self, first: date, last: date) -> Iterator[Charge]:
        """Charges of the days from the first to the last, none of them after today."""
        return charges(self.bought, first, min(last, self.day))

    def unbilled(self, period: str) -> tuple[date, date] | None:
        """Days of `current` or `last` that no invoice names yet, None where all were invoiced."""
        first, last = month_of(self.day)
        if period == "current":
            return first, last
        first, last = month_of(first - DAY)
        return None if Invoice.of(first).came <= self.day else (first, last)

    def total(self, invoice: Invoice) -> Decimal:
        """Sum of an invoice with its tax, counted once a day."""
        if invoice.number not in self._totals:
            lines = self.lines(invoice.first, invoice.last)
            self._totals[invoice.number] = sum((one.total for one in lines), Decimal(0))
        return self._totals[invoice.number]

    def currency(self, customer: str) -> str:
        return self.options.currencies.get(customer, self.options.currency)


def _delay(count: int) -> timedelta:
    return (EIGHTH + count % 3) * DAY


def as_rows(found: Sequence[Row], page: int, number: int) -> list[Row]:
    """Rows of a page, the first is number 0."""
    return list(found[number * page : (number + 1) * page])
