"""What the MSP is charged in a month: cycles, new terms, seats added and given back, usage.

A change of seats gives back the old number for the days that are left and charges the new one. A
price is rounded down to the cent before it is multiplied, as Microsoft's own rule has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Final

from syncd_csp.sandbox.catalogue import CENT
from syncd_csp.sandbox.contracts import Contract
from syncd_csp.sandbox.spans import DAY, days

TAX: Final = Decimal("0.21")
"""On every line, so that whoever takes the total for the cost is found out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One line of Microsoft's bill.

    Attributes:
        contract: what it is for.
        kind: in Microsoft's words.
        quantity: seats, negative where they are given back; money's worth for usage.
        unit: price of one, for the days of the charge.
        listed: price of one for a whole cycle.
        first: day that the charge is for.
        last: likewise.
    """

    contract: Contract
    kind: str
    quantity: Decimal
    unit: Decimal
    listed: Decimal
    first: date
    last: date

    @property
    def subtotal(self) -> Decimal:
        return (self.unit * self.quantity).quantize(CENT, ROUND_DOWN)

    @property
    def tax(self) -> Decimal:
        return (self.subtotal * TAX).quantize(CENT, ROUND_DOWN)

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.tax


def charges(bought: Iterable[Contract], first: date, last: date) -> Iterator[Charge]:
    """Lines of the days from the first to the last, contract by contract."""
    for one in bought:
        if one.held == "pending":
            continue
        if one.kind == "usage":
            yield from _used(one, first, last)
            continue
        for day in days(first, last):
            if one.running(day):
                yield from _on(one, day)
            elif one.final is None and one.running(day - DAY):
                yield from _given_back(one, day)


def _on(one: Contract, day: date) -> Iterator[Charge]:
    begins, ends = one.cycle_around(day)
    if day == begins or day == one.client.arrives:
        if seats := one.seats(day):
            yield _charge(one, _kind(one, day), seats, day, begins, ends)
        return
    former, seats = one.seats(day - DAY), one.seats(day)
    if former == seats:
        return
    kind = "addQuantity" if seats > former else "removeQuantity" if seats else "cancelImmediate"
    if former:
        yield _charge(one, kind, -former, day, begins, ends)
    if seats:
        yield _charge(one, kind if former else "new", seats, day, begins, ends)


def _kind(one: Contract, day: date) -> str:
    if day == one.starts or day == one.client.arrives:
        return "new"
    return "renew" if day == one.term_around(day)[0] else "cycleCharge"


def _given_back(one: Contract, day: date) -> Iterator[Charge]:
    """What is left of the cycle in which a client left."""
    begins, ends = one.cycle_around(day)
    if day != begins and (former := one.seats(day - DAY)):
        yield _charge(one, "cancelImmediate", -former, day, begins, ends)


def _charge(one: Contract, kind: str, seats: int, day: date, begins: date, ends: date) -> Charge:
    whole = one.sku.charge(one.term, one.cycle, extended=one.extended)
    left, length = (ends - day).days + 1, (ends - begins).days + 1
    unit = whole if day == begins else (whole * left / length).quantize(CENT, ROUND_DOWN)
    return Charge(
        contract=one,
        kind=kind,
        quantity=Decimal(seats),
        unit=unit,
        listed=whole,
        first=day,
        last=ends,
    )


def _used(one: Contract, first: date, last: date) -> Iterator[Charge]:
    """Usage by day, made up from the client's number; one line for all days."""
    here = [day for day in days(first, last) if one.running(day)]
    if here:
        # Four digits, as usage is told: only the sum of a line is in cents.
        worth = sum(
            (
                Decimal(10_000 + (one.client.id * 7919 + day.toordinal() * 31) % 9_973)
                for day in here
            ),
            start=Decimal(0),
        )
        yield Charge(
            contract=one,
            kind="usage",
            quantity=worth / 10_000,
            unit=Decimal(1),
            listed=Decimal(1),
            first=here[0],
            last=here[-1],
        )
