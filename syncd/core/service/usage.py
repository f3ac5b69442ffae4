"""Counts of a month as billing takes them: by the rule's method, pooled over a client's accounts.

Everything is read in bulk: one query per pull that accounts rest on and set of exclusions that
count after all, never one per account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.model import LicenceUsage, QuantityRule, StorageUsage, Usage
from syncd.core.billing.quantity import average_count, pooled, raw_amount
from syncd.core.service.snapshots import Snapshot, seqs
from syncd.core.service.storage_parts import PartBook, folded
from syncd.core.store.billing_data import (
    BillingData,
    SourceAccount,
    SourceProduct,
    StoredRule,
)
from syncd.core.store.census.counts import counts_at, month_counts
from syncd.core.store.census.records import MonthCount
from syncd.sdk.money import divide
from syncd.sdk.period import Period
from syncd.sdk.records import Part, ProductKind

POINT_IN_TIME = "point_in_time"
PEAK = "peak"
AVERAGE = "average"

_Group = tuple[int, int]
"""account id, product id"""

_Way = tuple[str, tuple[str, ...], int | None]
"""method, exclusions that count after all, days of silence after which a unit counts no more"""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted of one product for one account.

    Attributes:
        method: `point_in_time`, `peak`, `average`, or `month` for what the source states of one.
        raw: the count before any rule.
        included_reasons: exclusion codes that counted after all.
        month: figures over the days of the month, for the other methods.
        facts_of: the month (`YYYY-MM`) whose facts these are, empty for a count of what stands.
    """

    method: str
    raw: Decimal
    included_reasons: tuple[str, ...] = ()
    month: MonthCount | None = None
    facts_of: str = ""


@dataclass(slots=True)
class Usages:
    """Figures of a month.

    Attributes:
        counted: by account and product id; a group without units is absent and counts 0.
        usage: by account id: product key -> what billing computes with.
        pools: by account and product id: the accounts that shared a rule, with their raw counts
            or GB.
        parts: by account and id of its storage product: what is billed with that, by product id.
    """

    counted: dict[_Group, Counted] = field(default_factory=dict)
    usage: dict[int, dict[str, Usage]] = field(default_factory=dict)
    pools: dict[_Group, tuple[tuple[int, Decimal], ...]] = field(default_factory=dict)
    parts: dict[_Group, tuple[tuple[int, Decimal], ...]] = field(default_factory=dict)


async def count(
    conn: AsyncConnection,
    data: BillingData,
    connection_id: int,
    period: Period,
    zone: ZoneInfo,
    snapshots: Mapping[int, Snapshot],
    *,
    as_of: datetime | None = None,
    until: datetime | None = None,
) -> dict[_Group, Counted]:
    """Raw counts of every account of a connection that has a snapshot.

    Args:
        conn: a reader's connection.
        data: links and rules.
        connection_id: the source.
        period: the month billed.
        zone: of billing.
        snapshots: by account id.
        as_of: only what was known then; None for what is known now.
        until: for a month that goes on: days that have not begun by then say nothing.
    """
    found: dict[_Group, Counted] = {}
    by_hand = [one for account_id in snapshots for one in data.exclusions.get(account_id, ())]
    for (method, included, stale), groups in counting_ways(data, connection_id, snapshots).items():
        asked = {account: snapshots[account] for account, _ in groups}
        at_once = asked if method == POINT_IN_TIME else _late(asked)
        for seq, accounts in seqs(at_once).items():
            for row in await counts_at(
                conn,
                connection_id,
                seq,
                accounts=accounts,
                included=included,
                stale_after_days=stale,
                by_hand=by_hand,
            ):
                if (row.account_id, row.product_id) in groups:
                    found[row.account_id, row.product_id] = Counted(
                        method=POINT_IN_TIME, raw=Decimal(row.quantity), included_reasons=included
                    )
        through = sorted(asked.keys() - at_once.keys())
        if not through:
            continue
        for month in await month_counts(
            conn,
            connection_id,
            period,
            zone,
            as_of=as_of,
            included=included,
            accounts=through,
            products={product for _, product in groups},
            until=until,
            stale_after_days=stale,
            by_hand=by_hand,
        ):
            if (month.account_id, month.product_id) in groups:
                found[month.account_id, month.product_id] = Counted(
                    method=method,
                    raw=figure(method, month),
                    included_reasons=included,
                    month=month,
                )
    return found


