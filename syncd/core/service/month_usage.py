"""Facts of a month as billing takes them: stored and restored bytes, and what limits cost.

A source that reports months can be asked for one that is over, and may correct it; so a final bill
takes the newest proven pull of the month, and only one that was taken after its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.snapshots import Snapshot, judge, seqs
from syncd.core.service.storage_parts import PartBook
from syncd.core.service.usage import Counted
from syncd.core.store.billing_data import BillingData
from syncd.core.store.census.counts import counts_at
from syncd.core.store.census.records import PullRef
from syncd.core.store.census.snapshots import latest_attempts, proven_pulls
from syncd.sdk.period import Period
from syncd.sdk.records import ScopeState

MONTH: Final = "month"
"""Method of a figure that the source states for a month."""

_ALWAYS: Final = datetime.max.replace(tzinfo=UTC)


async def with_months(
    conn: AsyncConnection,
    data: BillingData,
    connection_id: int,
    period: Period,
    zone: ZoneInfo,
    stood: Mapping[int, Snapshot],
    *,
    max_age_hours: int,
    now: datetime | None = None,
    as_of: datetime | None = None,
) -> dict[int, Snapshot]:
    """The snapshots with the pull of the month's facts, for a source that reports months.

    Args:
        conn: a reader's connection.
        data: products of the source.
        connection_id: the source.
        period: the month billed.
        zone: of billing.
        stood: snapshots of what stood at the end of the month, by account id.
        max_age_hours: facts of a month that goes on, older than this, are stale.
        now: of a month that goes on; None for one that is over, whose facts must be final.
        as_of: only pulls recorded, and voided, by then; None for what is known now.
    """
    if not any(one.monthly for one in data.products.values() if one.connection_id == connection_id):
        return dict(stood)
    asked, before = str(period), _ALWAYS if now is None else now
    proven = await proven_pulls(conn, connection_id, before=before, as_of=as_of, period=asked)
    tried = await latest_attempts(conn, connection_id, before=before, as_of=as_of, period=asked)
    end = period.end(zone)
    found = {}
    for account, snapshot in stood.items():
        pull, attempt = proven.get(account), tried.get(account)
        if now is None:
            month = final(pull, attempt, end=end)
        else:
            oldest = now - timedelta(hours=max_age_hours)
            month = judge(pull, attempt, None, oldest=oldest, end=now)
        found[account] = replace(snapshot, month=month)
    return found


def final(proven: PullRef | None, tried: PullRef | None, *, end: datetime) -> Snapshot:
    """The snapshot of the facts of a month that is over.

    Args:
        proven: the newest pull of the month that proved the account.
        tried: the newest pull of the month, with what it proved of the account.
        end: of the month; before it nothing is final.
    """
    if proven is not None and proven.taken_at >= end:
        return Snapshot(pull=proven)
    failed = tried is not None and tried.taken_at >= end and tried.state is not ScopeState.COMPLETE
    return Snapshot(pull=proven, error="SOURCE_INCOMPLETE" if failed else "NO_SNAPSHOT")


async def month_facts(
    conn: AsyncConnection,
    data: BillingData,
    connection_id: int,
    period: Period,
    snapshots: Mapping[int, Snapshot],
    *,
    as_of: datetime | None = None,
) -> dict[tuple[int, int], Counted]:
    """What the source states of the month, by account and product id.

    Args:
        conn: a reader's connection.
        data: links and rules, whose exclusions that count after all hold for months too.
        connection_id: the source.
        period: the month billed.
        snapshots: result of `with_months`.
        as_of: only what was known then; None for what is known now.
    """
    months = {
        account: one.month
        for account, one in snapshots.items()
        if one.month is not None and one.month.is_proven
    }
    products = [
        one for one in data.products.values() if one.connection_id == connection_id and one.monthly
    ]
    ways: dict[tuple[str, ...], set[tuple[int, int]]] = defaultdict(set)
    for account in months:
        link = data.links.get(account)
        client = link.client_key if link is not None else ""
        for product in products:
            rule = data.rule_for(product.id, client)
            included = () if rule is None else tuple(sorted(rule.included_reasons))
            ways[included].add((account, product.id))
    by_hand = [one for account in months for one in data.exclusions.get(account, ())]
    found: dict[tuple[int, int], Counted] = {}
    for included, groups in ways.items():
        asked = {account: months[account] for account, _ in groups}
        for seq, accounts in seqs(asked).items():
            for row in await counts_at(
                conn,
                connection_id,
                seq,
                accounts=accounts,
                included=included,
                period=str(period),
                as_of=as_of,
                by_hand=by_hand,
            ):
                if (row.account_id, row.product_id) in groups:
                    found[row.account_id, row.product_id] = Counted(
                        method=MONTH,
                        raw=Decimal(row.quantity),
                        included_reasons=included,
                        facts_of=str(period),
                    )
    return found


def resting_on(book: PartBook, account_id: int, snapshot: Snapshot) -> Snapshot:
    """The snapshot that the account's configurations need: of what stood, of the month, or both."""
    configured = list(book.configured(account_id))
    if snapshot.month is None or not any(one.monthly for one in configured):
        return replace(snapshot, month=None)
    if all(one.monthly for one in configured):
        return snapshot.month
    return snapshot
