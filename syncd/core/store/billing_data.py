"""What people decided, as billing reads it: links, asset types, rates, rules, and so on.

One read gives everything that decides the bills of a period, as plain values keyed by ids and with
the row id of each decision as its version, so that a bill can name its basis and a closed month
can be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.decisions import (
    AccountChoice,
    DefaultAssetType,
    HandExclusion,
    Link,
    SourceAccount,
    SourceConnection,
    SourceProduct,
    StoredConfiguration,
    StoredRate,
    StoredRule,
    exclusions_of,
)
from syncd.core.store.mappings import load_accounts, load_connections, load_products
from syncd.core.store.pending import Pending
from syncd.core.store.references import ReferenceBook, load_references
from syncd.core.store.tables import (
    AccountBilling,
    BillingConfiguration,
    ClientLink,
    Installation,
    ProductMapping,
    QuantityRuleRow,
    RateRow,
    UnitExclusion,
)

__all__ = [
    "EVERY_CLIENT",
    "AccountChoice",
    "BillingData",
    "DefaultAssetType",
    "HandExclusion",
    "Link",
    "SourceAccount",
    "SourceConnection",
    "SourceProduct",
    "StoredConfiguration",
    "StoredRate",
    "StoredRule",
    "known",
    "load_billing_data",
]

NOTHING_PENDING: Final = Pending(at=datetime.min.replace(tzinfo=UTC))

EVERY_CLIENT = ""
"""The client key of a default rate or rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingData:
    """Everything that decides the bills of one period.

    Attributes:
        first_day: ISO date of the period's first local day; it decides which rates and rules hold.
        data_version: of the installation when this was read; a plan stores it.
        connections: by row id.
        accounts: by row id.
        products: by row id.
        links: by account id; an account without one is not billed.
        asset_types: by product id.
        rates: by (product id, client key), the one that holds per currency.
        rules: by (product id, client key).
        own_configurations: by account id, in order of position.
        shared_configurations: by connection id, in order of position.
        references: what the PSAs know, with names.
        choices: by account id; what nobody chose is absent.
        exclusions: by account id, units that people keep out of its counts.
    """

    first_day: str
    data_version: int
    connections: Mapping[int, SourceConnection]
    accounts: Mapping[int, SourceAccount]
    products: Mapping[int, SourceProduct]
    links: Mapping[int, Link]
    asset_types: Mapping[int, DefaultAssetType]
    rates: Mapping[tuple[int, str], tuple[StoredRate, ...]]
    rules: Mapping[tuple[int, str], StoredRule]
    own_configurations: Mapping[int, tuple[StoredConfiguration, ...]]
    shared_configurations: Mapping[int, tuple[StoredConfiguration, ...]]
    references: ReferenceBook
    choices: Mapping[int, AccountChoice] = field(default_factory=dict)
    exclusions: Mapping[int, tuple[HandExclusion, ...]] = field(default_factory=dict)

    def choice_for(self, account_id: int) -> AccountChoice:
        """Whether and from when the account is billed automatically."""
        return self.choices.get(account_id, AccountChoice())

    def configurations_for(self, account_id: int) -> tuple[StoredConfiguration, ...]:
        """The account's own configurations if it has any, else those of its connection."""
        own = self.own_configurations.get(account_id)
        if own:
            return own
        return self.shared_configurations.get(self.accounts[account_id].connection_id, ())

    def rates_for(self, product_id: int, client_key: str) -> tuple[StoredRate, ...]:
        """One rate per currency: the client's as a whole where it has one, else the default."""
        held = {rate.currency: rate for rate in self.rates.get((product_id, EVERY_CLIENT), ())}
        held.update({rate.currency: rate for rate in self.rates.get((product_id, client_key), ())})
        return tuple(held[currency] for currency in sorted(held))

    def rule_for(self, product_id: int, client_key: str) -> StoredRule | None:
        """The client's rule as a whole where it has one, else the default."""
        return self.rules.get((product_id, client_key)) or self.rules.get(
            (product_id, EVERY_CLIENT)
        )

    def accounts_of_psa(self, psa_connection_id: int) -> frozenset[int]:
        """Ids of the accounts linked to any client of the PSA."""
        return frozenset(
            link.account_id
            for link in self.links.values()
            if link.psa_connection_id == psa_connection_id
        )

    def accounts_of_client(self, psa_connection_id: int, client_key: str) -> tuple[int, ...]:
        """Ids of the accounts linked to the client, ascending: the order of pooled rules."""
        return tuple(
            sorted(
                link.account_id
                for link in self.links.values()
                if link.psa_connection_id == psa_connection_id and link.client_key == client_key
            )
        )


_Versioned = TypeVar(
    "_Versioned",
    ClientLink,
    ProductMapping,
    RateRow,
    QuantityRuleRow,
    BillingConfiguration,
    AccountBilling,
    UnitExclusion,
)


def known(table: type[_Versioned], as_of: datetime | None) -> ColumnElement[bool]:
    """Condition for the rows that held at `as_of`; None: that hold now."""
    if as_of is None:
        return col(table.superseded_at).is_(None)
    return and_(
        col(table.recorded_at) <= as_of,
        or_(col(table.superseded_at).is_(None), col(table.superseded_at) > as_of),
    )


