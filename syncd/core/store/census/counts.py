"""Counts over the intervals: at a pull, and over the local days of a month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from syncd.core.store.asking import fetch
from syncd.core.store.census.countable import (
    CountPolicy,
    Differences,
    differences,
    kept_out,
)
from syncd.core.store.census.records import Count, MonthCount
from syncd.core.store.census.selection import alive, among, counts_towards, gathered, listed
from syncd.core.store.census.snapshots import DaySnapshots, day_snapshots
from syncd.core.store.hand_exclusion import HandExclusion
from syncd.sdk.period import Period, day_start

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

_Group = tuple[int, int]
"""account, product"""

_COUNTS = msgspec.json.Decoder(list[Count])
_MOVES = msgspec.json.Decoder(list[tuple[int, int, int, int]])
"""Account, product, quantity and the pull at which it came or went."""

_FEW = 100
"""So many accounts are read one by one, through the index of accounts."""


async def counts_at(
    connection: Reader,
    connection_id: int,
    seq: int,
    *,
    accounts: Collection[int] | None = None,
    included: Collection[str] = (),
    period: str = "",
    stale_after_days: int | None = None,
    as_of: datetime | None = None,
    by_hand: Collection[HandExclusion] | None = None,
) -> list[Count]:
    """Quantities of all groups that have units at a pull.

    Groups without a counted unit are left out.

    Args:
        connection: a reader.
        connection_id: whose census.
        seq: number of the pull; for a bill, the one that proved the account.
        accounts: only these, None for all.
        included: exclusion reasons that count after all.
        period: for sources of months: the month whose facts are wanted.
        stale_after_days: units silent for so long at the pull do not count, others that are
            excluded as stale do; None leaves it to the source.
        as_of: what people kept out by hand then; None is now.
        by_hand: that, where it is already known.
    """
    policy = await _policy(connection, connection_id, included, stale_after_days, as_of, by_hand)
    differing = await differences(
        connection,
        connection_id,
        policy,
        first=seq,
        last=seq,
        period=period,
        accounts=accounts,
    )
    sums = await _sums(
        connection,
        f"{alive(':seq')} AND u.period = :period",
        {"connection": connection_id, "seq": seq, "period": period},
        accounts=accounts,
        included=policy.after_all,
    )
    found = _COUNTS.decode(sums)
    if differing.groups:
        by_group = {(one.account_id, one.product_id): one.quantity for one in found}
        for group in differing.groups:
            by_group[group] = by_group.get(group, 0) + differing.at(group, seq)
        found = [Count(*group, quantity) for group, quantity in by_group.items()]
    found = [one for one in found if one.quantity]
    found.sort(key=_group)
    return found


async def month_counts(
    connection: Reader,
    connection_id: int,
    period: Period,
    zone: ZoneInfo,
    *,
    as_of: datetime | None = None,
    included: Collection[str] = (),
    accounts: Collection[int] | None = None,
    products: Collection[int] | None = None,
    until: datetime | None = None,
    stale_after_days: int | None = None,
    by_hand: Collection[HandExclusion] | None = None,
) -> list[MonthCount]:
    """Last, peak and day sum of every group that had units on some day of the month.

    The snapshot of a local day is the last proven pull taken before its end; a day without one
    carries the day before, also from the month before. Days before the first snapshot of an account
    are not counted, as nothing is known of them. Hours are never counted, so a month with a clock
    change has whole days.

    Args:
        connection: a reader.
        connection_id: whose census.
        period: the month.
        zone: whose midnight ends a day.
        as_of: only what was recorded, voided, and kept out by hand, by then; None is now.
        included: exclusion reasons that count after all.
        accounts: only these, None for all.
        products: only these, None for all.
        until: for a month that is not over: days that begin at or after this moment are left out.
        stale_after_days: units silent for so long at a day's snapshot do not count on that day,
            others that are excluded as stale do; None leaves it to the source.
        by_hand: what people kept out, where it is already known.
    """
    days = [day for day in period.days if until is None or day_start(day, zone) < until]
    found = await _histories(
        connection,
        connection_id,
        days,
        zone,
        as_of=as_of,
        included=included,
        accounts=accounts,
        products=products,
        stale_after_days=stale_after_days,
        by_hand=by_hand,
    )
    return list(_by_month(*found)) if found is not None else []


async def day_counts(
    connection: Reader,
    connection_id: int,
    days: Sequence[date],
    zone: ZoneInfo,
    *,
    as_of: datetime | None = None,
    included: Collection[str] = (),
    accounts: Collection[int] | None = None,
    products: Collection[int] | None = None,
    stale_after_days: int | None = None,
    by_hand: Collection[HandExclusion] | None = None,
) -> dict[_Group, list[int | None]]:
    """Quantity at the end of each of these days, of every group that had units on some of them.

    None stands for a day before the first snapshot of the account. Arguments as of `month_counts`,
    whose days these are, so that both always agree.
    """
    found = await _histories(
        connection,
        connection_id,
        days,
        zone,
        as_of=as_of,
        included=included,
        accounts=accounts,
        products=products,
        stale_after_days=stale_after_days,
        by_hand=by_hand,
    )
    if found is None:
        return {}
    counted = {}
    for group, seqs, quantities in _daily(*found):
        left = iter(quantities)
        counted[group] = [None if seq is None else next(left) for seq in seqs]
    return counted


_Histories = tuple[dict[_Group, dict[int, int]], DaySnapshots, Differences]


async def _histories(
    connection: Reader,
    connection_id: int,
    days: Sequence[date],
    zone: ZoneInfo,
    *,
    as_of: datetime | None,
    included: Collection[str],
    accounts: Collection[int] | None,
    products: Collection[int] | None,
    stale_after_days: int | None,
    by_hand: Collection[HandExclusion] | None,
) -> _Histories | None:
    """Changes by pull and the snapshot of each day; None where no day has one."""
    ends = [day_start(day + timedelta(days=1), zone) for day in days]
    snapshots = await day_snapshots(connection, connection_id, ends, as_of=as_of)
    used = [seq for line in (snapshots.usual, *snapshots.own.values()) for seq in line if seq]
    if not used:
        return None
    first, last = min(used), max(used)
    bound = {"connection": connection_id, "first": first, "last": last}
    policy = await _policy(connection, connection_id, included, stale_after_days, as_of, by_hand)
    history: dict[_Group, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    stood = await _sums(
        connection,
        f"{alive(':first')} AND u.period = ''",
        bound,
        accounts=accounts,
        products=products,
        included=policy.after_all,
    )
    for one in _COUNTS.decode(stood):
        history[_group(one)][first] += one.quantity
    for column, sign in (("opened_pull", 1), ("closed_pull", -1)):
        moved = await _sums(
            connection,
            f"u.{column} > :first AND u.{column} <= :last AND u.period = ''",
            bound,
            accounts=accounts,
            products=products,
            included=policy.after_all,
            by=f"u.{column}",
        )
        for account, product, quantity, seq in _MOVES.decode(moved):
            history[account, product][seq] += sign * quantity
    differing = await differences(
        connection,
        connection_id,
        policy,
        first=first,
        last=last,
        accounts=accounts,
        products=products,
    )
    return history, snapshots, differing


def _group(count: Count) -> _Group:
    return count.account_id, count.product_id


async def _policy(
    connection: Reader,
    connection_id: int,
    included: Collection[str],
    stale_after_days: int | None,
    as_of: datetime | None,
    by_hand: Collection[HandExclusion] | None,
) -> CountPolicy:
    if by_hand is None:
        by_hand = await kept_out(connection, connection_id, as_of=as_of)
    return CountPolicy(by_hand=by_hand, included=included, stale_after_days=stale_after_days)


async def _sums(
    connection: Reader,
    condition: str,
    bound: dict[str, Any],
    *,
    accounts: Collection[int] | None,
    included: Collection[str],
    products: Collection[int] | None = None,
    by: str = "",
) -> str:
    """JSON of sums of quantities by account and product, and by a further column if wanted."""
    few = accounts is not None and len(accounts) <= _FEW
    # The plus keeps SQLite from walking over the whole connection for a handful of accounts.
    of_connection = f"{'+' if few else ''}u.connection_id = :connection"
    conditions = [of_connection, condition, counts_towards(connection, included)]
    parameters = dict(bound)
    if included:
        parameters["included"] = listed(connection, included)
    if accounts is not None:
        conditions.append(among(connection, "u.account_id", "accounts"))
        parameters["accounts"] = listed(connection, accounts)
    if products is not None:
        conditions.append(among(connection, "u.product_id", "products"))
        parameters["products"] = listed(connection, products)
    further = f", {by}" if by else ""
    named = f", {by} AS seq" if by else ""
    columns = gathered(connection, f"account_id, product_id, quantity{', seq' if by else ''}")
    statement = (
        f"SELECT {columns} FROM (SELECT u.account_id, u.product_id, sum(u.quantity) AS quantity"  # noqa: S608 - values are bound
        f"{named} FROM unit_interval u WHERE {' AND '.join(conditions)}"
        f" GROUP BY u.account_id, u.product_id{further}) sums"
    )
    (row,) = await fetch(connection, statement, parameters)
    return row[0] or "[]"


def _by_month(
    history: dict[_Group, dict[int, int]], snapshots: DaySnapshots, differing: Differences
) -> Iterable[MonthCount]:
    """From changes by pull to figures by day; groups that were 0 on every day are left out."""
    for group, _, quantities in _daily(history, snapshots, differing):
        peak = max(quantities, default=0)
        if peak:
            yield MonthCount(*group, quantities[-1], peak, sum(quantities), len(quantities))


def _daily(
    history: dict[_Group, dict[int, int]], snapshots: DaySnapshots, differing: Differences
) -> Iterable[tuple[_Group, tuple[int | None, ...], list[int]]]:
    """Each group with the snapshots of its days, and the quantities of those that have one."""
    for group in sorted(history.keys() | differing.groups):
        seqs = snapshots.of(group[0])
        days = [seq for seq in seqs if seq is not None]
        quantities = _by_day(sorted(history.get(group, {}).items()), days)
        if group in differing.groups:
            extra = {seq: differing.at(group, seq) for seq in set(days)}
            quantities = [now + extra[seq] for now, seq in zip(quantities, days, strict=True)]
        yield group, seqs, quantities


def _by_day(changes: list[tuple[int, int]], days: list[int]) -> list[int]:
    """The quantity at each day's snapshot."""
    if len(changes) == 1 and days and changes[0][0] <= days[0]:
        return [changes[0][1]] * len(days)
    quantities: list[int] = []
    now, at = 0, 0
    for seq in days:
        while at < len(changes) and changes[at][0] <= seq:
            now += changes[at][1]
            at += 1
        quantities.append(now)
    return quantities
