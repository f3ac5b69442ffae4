"""Writes what people decide, never in place: an edit supersedes the old row and adds a new one.

All kinds of decision share this shape, so one pair of functions serves them; a closed month
can be replayed because nothing is ever changed or deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.connections import bump_data_version
from syncd.core.store.decisions import SourceAccount, SourceConnection, SourceProduct
from syncd.core.store.references import ReferenceBook, load_references
from syncd.core.store.tables import (
    AccountBilling,
    AccountRow,
    BillingConfiguration,
    BillingTemplate,
    ClientLink,
    ConnectionRow,
    ProductMapping,
    ProductRow,
    QuantityRuleRow,
    RateRow,
    TemplateClient,
    UnitExclusion,
)
from syncd.sdk.records import Measure, Part, ProductKind

Key = tuple[Any, ...]
DecisionRow = (
    ClientLink
    | ProductMapping
    | RateRow
    | QuantityRuleRow
    | BillingConfiguration
    | AccountBilling
    | UnitExclusion
    | BillingTemplate
    | TemplateClient
)


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """One kind of decision.

    Attributes:
        table: where it is stored.
        key: columns of which at most one current row may exist.
        content: columns whose change makes a new row.
        provenance: columns that say where a row came from; alone they change nothing.
        billed: whether an edit changes what is billed, so that plans made before are refused.
    """

    table: type[DecisionRow]
    key: tuple[str, ...]
    content: tuple[str, ...]
    provenance: tuple[str, ...] = ()
    billed: bool = True

    def key_of(self, values: Mapping[str, Any]) -> Key:
        return tuple(values[name] for name in self.key)

    def same(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Whether both say the same, whoever said it."""
        return all(one[name] == other[name] for name in self.content)


LINKS: Final = DecisionTable(
    ClientLink,
    key=("account_id",),
    content=("psa_connection_id", "client_key", "site_key"),
    provenance=("origin", "evidence", "confirmed_by"),
)
PRODUCTS: Final = DecisionTable(
    ProductMapping,
    key=("product_id",),
    content=("psa_connection_id", "asset_type_key"),
    provenance=("confirmed_by",),
)
RATES: Final = DecisionTable(
    RateRow,
    key=("product_id", "client_key", "currency", "valid_from"),
    content=("cost", "price", "restore_cost", "restore_price", "cycle"),
    provenance=("template",),
)
RULES: Final = DecisionTable(
    QuantityRuleRow,
    key=("product_id", "client_key", "valid_from"),
    content=(
        "count_method",
        "override",
        "included",
        "block",
        "minimum",
        "maximum",
        "bill_blocks",
        "pool",
        "included_reasons",
        "stale_after_days",
        "valid_until",
        "reason",
    ),
    provenance=("template",),
)
CONFIGURATIONS: Final = DecisionTable(
    BillingConfiguration,
    key=("uid",),
    content=(
        "connection_id",
        "account_id",
        "position",
        "name",
        "mode",
        "products",
        "asset_type_key",
        "supplier",
        "price_owner",
        "cost_owner",
        "billed_in",
        "proration_owner",
        "first_month",
        "last_month",
    ),
    provenance=("template",),
)

BILLING: Final = DecisionTable(
    AccountBilling,
    key=("account_id",),
    content=(
        "automatic",
        "billing_start",
        "agreement_key",
        "billing_end",
        "first_month",
        "last_month",
    ),
)

EXCLUSIONS: Final = DecisionTable(
    UnitExclusion,
    key=("account_id", "product_key", "unit"),
    content=("reason",),
    provenance=("confirmed_by",),
)
TEMPLATES: Final = DecisionTable(
    BillingTemplate,
    key=("name",),
    content=("content",),
    provenance=("confirmed_by",),
    billed=False,
)
TEMPLATE_CLIENTS: Final = DecisionTable(
    TemplateClient,
    key=("psa_connection_id", "client_key"),
    content=("template",),
    provenance=("confirmed_by",),
    billed=False,
)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A current row: its id and its columns."""

    id: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everything that a decision may name.

    Attributes:
        connections: by row id.
        accounts: by row id, in the order in which they were first seen.
        products: likewise.
        references: what the PSAs know.
    """

    connections: Mapping[int, SourceConnection]
    accounts: Mapping[int, SourceAccount]
    products: Mapping[int, SourceProduct]
    references: ReferenceBook


