"""Counted units as they should stand in the PSA, from the newest pull that proved each account.

An account that its newest pull did not prove says nothing: neither that a unit came nor that one
left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from syncd.core.billing.asset_values import Desired, UnitId
from syncd.core.store.billing_data import BillingData, SourceConnection
from syncd.core.store.census.countable import CountPolicy
from syncd.core.store.census.counted_units import CountedUnit, counted_units
from syncd.core.store.census.records import PullRef
from syncd.core.store.census.snapshots import latest_attempts, proven_pulls
from syncd.core.store.references import ReferenceKind
from syncd.sdk.records import HeldAsset, Part, ProductKind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""The newest pull is wanted, whatever clock it was taken by."""

DUPLICATE_UNIT: Final = "DUPLICATE_UNIT"


@dataclass(slots=True)
class AssetUnits:
    """What the sources count.

    Attributes:
        wanted: by source connection name and unit.
        proven: row ids of the accounts that speak.
        unproven: `connection/account` of those that do not.
        held: units that two accounts of one source name.
    """

    wanted: dict[UnitId, Desired] = field(default_factory=dict)
    proven: set[int] = field(default_factory=set)
    unproven: list[str] = field(default_factory=list)
    held: list[HeldAsset] = field(default_factory=list)


async def read_units(
    conn: AsyncConnection,
    data: BillingData,
    psa_id: int,
    exporting: Mapping[str, bool],
    accounts: Collection[int],
) -> AssetUnits:
    """The counted units of linked accounts.

    Args:
        conn: a reader's connection.
        data: links, asset types, rules and exclusions.
        psa_id: row id of the PSA connection.
        exporting: source connection name -> whether types of existing assets are changed.
        accounts: row ids of the accounts that are asked for.
    """
    found = AssetUnits()
    for connection in sorted(data.connections.values(), key=lambda one: one.name):
        if connection.name not in exporting:
            continue
        linked = [
            one
            for one in sorted(accounts)
            if data.accounts[one].connection_id == connection.id
            and one in data.links
            and data.links[one].psa_connection_id == psa_id
        ]
        proven = await proven_pulls(conn, connection.id, before=_EVER)
        newest = await latest_attempts(conn, connection.id, before=_EVER)
        for seq, (pull, speaking) in _by_pull(linked, proven, newest).items():
            found.proven.update(speaking)
            products = [
                one.id
                for one in data.products.values()
                if one.connection_id == connection.id
                and one.kind is ProductKind.LICENCE
                and one.part is Part.WHOLE
                and not one.monthly
            ]
            units = await counted_units(
                conn,
                connection.id,
                seq,
                moment=pull.taken_at,
                accounts=speaking,
                products=products,
                policy=_policies(data),
            )
            _gather(found, data, psa_id, connection, units, overwrite=exporting[connection.name])
        found.unproven += [
            f"{connection.name}/{data.accounts[one].key}"
            for one in linked
            if one not in found.proven
        ]
    return found


def _by_pull(
    accounts: Iterable[int],
    proven: Mapping[int, PullRef | None],
    newest: Mapping[int, PullRef],
) -> dict[int, tuple[PullRef, list[int]]]:
    """Accounts by the pull that proved them, without those that a later one failed to prove."""
    found: dict[int, tuple[PullRef, list[int]]] = {}
    for account in accounts:
        pull, last = proven.get(account), newest.get(account)
        if pull is not None and (last is None or last.seq <= pull.seq):
            found.setdefault(pull.seq, (pull, []))[1].append(account)
    return found


def _policies(data: BillingData) -> Callable[[int, int], CountPolicy]:
    @cache
    def policy(account_id: int, product_id: int) -> CountPolicy:
        rule = data.rule_for(product_id, data.links[account_id].client_key)
        return CountPolicy(
            by_hand=data.exclusions.get(account_id, ()),
            included=() if rule is None else rule.included_reasons,
            stale_after_days=None if rule is None else rule.stale_after_days,
        )

    return policy


def _gather(
    found: AssetUnits,
    data: BillingData,
    psa_id: int,
    connection: SourceConnection,
    units: Iterable[CountedUnit],
    *,
    overwrite: bool,
) -> None:
    """One asset per unit, whatever products count it: the first that has an asset type names it."""
    for unit in units:
        account, link = data.accounts[unit.account_id], data.links[unit.account_id]
        mapped = data.asset_types.get(unit.product_id)
        own_psa = mapped is not None and mapped.psa_connection_id == psa_id
        asset_type = mapped.asset_type_key if mapped is not None and own_psa else None
        one = Desired(
            connection=connection.name,
            uid=connection.uid,
            connector=connection.connector,
            account=account.key,
            unit=unit.unit,
            name=unit.name or unit.unit,
            client=link.client_key,
            client_name=data.references.name(psa_id, ReferenceKind.CLIENT, link.client_key),
            site=link.site_key or _main_site(data, psa_id, link.client_key),
            asset_type=asset_type,
            overwrite_type=overwrite,
        )
        other = found.wanted.get(one.id)
        if other is None or (other.account == one.account and other.asset_type is None):
            found.wanted[one.id] = one
        elif other.account != one.account:
            why = f"accounts {other.account} and {one.account} both count it"
            found.held.append(
                HeldAsset(
                    one.connection,
                    one.account,
                    one.unit,
                    one.client,
                    one.client_name,
                    one.name,
                    DUPLICATE_UNIT,
                    why,
                )
            )


def _main_site(data: BillingData, psa_id: int, client: str) -> str | None:
    entry = data.references.of(psa_id, ReferenceKind.CLIENT).get(client)
    return entry.main_site or None if entry is not None else None
