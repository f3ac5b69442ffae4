"""The units behind a count, and those by which two counts differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from syncd.core.store.asking import fetch, fetch_one, scalar
from syncd.core.store.census.countable import BY_HAND, CountPolicy, kept_out
from syncd.core.store.census.records import EvidenceUnit, Moved, Movements, Resized
from syncd.core.store.census.selection import alive
from syncd.core.store.micros import from_micros

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

_UNITS = """
SELECT u.unit, u.name, u.quantity, u.excluded, u.attributes, u.opened_pull, p.taken_at{alive}
  FROM unit_interval u JOIN pull p ON p.connection_id = u.connection_id AND p.seq = u.opened_pull
 WHERE u.account_id = :account AND u.product_id = :product AND u.period = :period AND {condition}
 ORDER BY length(u.unit), u.unit
"""
_AT = _UNITS.format(alive="", condition=alive(":seq"))
_AT_EARLIER = f"(CASE WHEN {alive(':earlier')} THEN 1 ELSE 0 END)"
_AT_LATER = f"(CASE WHEN {alive(':later')} THEN 1 ELSE 0 END)"
_BOTH = f", {_AT_EARLIER}, {_AT_LATER}"
_DIFFERENT = _UNITS.format(alive=_BOTH, condition=f"{_AT_EARLIER} <> {_AT_LATER}")
_EITHER = _UNITS.format(alive=_BOTH, condition=f"{_AT_EARLIER} + {_AT_LATER} > 0")
_MOMENT = (
    "SELECT p.taken_at FROM pull p JOIN account a ON a.connection_id = p.connection_id"
    " WHERE a.id = :account AND p.seq = :seq"
)
_GROUP = (
    "SELECT a.connection_id, p.key FROM account a, product p"
    " WHERE a.id = :account AND p.id = :product"
)
_OPEN = (
    "FROM unit_interval u WHERE u.connection_id = :connection AND u.closed_pull IS NULL"
    " AND u.period = ''"
)
_ANY_COMPLETE = (
    "SELECT 1 FROM pull WHERE connection_id = :connection AND state = 'complete'"
    " AND period = '' LIMIT 1"
)
_IDS = {
    "sqlite": f"SELECT group_concat(u.unit) {_OPEN}",
    "postgresql": f"SELECT string_agg(u.unit, ',') {_OPEN}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """What decides on the units of a group at a pull."""

    account_id: int
    product_key: str
    moment: datetime
    policy: CountPolicy

    def unit(self, row: Any) -> EvidenceUnit:
        """The unit with the reason that is right for it."""
        name, excluded, attributes = row[0], row[3], row[4]
        words = self.policy.words(self.account_id, self.product_key, name)
        if words is not None:
            excluded = BY_HAND
        else:
            excluded = self.policy.reason(excluded, attributes, self.moment)
        opened = from_micros(row[6])
        return EvidenceUnit(name, row[1], row[2], excluded, attributes, row[5], opened, words or "")

    def counts(self, unit: EvidenceUnit) -> bool:
        return self.policy.counts(unit.excluded)


async def evidence(
    connection: Reader,
    account_id: int,
    product_id: int,
    seq: int,
    *,
    period: str = "",
    stale_after_days: int | None = None,
    as_of: datetime | None = None,
) -> list[EvidenceUnit]:
    """Every unit of a group at a pull, the excluded ones too, in the order of their ids.

    Args:
        connection: a reader.
        account_id: row id.
        product_id: row id.
        seq: number of the pull that proved the account.
        period: for sources of months: the month whose facts are wanted.
        stale_after_days: of the rule that counted, None for none.
        as_of: what people kept out by hand then; None is now.
    """
    judge = await _judge(
        connection, account_id, product_id, seq, stale_after_days=stale_after_days, as_of=as_of
    )
    bound = {"account": account_id, "product": product_id, "seq": seq, "period": period}
    return [judge.unit(row) for row in await fetch(connection, _AT, bound)]


async def movements(
    connection: Reader,
    account_id: int,
    product_id: int,
    from_seq: int,
    to_seq: int,
    *,
    included: Collection[str] = (),
    period: str = "",
    stale_after_days: int | None = None,
    as_of: datetime | None = None,
    from_as_of: datetime | None = None,
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
        stale_after_days: of the rule that counts, None for none.
        as_of: what people kept out by hand when the later count was taken; None is now.
        from_as_of: the same for the earlier count; None where both are judged alike.
    """
    before, after = [
        await _judge(
            connection,
            account_id,
            product_id,
            seq,
            included=included,
            stale_after_days=stale_after_days,
            as_of=moment,
        )
        for seq, moment in ((from_seq, from_as_of or as_of), (to_seq, as_of))
    ]
    bound = {
        "account": account_id,
        "product": product_id,
        "earlier": from_seq,
        "later": to_seq,
        "period": period,
    }
    more = bool(before.policy) or bool(after.policy)
    pairs: dict[str, list[EvidenceUnit | None]] = {}
    for row in await fetch(connection, _EITHER if more else _DIFFERENT, bound):
        pair = pairs.setdefault(row[0], [None, None])
        if row[7]:
            pair[0] = before.unit(row)
        if row[8]:
            pair[1] = after.unit(row)
    return _movements(pairs.values(), before, after)


