"""Lines whose group changed its asset type: the same record goes on where that is beyond doubt.

One old group that became one new group keeps its record; a group that was split, or several that
were merged, are a person's decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from syncd.core.billing.model import Line, Mode
from syncd.core.billing.modes import ROUNDING
from syncd.core.billing.plan_input import RecordState


def retyped(lines: Sequence[Line], records: Mapping[str, RecordState]) -> dict[str, str]:
    """New line key -> line key of the record that carries on, rounding lines included."""
    result: dict[str, str] = {}
    keys = {line.key for line in lines}
    for configuration in dict.fromkeys(configuration_of(line.key) for line in lines):
        own = [
            line
            for line in lines
            if configuration_of(line.key) == configuration and line.mode is not Mode.ADJUSTMENT
        ]
        old = [line for line in own if line.removed_by_configuration and _lives(line.key, records)]
        new = [line for line in own if line.key not in records]
        if len(old) != 1 or len(new) != 1 or _strangers(new[0], records[old[0].key]):
            continue
        result[new[0].key] = old[0].key
        rounding = f"{new[0].key}/{ROUNDING}", f"{old[0].key}/{ROUNDING}"
        if keys.issuperset(rounding):
            result[rounding[0]] = rounding[1]
    return result


def regrouped(
    lines: Iterable[Line], records: Mapping[str, RecordState], carried: Mapping[str, str]
) -> dict[str, str]:
    """Lines that took products from another line's record -> key of that record.

    Args:
        lines: the bill's lines.
        records: by line key, with the products that were on each.
        carried: result of `retyped`; a record that carries on is no other line.
    """
    result: dict[str, str] = {}
    for line in lines:
        products = {item.product for item in line.products if item.quantity}
        for key, record in records.items():
            if key in {line.key, carried.get(line.key)} or not _lives(key, records):
                continue
            if products & set(record.products):
                result[line.key] = key
    return result


def is_zero(record: RecordState) -> bool:
    """Whether what was last sent bills nothing."""
    if record.sent is None:
        return False
    if record.mode is Mode.TOTAL:
        return not record.sent.unit_price and not record.sent.unit_cost
    return record.sent.quantity == 0


def configuration_of(line_key: str) -> str:
    return line_key.partition("/")[0]


def _lives(key: str, records: Mapping[str, RecordState]) -> bool:
    return key in records and not is_zero(records[key])


def _strangers(line: Line, record: RecordState) -> bool:
    """The line and the record are known to have had no product in common."""
    products = {item.product for item in line.products}
    return bool(record.products) and products.isdisjoint(record.products)
