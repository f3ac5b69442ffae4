"""Which records and recurring lines of the PSA bill today what a line of ours would bill.

Our own record is known by the books; any other is matched as adoption would propose it, so that a
comparison and a proposal never contradict each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.core.billing.adoption import OpenLine, propose_adoptions
from syncd.core.billing.arithmetic import product, rounded
from syncd.core.billing.drift import plain_name
from syncd.core.billing.plan_input import Style
from syncd.core.billing.wiring import title_of, wire
from syncd.sdk.period import Period
from syncd.sdk.records import RecurringLine, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """Something that the PSA bills, or would if a recurring line counted it.

    Attributes:
        key: id of the record, or of the recurring line that counts no record.
        name: for people.
        units: as the PSA has them.
        unit_price: None where it is not known.
        money: units times that, None likewise.
        billed_by: the active recurring line that bills it, for people; None for a record that none
            counts.
        ours: our books name the record.
    """

    key: str
    name: str
    units: Decimal
    unit_price: Decimal | None
    money: Decimal | None
    billed_by: str | None
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """What the PSA bills a client today.

    Attributes:
        by_line: key of our line -> what bills the same thing; absent where nothing does.
        alone: of a kind that we count, and on no line of ours.
        other: everything else, which is no business of ours.
    """

    by_line: Mapping[str, Sequence[Billed]] = field(default_factory=dict)
    alone: Sequence[Billed] = ()
    other: Sequence[Billed] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What we count anywhere, to tell what is our business.

    Attributes:
        asset_types: PSA ids of asset types that our products have.
        names: of products and lines, as `plain_name` gives them.
    """

    asset_types: Collection[str]
    names: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One client of the comparison.

    Attributes:
        lines: ours; keys are unique.
        remotes: PSA id of a record of ours -> key of its line; a bill that cannot be computed has
            all its records under one key of no line.
        records: of the client in the PSA.
        recurring: likewise.
        ours: PSA ids of all records that our books name.
    """

    lines: Sequence[OpenLine]
    remotes: Mapping[str, str]
    records: Sequence[Subscription]
    recurring: Sequence[RecurringLine]
    ours: Collection[str]


def match(sheet: Sheet, *, known: Known, style: Style, period: Period, scale: int) -> Matches:
    """Match one client.

    Args:
        sheet: the client.
        known: what is our business.
        style: of our records.
        period: the month compared.
        scale: decimals of money.
    """
    first = period.first_day.isoformat()
    live = {
        one.key: one
        for one in sorted(sheet.records, key=lambda one: one.key)
        if one.active and not (one.end is not None and one.end < first)
    }
    plain = [one for one in sheet.recurring if one.active and not one.subscriptions]
    taken = {remote: key for remote, key in sheet.remotes.items() if remote in live}
    for key, records in _proposed(sheet, style, period):
        taken.update({one: key for one in records if one in live and one not in taken})
    left = [one for key, one in live.items() if key not in taken and one.key not in sheet.ours]
    alike = {one.key: _looks_like(one, sheet.lines) for one in left}
    taken.update({record: key for record, key in alike.items() if key is not None})
    found: dict[str, list[Billed]] = {}
    alone: list[Billed] = []
    other: list[Billed] = []
    for record in live.values():
        billed = _of_record(record, sheet, scale)
        if record.key in taken:
            found.setdefault(taken[record.key], []).append(billed)
        elif billed.ours or record.asset_type in known.asset_types or _is(record.name, known):
            alone.append(billed)
        else:
            other.append(billed)
    for line in plain:
        billed = _of_line(line, scale)
        named = _called(line.name, sheet.lines)
        if named is not None:
            found.setdefault(named, []).append(billed)
        else:
            (alone if _is(line.name, known) else other).append(billed)
    return Matches(by_line=found, alone=alone, other=other)


def _proposed(sheet: Sheet, style: Style, period: Period) -> Iterator[tuple[str, Sequence[str]]]:
    """What adoption would give to lines without a record; all that fit where it cannot choose."""
    written = {*sheet.remotes.values()}
    bare = [line for line in sheet.lines if line.key not in written]
    for one in propose_adoptions(bare, sheet.records, ours=sheet.ours, style=style, period=period):
        chosen = (one.record,) if one.record is not None else one.rivals
        yield one.line.key, [record.key for record in chosen]


def _looks_like(record: Subscription, lines: Sequence[OpenLine]) -> str | None:
    """The only line with the record's name or asset type; a second record of one thing counts."""
    named = _called(record.name, lines)
    if named is not None or record.asset_type is None:
        return named
    same = [line.key for line in lines if line.asset_type == record.asset_type]
    return same[0] if len(same) == 1 else None


def _called(name: str, lines: Sequence[OpenLine]) -> str | None:
    wanted = plain_name(name)
    found = [
        line.key
        for line in lines
        if wanted and wanted in {plain_name(one) for one in (line.name, *line.names)}
    ]
    return found[0] if len(found) == 1 else None


def _is(name: str, known: Known) -> bool:
    return plain_name(name) in known.names


def _of_record(record: Subscription, sheet: Sheet, scale: int) -> Billed:
    wiring = wire(record, sheet.recurring)
    bills = wiring.line is not None and wiring.line.active
    price = wiring.unit_price if bills else record.unit_price
    return Billed(
        key=record.key,
        name=record.name,
        units=Decimal(record.quantity),
        unit_price=price,
        money=_worth(Decimal(record.quantity), price, scale),
        billed_by=wiring.title if bills else None,
        ours=record.key in sheet.ours,
    )


def _of_line(line: RecurringLine, scale: int) -> Billed:
    return Billed(
        key=line.key,
        name=line.name,
        units=line.quantity,
        unit_price=line.unit_price,
        money=_worth(line.quantity, line.unit_price, scale),
        billed_by=title_of(line),
    )


def _worth(units: Decimal, price: Decimal | None, scale: int) -> Decimal | None:
    if not units:
        return Decimal(0)
    return None if price is None else rounded(product(price, units), scale)
