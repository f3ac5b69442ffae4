"""Which accounts are billed for a part of a month only, and what stood on those days.

Only accounts with a first or a last day are looked at, and days are counted only for those whose
money follows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.billing.billed_days import Billed, CountedDays, DaySum, Policy
from syncd.core.service.catalogue import configuration_of
from syncd.core.service.count_ways import POINT_IN_TIME, counting_ways
from syncd.core.service.snapshots import Snapshot, snapshots
from syncd.core.service.usage import Counted, figure
from syncd.core.store.billing_data import BillingData
from syncd.core.store.census.counts import day_counts
from syncd.core.store.census.records import MonthCount
from syncd.core.store.decisions import AccountChoice
from syncd.sdk.period import Period, day_start

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_Group = tuple[int, int]
_Known = Sequence[tuple[date, int]]


def billed_parts(data: BillingData, period: Period) -> dict[int, Billed]:
    """By account id: the billed days of a month that is not billed whole, or not at all."""
    found = {}
    for account_id, choice in data.choices.items():
        if not (choice.start or choice.end) or account_id not in data.accounts:
            continue
        span = part_of(choice, period)
        if span is not None and (span.over or span.ends or _follows(data, account_id, span)):
            found[account_id] = span
    return found


def part_of(choice: AccountChoice, period: Period) -> Billed | None:
    """The billed days of the month in which billing starts or ends, or of one after it."""
    month = str(period)
    starts, ends = choice.start[:7] == month, choice.end[:7] == month
    over = bool(choice.end) and choice.end < period.first_day.isoformat()
    if not (starts or ends or over):
        return None
    return Billed(
        first=date.fromisoformat(choice.start) if starts else period.first_day,
        last=date.fromisoformat(choice.end) if ends or over else period.last_day,
        month_days=period.last_day.day,
        starts=starts,
        ends=ends,
        first_month=Policy(choice.first_month) if choice.first_month else None,
        last_month=Policy(choice.last_month) if choice.last_month else None,
    )


def _follows(data: BillingData, account_id: int, span: Billed) -> bool:
    """Whether any money of the account is not that of a whole month."""
    return any(
        span.policy(configuration_of(stored)) is not Policy.FULL
        for stored in data.configurations_for(account_id)
    )


async def at_the_end(
    conn: AsyncConnection,
    connection_id: int,
    parts: Mapping[int, Billed],
    found: Mapping[int, Snapshot],
    period: Period,
    zone: ZoneInfo,
    *,
    max_age_hours: int,
    now: datetime | None,
    as_of: datetime | None,
) -> dict[int, Snapshot]:
    """The snapshots, for accounts whose billing ends in the month those of the end of that day.

    After the end nothing is counted, so that no pull is asked of that time either.
    """
    result = dict(found)
    last_days: dict[date, list[int]] = {}
    for account_id in found.keys() & parts.keys():
        span = parts[account_id]
        if span.over:
            result[account_id] = Snapshot(pull=found[account_id].pull)
        elif span.ends and span.last < period.last_day:
            last_days.setdefault(span.last, []).append(account_id)
    for last, accounts in sorted(last_days.items()):
        end = day_start(last + timedelta(days=1), zone)
        if now is not None and now < end:
            continue
        then = await snapshots(
            conn,
            connection_id,
            period,
            zone,
            max_age_hours=max_age_hours,
            now=end,
            as_of=as_of,
        )
        result.update({account_id: then[account_id] for account_id in accounts})
    return result


async def with_days(
    conn: AsyncConnection,
    data: BillingData,
    connection_id: int,
    period: Period,
    zone: ZoneInfo,
    found: Mapping[int, Snapshot],
    counted: Mapping[_Group, Counted],
    parts: Mapping[int, Billed],
    *,
    as_of: datetime | None = None,
    until: datetime | None = None,
) -> tuple[dict[_Group, Counted], dict[int, Billed]]:
    """What was counted, and the parts with what stood on their days.

    A mean, a peak and the bytes of a storage are those of the billed days. In a month that goes on,
    days that have not begun are taken like the last one that has.

    Args:
        conn: a reader's connection.
        data: links and rules.
        connection_id: the source.
        period: the month billed.
        zone: of billing.
        found: snapshots by account id.
        counted: what the whole month gave.
        parts: from `billed_parts`.
        as_of: only what was known then; None for what is known now.
        until: for a month that goes on: days that have not begun by then say nothing.
    """
    asked = {
        account_id: found[account_id]
        for account_id, span in parts.items()
        if not span.over and account_id in found
    }
    result, used = dict(counted), dict(parts)
    days = [day for day in period.days if until is None or day_start(day, zone) < until]
    by_hand = [one for account_id in asked for one in data.exclusions.get(account_id, ())]
    sums: dict[int, dict[str, DaySum]] = {}
    for (method, included, stale), groups in counting_ways(data, connection_id, asked).items():
        stood = await day_counts(
            conn,
            connection_id,
            days,
            zone,
            as_of=as_of,
            included=included,
            accounts=sorted(groups),
            products=frozenset().union(*groups.values()),
            stale_after_days=stale,
            by_hand=by_hand,
        )
        for group in [(one, product) for one, ids in groups.items() for product in sorted(ids)]:
            span, late = parts[group[0]], asked[group[0]].is_late
            raw = result[group].raw if group in result else Decimal(0)
            if late:
                known = [(day, int(raw)) for day in _days(span)]
            else:
                known = [
                    (day, quantity)
                    for day, quantity in zip(days, stood.get(group, ()), strict=False)
                    if quantity is not None and span.first <= day <= span.last
                ]
            if method != POINT_IN_TIME and known and not late:
                month = _month(group, known)
                result[group] = Counted(
                    method=method, raw=figure(method, month), included_reasons=included, month=month
                )
            if until is not None and known:
                known += [(day, known[-1][1]) for day in _days(span) if day > known[-1][0]]
            key = data.products[group[1]].key
            sums.setdefault(group[0], {})[key] = DaySum(tuple(_spans(known)))
    for account_id, of_products in sums.items():
        used[account_id] = replace(parts[account_id], used=of_products)
    return result, used


def over(parts: Mapping[int, Billed]) -> frozenset[int]:
    """Accounts whose billing ended before the month."""
    return frozenset(account_id for account_id, span in parts.items() if span.over)


def prorating(data: BillingData) -> list[tuple[object, ...]]:
    """What configurations say of first and last months; where that differs, other days count."""
    held = (*data.own_configurations.items(), *data.shared_configurations.items())
    return [
        (holder, one.uid, one.first_month, one.last_month)
        for holder, configurations in held
        for one in configurations
        if one.first_month or one.last_month
    ]


def _month(group: _Group, known: _Known) -> MonthCount:
    quantities = [quantity for _, quantity in known]
    return MonthCount(*group, quantities[-1], max(quantities), sum(quantities), len(quantities))


def _spans(known: _Known) -> Iterator[CountedDays]:
    """Days in a row with the same count."""
    for _, run in groupby(
        enumerate(known), key=lambda one: (one[1][1], one[1][0].toordinal() - one[0])
    ):
        days = [pair for _, pair in run]
        yield CountedDays(first=days[0][0], last=days[-1][0], quantity=days[0][1])


def _days(span: Billed) -> list[date]:
    return [span.first + timedelta(days=n) for n in range(span.days)]