async def load_billing_data(
    conn: AsyncConnection,
    *,
    period_first_day: str,
    as_of: datetime | None = None,
    pending: Pending = NOTHING_PENDING,
) -> BillingData:
    """Read everything that decides the bills of a period.

    Args:
        conn: a reader's connection; all is read in its one transaction.
        period_first_day: ISO date; rates and rules that hold on it price the whole period.
        as_of: what was known then, to replay a closed month; None: what is known now. Names of
            accounts, products and PSA things are always the present ones.
        pending: edits that were not written, to see what would hold with them.
    """

    async def held(table: type[_Versioned]) -> list[Any]:
        statement = select(table).where(known(table, as_of))
        return pending.over(table, await conn.execute(statement))

    own, shared = await _configurations(conn, as_of, pending)
    return BillingData(
        first_day=period_first_day,
        data_version=(await conn.execute(select(col(Installation.data_version)))).scalar_one(),
        connections=await load_connections(conn),
        accounts=await load_accounts(conn),
        products=await load_products(conn),
        links={
            row.account_id: Link(
                version=row.id,
                account_id=row.account_id,
                psa_connection_id=row.psa_connection_id,
                client_key=row.client_key,
                site_key=row.site_key,
                origin=row.origin,
                recorded_at=row.recorded_at,
            )
            for row in await held(ClientLink)
        },
        asset_types={
            row.product_id: DefaultAssetType(
                version=row.id,
                product_id=row.product_id,
                psa_connection_id=row.psa_connection_id,
                asset_type_key=row.asset_type_key,
                recorded_at=row.recorded_at,
            )
            for row in await held(ProductMapping)
        },
        rates=await _rates(conn, period_first_day, as_of, pending),
        rules=await _rules(conn, period_first_day, as_of, pending),
        own_configurations=own,
        shared_configurations=shared,
        references=await load_references(conn),
        choices={
            row.account_id: AccountChoice(
                version=row.id,
                automatic=row.automatic,
                start=row.billing_start,
                agreement=row.agreement_key,
                end=row.billing_end,
                first_month=row.first_month,
                last_month=row.last_month,
            )
            for row in await held(AccountBilling)
        },
        exclusions=exclusions_of(await held(UnitExclusion)),
    )


async def _rates(
    conn: AsyncConnection, day: str, as_of: datetime | None, pending: Pending
) -> dict[tuple[int, str], tuple[StoredRate, ...]]:
    """The newest rate per product, client and currency that is valid on the day."""
    statement = select(RateRow).where(known(RateRow, as_of), col(RateRow.valid_from) <= day)
    rows = pending.over(RateRow, await conn.execute(statement), day=day)
    held: dict[tuple[int, str], dict[str, StoredRate]] = {}
    for row in sorted(rows, key=_by_day):
        held.setdefault((row.product_id, row.client_key), {})[row.currency] = StoredRate(
            version=row.id,
            product_id=row.product_id,
            client_key=row.client_key,
            cost=row.cost,
            price=row.price,
            restore_cost=row.restore_cost,
            restore_price=row.restore_price,
            currency=row.currency,
            cycle=row.cycle,
            valid_from=row.valid_from,
            recorded_at=row.recorded_at,
        )
    return {key: tuple(found.values()) for key, found in held.items()}


async def _rules(
    conn: AsyncConnection, day: str, as_of: datetime | None, pending: Pending
) -> dict[tuple[int, str], StoredRule]:
    """The newest rule per product and client that is valid on the day."""
    until = col(QuantityRuleRow.valid_until)
    statement = select(QuantityRuleRow).where(
        known(QuantityRuleRow, as_of),
        col(QuantityRuleRow.valid_from) <= day,
        or_(until == "", until >= day),
    )
    rows = pending.over(QuantityRuleRow, await conn.execute(statement), day=day)
    return {
        (row.product_id, row.client_key): StoredRule(
            version=row.id,
            product_id=row.product_id,
            client_key=row.client_key,
            count_method=row.count_method,
            override=row.override,
            included=row.included,
            block=row.block,
            minimum=row.minimum,
            maximum=row.maximum,
            bill_blocks=row.bill_blocks,
            pool=row.pool,
            included_reasons=tuple(filter(None, row.included_reasons.split(","))),
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            reason=row.reason,
            recorded_at=row.recorded_at,
            stale_after_days=row.stale_after_days,
        )
        for row in sorted(rows, key=_by_day)
    }


async def _configurations(
    conn: AsyncConnection, as_of: datetime | None, pending: Pending
) -> tuple[dict[int, tuple[StoredConfiguration, ...]], dict[int, tuple[StoredConfiguration, ...]]]:
    statement = select(BillingConfiguration).where(known(BillingConfiguration, as_of))
    own: dict[int, tuple[StoredConfiguration, ...]] = {}
    shared: dict[int, tuple[StoredConfiguration, ...]] = {}
    rows = pending.over(BillingConfiguration, await conn.execute(statement))
    for row in sorted(rows, key=lambda row: (row.position, row.name, row.uid)):
        found = StoredConfiguration(
            version=row.id,
            uid=row.uid,
            connection_id=row.connection_id,
            account_id=row.account_id,
            position=row.position,
            name=row.name,
            mode=row.mode,
            products=tuple(msgspec.json.decode(row.products, type=list[str])),
            asset_type_key=row.asset_type_key,
            supplier=row.supplier,
            price_owner=row.price_owner,
            cost_owner=row.cost_owner,
            recorded_at=row.recorded_at,
            billed_in=row.billed_in,
            template=row.template,
            proration_owner=row.proration_owner,
            first_month=row.first_month,
            last_month=row.last_month,
        )
        if row.account_id is None:
            shared[row.connection_id] = (*shared.get(row.connection_id, ()), found)
        else:
            own[row.account_id] = (*own.get(row.account_id, ()), found)
    return own, shared


def _by_day(row: Any) -> tuple[str, int]:
    """The order in which a later row takes the place of an earlier one."""
    return row.valid_from, row.id