async def load_directory(conn: AsyncConnection) -> Directory:
    """Read all connections, accounts, products and references."""
    return Directory(
        connections=await load_connections(conn),
        accounts=await load_accounts(conn),
        products=await load_products(conn),
        references=await load_references(conn),
    )


async def load_connections(conn: AsyncConnection) -> dict[int, SourceConnection]:
    """Every connection that was ever used, by row id."""
    rows = await conn.execute(select(ConnectionRow).order_by(col(ConnectionRow.name)))
    return {
        row.id: SourceConnection(id=row.id, uid=row.uid, name=row.name, connector=row.connector)
        for row in rows
    }


async def load_accounts(conn: AsyncConnection) -> dict[int, SourceAccount]:
    """Every account, by row id."""
    return {
        row.id: SourceAccount(
            id=row.id,
            connection_id=row.connection_id,
            key=row.key,
            name=row.name,
            absent_since=row.absent_since_pull,
            removed=row.removed_pull,
            parent=row.parent,
        )
        for row in await conn.execute(select(AccountRow).order_by(col(AccountRow.id)))
    }


async def load_psa_ids(conn: AsyncConnection) -> dict[int, dict[str, str]]:
    """Ids of each account in other systems, as its source stores them, by row id."""
    statement = select(col(AccountRow.id), col(AccountRow.psa_ids))
    return {
        row.id: msgspec.json.decode(row.psa_ids, type=dict[str, str])
        for row in await conn.execute(statement)
    }


async def load_products(conn: AsyncConnection) -> dict[int, SourceProduct]:
    """Every product, by row id."""
    return {
        row.id: SourceProduct(
            id=row.id,
            connection_id=row.connection_id,
            key=row.key,
            name=row.name,
            kind=ProductKind(row.kind),
            measure=Measure(row.measure),
            monthly=row.monthly,
            part=Part(row.part),
            currency=row.currency,
        )
        for row in await conn.execute(select(ProductRow).order_by(col(ProductRow.id)))
    }


async def current_decisions(
    conn: AsyncConnection, kind: DecisionTable
) -> dict[Key, StoredDecision]:
    """The rows that hold now, by key, in the order in which they were written."""
    table = kind.table
    statement = select(table).where(col(table.superseded_at).is_(None)).order_by(col(table.id))
    names = (*kind.key, *kind.content, *kind.provenance)
    found: dict[Key, StoredDecision] = {}
    for row in (await conn.execute(statement)).mappings():
        values = {name: row[name] for name in names}
        found[kind.key_of(values)] = StoredDecision(row["id"], values)
    return found


async def known_uids(conn: AsyncConnection) -> dict[str, int]:
    """Connection id by uid of every configuration there ever was."""
    statement = select(col(BillingConfiguration.uid), col(BillingConfiguration.connection_id))
    return {row.uid: row.connection_id for row in await conn.execute(statement)}


async def uids_by_name(conn: AsyncConnection) -> dict[tuple[int, str], str]:
    """Uid of the configuration that an account had last under a name, by account id and name."""
    table = BillingConfiguration
    statement = (
        select(col(table.account_id), col(table.name), col(table.uid))
        .where(col(table.account_id).is_not(None))
        .order_by(col(table.id))
    )
    return {(row.account_id, row.name): row.uid for row in await conn.execute(statement)}


async def write_decisions(
    conn: AsyncConnection,
    kind: DecisionTable,
    *,
    new: Sequence[Mapping[str, Any]],
    superseded: Collection[int],
    now: datetime,
) -> None:
    """Supersede rows and add new ones; what is billed grows the installation's `data_version`.

    Args:
        conn: a writer's connection.
        kind: which decisions.
        new: key, content and provenance columns of each new row.
        superseded: ids of the current rows that hold no longer.
        now: becomes `superseded_at` of the old rows and `recorded_at` of the new ones.

    Raises:
        sqlalchemy.exc.IntegrityError: two current rows for one key; the callers refuse that
            before, the database refuses it in any case.
    """
    table = kind.table
    if superseded:
        await conn.execute(
            update(table)
            .where(col(table.id) == bindparam("old"), col(table.superseded_at).is_(None))
            .values(superseded_at=now),
            [{"old": row_id} for row_id in superseded],
        )
    if new:
        await conn.execute(insert(table), [{**values, "recorded_at": now} for values in new])
    if kind.billed and (superseded or new):
        await bump_data_version(conn)
