"""The units behind a count, and those by which two counts differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.records import EvidenceUnit, Moved, Movements, Resized
from syncd.core.store.census.selection import alive
from syncd.core.store.types import from_micros

_UNITS = """
SELECT u.unit, u.name, u.quantity, u.excluded, u.attributes, u.opened_pull, p.taken_at{alive}
  FROM unit_interval u JOIN pull p ON p.connection_id = u.connection_id AND p.seq = u.opened_pull
 WHERE u.account_id = :account AND u.product_id = :product AND u.period = :period AND {condition}
 ORDER BY length(u.unit), u.unit
"""
_AT = text(_UNITS.format(alive="", condition=alive(":seq")))
_DIFFERENT = text(
    _UNITS.format(
        alive=f", CASE WHEN {alive(':later')} THEN 1 ELSE 0 END",
        condition=f"(CASE WHEN {alive(':earlier')} THEN 1 ELSE 0 END)"
        f" <> (CASE WHEN {alive(':later')} THEN 1 ELSE 0 END)",
    )
)
_OPEN = "FROM unit_interval u WHERE u.connection_id = :connection AND u.closed_pull IS NULL"
_ANY_COMPLETE = text(
    "SELECT 1 FROM pull WHERE connection_id = :connection AND state = 'complete' LIMIT 1"
)
_IDS = {
    "sqlite": text(f"SELECT group_concat(u.unit) {_OPEN}"),
    "postgresql": text(f"SELECT string_agg(u.unit, ',') {_OPEN}"),
}


async def evidence(
    connection: AsyncConnection, account_id: int, product_id: int, seq: int, *, period: str = ""
) -> list[EvidenceUnit]:
    """Every unit of a group at a pull, the excluded ones too, in the order of their ids.

    Args:
        connection: a reader.
        account_id: row id.
        product_id: row id.
        seq: number of the pull that proved the account.
        period: for sources of months: the month whose facts are wanted.
    """
    bound = {"account": account_id, "product": product_id, "seq": seq, "period": period}
    return [_unit(row) for row in await connection.execute(_AT, bound)]


async def movements(
    connection: AsyncConnection,
    account_id: int,
    product_id: int,
    from_seq: int,
    to_seq: int,
    *,
    included: Collection[str] = (),
    period: str = "",
) -> Movements:
    """By which units the count at one pull differs from the count at a later one.

    Args:
        connection: a reader.
        account_id: row id.
        product_id: row id.
        from_seq: the earlier pull.
        to_seq: the later pull.
        included: exclusion reasons that count after all.
        period: for sources of months: the month whose facts are wanted.
    """
    bound = {
        "account": account_id,
        "product": product_id,
        "earlier": from_seq,
        "later": to_seq,
        "period": period,
    }
    pairs: dict[str, list[EvidenceUnit | None]] = {}
    for row in await connection.execute(_DIFFERENT, bound):
        pairs.setdefault(row[0], [None, None])[row[7]] = _unit(row)
    return _movements(pairs.values(), included)


async def unit_id_bounds(connection: AsyncConnection, connection_id: int, parts: int) -> list[int]:
    """Ascending ids at which the units of the last pull split into `parts` ranges of equal size.

    At most `parts - 1` of them; empty when there was no complete pull yet, when there are fewer
    units than parts, or when ids are not whole numbers. Exact to one unit, since a source may make
    its ranges as large as a page: one unit more would cost it a call. One text of all ids is read
    and sorted here, in a fifth of the time in which the database ranks them.
    """
    bound = {"connection": connection_id}
    if parts < 2 or await connection.scalar(_ANY_COMPLETE, bound) is None:
        return []
    joined = await connection.scalar(_IDS[connection.dialect.name], bound) or ""
    try:
        ordered = sorted(msgspec.json.decode(f"[{joined}]", type=list[int]))
    except msgspec.DecodeError:
        return []
    if len(ordered) < parts:
        return []
    bounds = {ordered[len(ordered) * part // parts] for part in range(1, parts)}
    return sorted(bounds - {ordered[0]})


def _unit(row: Any) -> EvidenceUnit:
    return EvidenceUnit(row[0], row[1], row[2], row[3], row[4], row[5], from_micros(row[6]))


def _movements(pairs: Iterable[list[EvidenceUnit | None]], included: Collection[str]) -> Movements:
    joined: list[Moved] = []
    left: list[Moved] = []
    resized: list[Resized] = []
    for before, after in pairs:
        counted_before = before is not None and _counts(before, included)
        counted_after = after is not None and _counts(after, included)
        if after is not None and counted_after and not counted_before:
            joined.append(Moved(after, before is not None, before.excluded if before else None))
        elif before is not None and counted_before and not counted_after:
            reason = after.excluded if after else None
            left.append(Moved(after or before, after is not None, reason))
        elif before and after and counted_after and before.quantity != after.quantity:
            resized.append(Resized(after, before.quantity))
    return Movements(tuple(joined), tuple(left), tuple(resized))


def _counts(unit: EvidenceUnit, included: Collection[str]) -> bool:
    return unit.excluded is None or unit.excluded in included