async def _judge(
    connection: Reader,
    account_id: int,
    product_id: int,
    seq: int,
    *,
    included: Collection[str] = (),
    stale_after_days: int | None,
    as_of: datetime | None,
) -> _Judge:
    group = {"account": account_id, "product": product_id}
    found = await fetch_one(connection, _GROUP, group)
    connection_id, key = found if found is not None else (0, "")
    moment = await scalar(connection, _MOMENT, {"account": account_id, "seq": seq})
    return _Judge(
        account_id=account_id,
        product_key=key,
        moment=from_micros(moment or 0),
        policy=CountPolicy(
            by_hand=await kept_out(connection, connection_id, as_of=as_of, account_id=account_id),
            included=included,
            stale_after_days=stale_after_days,
        ),
    )


async def unit_id_bounds(connection: Reader, connection_id: int, parts: int) -> list[int]:
    """Ascending ids at which the units of the last pull split into `parts` ranges of equal size.

    At most `parts - 1` of them; empty when there was no complete pull yet, when there are fewer
    units than parts, or when ids are not whole numbers. Exact to one unit, since a source may make
    its ranges as large as a page: one unit more would cost it a call. One text of all ids is read
    and sorted here, in a fifth of the time in which the database ranks them.
    """
    bound = {"connection": connection_id}
    if parts < 2 or await scalar(connection, _ANY_COMPLETE, bound) is None:
        return []
    joined = await scalar(connection, _IDS[connection.dialect.name], bound) or ""
    try:
        ordered = sorted(msgspec.json.decode(f"[{joined}]", type=list[int]))
    except msgspec.DecodeError:
        return []
    if len(ordered) < parts:
        return []
    bounds = {ordered[len(ordered) * part // parts] for part in range(1, parts)}
    return sorted(bounds - {ordered[0]})


def _movements(
    pairs: Iterable[list[EvidenceUnit | None]], earlier: _Judge, later: _Judge
) -> Movements:
    joined: list[Moved] = []
    left: list[Moved] = []
    resized: list[Resized] = []
    for before, after in pairs:
        counted_before = before is not None and earlier.counts(before)
        counted_after = after is not None and later.counts(after)
        if after is not None and counted_after and not counted_before:
            joined.append(Moved(after, before is not None, before.excluded if before else None))
        elif before is not None and counted_before and not counted_after:
            reason = after.excluded if after else None
            left.append(Moved(after or before, after is not None, reason))
        elif before and after and counted_after and before.quantity != after.quantity:
            resized.append(Resized(after, before.quantity))
    return Movements(tuple(joined), tuple(left), tuple(resized))
