"""Accepted differences of a month that was billed, as lines of their own in the next bill. Pure.

A correction is never part of a counted quantity: its record shows one unit at the signed
difference in the bill that carries it, and nothing in the one after.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from syncd.core.billing.arithmetic import ZERO, total
from syncd.core.billing.model import BillInput, Line, Mode
from syncd.core.billing.modes import CREATE, UPDATE, supplier_of, zero_line

CORRECTION: Final = "correction"
_MARK: Final = f"/{CORRECTION}/"


class CorrectionDue(msgspec.Struct, frozen=True, kw_only=True):
    """A difference that a person accepted and that no other bill carries.

    Attributes:
        id: row id of the correction.
        period: the month that is corrected, `YYYY-MM`.
        line_key: line of that month's bill.
        name: of that line, for people.
        price: signed, None where the price is not ours.
        cost: likewise.
    """

    id: int
    period: str
    line_key: str
    name: str
    price: Decimal | None
    cost: Decimal | None


def correction_key(line_key: str, period: str) -> str:
    """Key of the line that corrects a line of an earlier month."""
    return f"{line_key}{_MARK}{period}"


def is_correction(line_key: str) -> bool:
    return _MARK in line_key


def corrected(line_key: str) -> tuple[str, str]:
    """The line and the month that a correction's line corrects."""
    base, _, period = line_key.partition(_MARK)
    return base, period


def correction_lines(data: BillInput) -> tuple[Line, ...]:
    """A line for each line and month that is corrected, and zero for what was corrected before.

    Differences that come to nothing make no line.
    """
    due: dict[str, list[CorrectionDue]] = {}
    for one in data.corrections:
        due.setdefault(correction_key(one.line_key, one.period), []).append(one)
    lines: list[Line] = []
    for key in sorted({*due, *(key for key in data.existing if is_correction(key))}):
        price, cost = _sum(due.get(key, ()))
        if price or cost:
            lines.append(_line(key, due[key], price, cost, data))
        elif key in data.existing:
            lines.append(zero_line(key, Mode.ADJUSTMENT, data))
    return tuple(lines)


def _line(
    key: str,
    due: Sequence[CorrectionDue],
    price: Decimal | None,
    cost: Decimal | None,
    data: BillInput,
) -> Line:
    base, period = corrected(key)
    configuration, _, asset_type = base.partition("/")
    known = next((one for one in data.configurations if one.id == configuration), None)
    return Line(
        key=key,
        configuration=known.id if known is not None else None,
        name=f"Correction {period}: {due[-1].name}",
        asset_type=asset_type,
        mode=Mode.ADJUSTMENT,
        quantity=1,
        unit_cost=cost,
        unit_price=price,
        total_cost=cost,
        total_price=price,
        residual_cost=ZERO,
        residual_price=ZERO,
        supplier=supplier_of(data, known),
        action=UPDATE if key in data.existing else CREATE,
        units=1,
    )


def _sum(due: Iterable[CorrectionDue]) -> tuple[Decimal | None, Decimal | None]:
    """Price and cost; one that is unknown once is not ours to send."""
    found = list(due)
    return _known([one.price for one in found]), _known([one.cost for one in found])


def _known(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [one for one in amounts if one is not None]
    return total(known) if known and len(known) == len(amounts) else None
