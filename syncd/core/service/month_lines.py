"""Bases of bills as the lines of a month: just as much of the JSON as the page of a month needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from syncd.core.billing.arithmetic import ZERO, total
from syncd.core.billing.choices import Mode
from syncd.core.billing.month_difference import LineMonth, ProductMonth

CORRECTION: Final = "/correction/"


class _Product(msgspec.Struct, frozen=True):
    key: str
    method: str
    raw: Decimal
    billed: Decimal
    price: Decimal
    unit_price: Decimal | None
    rule: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct, frozen=True):
    key: str
    mode: str
    total_price: Decimal | None
    products: tuple[_Product, ...]
    billed_by: str | None = None


class _Snapshot(msgspec.Struct, frozen=True):
    taken_at: datetime


class _Bill(msgspec.Struct, frozen=True):
    client: str
    snapshot: _Snapshot | None = None


class _SentBasis(msgspec.Struct, frozen=True):
    bill: _Bill
    line: _Line


class _PlannedBasis(msgspec.Struct, frozen=True):
    client: str
    snapshot: _Snapshot | None = None
    lines: tuple[_Line, ...] = ()


_SENT = msgspec.json.Decoder(_SentBasis)
_PLANNED = msgspec.json.Decoder(_PlannedBasis)


@dataclass(frozen=True, slots=True)
class MonthLine:
    """One line for the page.

    Attributes:
        figures: its money and products.
        linked: a recurring line of the PSA bills it, as far as it was read.
    """

    figures: LineMonth
    linked: bool


@dataclass(frozen=True, slots=True)
class PlannedMonth:
    """A bill that is planned and not sent.

    Attributes:
        client: PSA client id, empty without a link.
        lines: as they would be.
    """

    client: str
    lines: tuple[MonthLine, ...]


def sent_line(basis: str) -> MonthLine | None:
    """A line of a sent bill; None for one that only adds what rounding left over."""
    return _line(_SENT.decode(basis).line)


def planned_bill(basis: str) -> PlannedMonth:
    decoded = _PLANNED.decode(basis)
    lines = (_line(line) for line in decoded.lines)
    return PlannedMonth(decoded.client, tuple(line for line in lines if line is not None))


def known_money(lines: Iterable[MonthLine]) -> Decimal:
    """The money of lines that have one of ours."""
    return total(line.figures.price or ZERO for line in lines)


def _line(line: _Line) -> MonthLine | None:
    correction = CORRECTION in line.key
    if line.mode == Mode.ADJUSTMENT and not correction:
        return None
    figures = LineMonth(
        price=line.total_price,
        correction=correction,
        products={
            item.key: ProductMonth(
                raw=item.raw,
                billed=item.billed,
                unit_price=item.unit_price,
                price=item.price,
                rule=f"{item.method} {bytes(item.rule).decode()}",
            )
            for item in line.products
        },
    )
    return MonthLine(figures, line.billed_by is not None)