def usages(
    data: BillingData,
    counted: Mapping[_Group, Counted],
    snapshots: Mapping[int, Snapshot],
    psa_id: int,
    *,
    over: Collection[int] = (),
) -> Usages:
    """Figures with each account's share of its client's pools.

    Args:
        data: links, products, rules and configurations.
        counted: result of `count`, of all connections together.
        snapshots: by account id, of all connections together.
        psa_id: row id of the PSA connection.
        over: account ids whose billing ended before the month; nothing of them counts.
    """
    result = Usages(counted=dict(counted))
    pools: dict[tuple[str, int], dict[int, Usage | None]] = defaultdict(dict)
    book = PartBook(data)
    for account_id, snapshot in snapshots.items():
        if account_id in over:
            continue
        account = data.accounts[account_id]
        link = data.links.get(account_id)
        client = link.client_key if link is not None and link.psa_connection_id == psa_id else None
        configured = {key for one in data.configurations_for(account_id) for key in one.products}
        for product in data.products.values():
            if product.connection_id != account.connection_id or product.part is not Part.WHOLE:
                continue
            stood = snapshot.month if product.monthly else snapshot
            proven = stood is not None and stood.is_proven
            found = counted.get((account_id, product.id))
            if found is None and product.key not in configured:
                continue
            removed = stood is not None and was_removed(account, stood)
            usage = _usage(product.kind, found, removed=removed)
            if isinstance(usage, StorageUsage) and product.monthly:
                usage = _with_parts(result, book, account, product, usage)
            if proven:
                result.usage.setdefault(account_id, {})[product.key] = usage
            if client is not None and product.key in configured:
                pools[client, product.id][account_id] = usage if proven else None
    for (client, product_id), members in pools.items():
        rule = data.rule_for(product_id, client)
        if rule is not None and rule.pool and len(members) > 1:
            _share(data, result, product_id, rule, members)
    return result


def rule_of(rule: StoredRule | None) -> QuantityRule:
    """The stored rule as billing takes it."""
    if rule is None:
        return QuantityRule()
    return QuantityRule(
        override=rule.override,
        included=rule.included or Decimal(0),
        block=Decimal(1) if rule.block is None else rule.block,
        minimum=rule.minimum,
        maximum=rule.maximum,
        bill_blocks=rule.bill_blocks,
        until=rule.valid_until or None,
        method=rule.count_method,
        version=str(rule.version),
    )


def _share(
    data: BillingData,
    result: Usages,
    product_id: int,
    rule: StoredRule,
    members: Mapping[int, Usage | None],
) -> None:
    """Apply a rule once over all accounts of a client, in the order of their row ids."""
    width = len(str(max(members)))
    named = {f"{account_id:0{width}d}": account_id for account_id in members}
    shared = pooled(rule_of(rule), [(name, members[named[name]]) for name in sorted(named)])
    key = data.products[product_id].key
    pool = tuple(
        (account_id, raw_amount(usage) if (usage := members[account_id]) else Decimal(0))
        for account_id in sorted(members)
    )
    for name, usage in shared.items():
        account_id = named[name]
        result.usage.setdefault(account_id, {})[key] = usage
        result.pools[account_id, product_id] = pool


def counting_ways(
    data: BillingData, connection_id: int, snapshots: Mapping[int, Snapshot]
) -> dict[_Way, Collection[_Group]]:
    """Which groups are counted in which way."""
    products = [
        item
        for item in data.products.values()
        if item.connection_id == connection_id and not item.monthly
    ]
    wanted: dict[_Way, set[_Group]] = defaultdict(set)
    for account_id, snapshot in snapshots.items():
        if snapshot.pull is None or snapshot.error is not None:
            continue
        link = data.links.get(account_id)
        client = link.client_key if link is not None else ""
        for product in products:
            rule = data.rule_for(product.id, client)
            method = POINT_IN_TIME if rule is None else rule.count_method
            if product.kind is ProductKind.STORAGE:
                method = AVERAGE
            included = () if rule is None else tuple(sorted(rule.included_reasons))
            stale = None if rule is None else rule.stale_after_days
            wanted[method, included, stale].add((account_id, product.id))
    return dict(wanted)


def figure(method: str, month: MonthCount) -> Decimal:
    """The count of a month by a method over its days."""
    return Decimal(month.peak) if method == PEAK else average_count(month.unit_days, month.days)


def _usage(kind: ProductKind, counted: Counted | None, *, removed: bool) -> Usage:
    if kind is ProductKind.LICENCE:
        return LicenceUsage(raw=counted.raw if counted else Decimal(0), removed=removed)
    month = counted.month if counted else None
    if month is not None and month.days:
        average = divide(Decimal(month.unit_days), month.days)
    else:
        average = counted.raw if counted else Decimal(0)
    return StorageUsage(average_bytes=average, removed=removed)


def _with_parts(
    result: Usages,
    book: PartBook,
    account: SourceAccount,
    product: SourceProduct,
    usage: StorageUsage,
) -> StorageUsage:
    """The storage with the account's restored volume and limits, where it carries them."""
    if not (parts := book.parts(account.connection_id)):
        return usage
    holder = book.holder(account.id)
    if holder is None or holder.product.id != product.id:
        return usage
    found = [
        (one, counted.raw)
        for one in parts
        if (counted := result.counted.get((account.id, one.id))) is not None
    ]
    result.parts[account.id, product.id] = tuple((one.id, raw) for one, raw in found)
    return folded(usage, found)


def was_removed(account: SourceAccount, snapshot: Snapshot) -> bool:
    """Whether the account was gone at its snapshot; one that went later was there."""
    return (
        account.removed is not None
        and snapshot.pull is not None
        and account.removed <= snapshot.pull.seq
    )


def _late(asked: Mapping[int, Snapshot]) -> dict[int, Snapshot]:
    """Accounts without a day in the month: their first pull after it stands for every day."""
    return {account: snapshot for account, snapshot in asked.items() if snapshot.is_late}
