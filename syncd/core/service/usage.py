"""Counts of a month as billing takes them: by the rule's method, pooled over a client's accounts.

Everything is read in bulk: one query per pull that accounts rest on and set of exclusions that
count after all, never one per account.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.model import LicenceUsage, QuantityRule, StorageUsage, Usage
from syncd.core.billing.quantity import average_count, pooled, raw_amount
from syncd.core.service.count_ways import PEAK as PEAK
from syncd.core.service.count_ways import POINT_IN_TIME as POINT_IN_TIME
from syncd.core.service.count_ways import counting_ways
from syncd.core.service.renewal_months import renewals_of
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

_Group = tuple[int, int]
"""account id, product id"""

_number = lru_cache(maxsize=4096)(Decimal)
"""Most counts are small and repeat; each is built once."""


class Counted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was counted of one product for one account.

    Attributes:
        method: `point_in_time`, `peak`, `average`, or `month` for what the source states of one.
        raw: the count before any rule.
        included_reasons: exclusion codes that counted after all.
        month: figures over the days of the month, for the other methods.
        facts_of: the month (`YYYY-MM`) whose facts these are, empty for a count of what stands.
        renewal: the first month (`YYYY-MM`) in which units of it renew that are not charged
            monthly; None where it is, or where no unit says so.
    """

    method: str
    raw: Decimal
    included_reasons: tuple[str, ...] = ()
    month: MonthCount | None = None
    facts_of: str = ""
    renewal: str | None = None


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
        asked = {account: snapshots[account] for account in groups}
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
                account, product = row.account_id, row.product_id
                if account in groups and product in groups[account]:
                    found[account, product] = Counted(
                        method=POINT_IN_TIME, raw=_number(row.quantity), included_reasons=included
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
            products=frozenset().union(*groups.values()),
            until=until,
            stale_after_days=stale,
            by_hand=by_hand,
        ):
            if month.product_id in groups.get(month.account_id, ()):
                found[month.account_id, month.product_id] = Counted(
                    method=method,
                    raw=figure(method, month),
                    included_reasons=included,
                    month=month,
                )
    for group, renewal in (await renewals_of(conn, data, connection_id, snapshots, zone)).items():
        if group in found:
            found[group] = msgspec.structs.replace(found[group], renewal=renewal)
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
    whole: dict[int, list[SourceProduct]] = defaultdict(list)
    for product in data.products.values():
        if product.part is Part.WHOLE:
            whole[product.connection_id].append(product)
    sharing = _sharing(data, snapshots, psa_id)
    for account_id, snapshot in snapshots.items():
        if account_id in over:
            continue
        account = data.accounts[account_id]
        client = sharing.get(account_id)
        configured = {key for one in data.configurations_for(account_id) for key in one.products}
        own: dict[str, Usage] = {}
        at_end = _Stood.of(account, snapshot)
        of_month = _Stood.of(account, snapshot.month)
        for product in whole[account.connection_id]:
            key = product.key
            found = counted.get((account_id, product.id))
            if found is None and key not in configured:
                continue
            stood = of_month if product.monthly else at_end
            usage = _usage(product.kind, found, removed=stood.removed)
            if product.monthly and isinstance(usage, StorageUsage):
                usage = _with_parts(result, book, account, product, usage)
            if stood.proven:
                own[key] = usage
            if client is not None and key in configured:
                pools[client, product.id][account_id] = usage if stood.proven else None
        if own:
            result.usage[account_id] = own
    for (client, product_id), members in pools.items():
        rule = data.rule_for(product_id, client)
        if rule is not None and rule.pool and len(members) > 1:
            _share(data, result, product_id, rule, members)
    return result


class _Stood(NamedTuple):
    """What a snapshot says of all products of its account."""

    proven: bool
    removed: bool

    @classmethod
    def of(cls, account: SourceAccount, snapshot: Snapshot | None) -> _Stood:
        if snapshot is None:
            return cls(proven=False, removed=False)
        return cls(proven=snapshot.is_proven, removed=was_removed(account, snapshot))


def _sharing(data: BillingData, accounts: Iterable[int], psa_id: int) -> dict[int, str]:
    """The client of each account whose client has more than one of them."""
    clients = {
        account: link.client_key
        for account in accounts
        if (link := data.links.get(account)) is not None and link.psa_connection_id == psa_id
    }
    members = Counter(clients.values())
    return {account: client for account, client in clients.items() if members[client] > 1}


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


def figure(method: str, month: MonthCount) -> Decimal:
    """The count of a month by a method over its days."""
    return Decimal(month.peak) if method == PEAK else average_count(month.unit_days, month.days)


def _usage(kind: ProductKind, counted: Counted | None, *, removed: bool) -> Usage:
    if kind is ProductKind.LICENCE:
        return LicenceUsage(
            raw=counted.raw if counted else Decimal(0),
            removed=removed,
            renewal=counted.renewal if counted else None,
        )
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
