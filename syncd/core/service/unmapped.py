"""Everything that is counted and that no bill would hold, with how much it is.

Three gaps lose money: an account without a client, a product without an asset type, and a product
that no billing configuration names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from syncd.core.service.same_seats import held_elsewhere
from syncd.core.service.storage_parts import PartBook
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.database import Database
from syncd.core.store.unbilled import Standing, standing_units
from syncd.sdk.period import Period
from syncd.sdk.records import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkedAccount:
    """An account that no client is billed for.

    Attributes:
        connection: name.
        account: the vendor's id.
        name: for people.
        units: counted units of all products.
        quantities: quantity by product key, in the product's measure.
    """

    connection: str
    account: str
    name: str
    units: int
    quantities: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbilledProduct:
    """A product that is counted and does not reach bills.

    Attributes:
        connection: name.
        product: key.
        name: for people.
        units: counted units that are not billed for this reason.
        accounts: how many accounts have them.
    """

    connection: str
    product: str
    name: str
    units: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """The three gaps, each with the largest first.

    Attributes:
        accounts: without a client; those without units too, so that nothing is hidden.
        products: in a configuration without an asset type, and without one of their own.
        unconfigured: of linked accounts, in none of their configurations.
    """

    accounts: Sequence[UnlinkedAccount]
    products: Sequence[UnbilledProduct]
    unconfigured: Sequence[UnbilledProduct]


async def find_unmapped(database: Database, *, today: date) -> Unmapped:
    """Compare what is counted now with what is decided now."""
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=today.isoformat())
        standing = await standing_units(conn, since=Period(today.year, today.month).previous())
    return Unmapped(
        accounts=_unlinked(data, standing),
        products=_products(data, _without_type(data, standing)),
        unconfigured=_products(
            data,
            [
                one
                for one in standing
                if one.account_id in data.links and not _configured(data, one)
            ],
        ),
    )


def _unlinked(data: BillingData, standing: Sequence[Standing]) -> list[UnlinkedAccount]:
    by_account: dict[int, list[Standing]] = {}
    for one in standing:
        by_account.setdefault(one.account_id, []).append(one)
    found = [
        UnlinkedAccount(
            connection=data.connections[account.connection_id].name,
            account=account.key,
            name=account.name,
            units=sum(one.units for one in by_account.get(account.id, ())),
            quantities={
                data.products[one.product_id].key: one.quantity
                for one in by_account.get(account.id, ())
            },
        )
        for account in data.accounts.values()
        if account.id not in data.links and account.removed is None
    ]
    return sorted(found, key=lambda one: (-one.units, one.connection, one.account))


def _without_type(data: BillingData, standing: Sequence[Standing]) -> list[Standing]:
    """Of several ways to count the same seats one with an asset type is enough."""
    lacking = [one for one in standing if _lacks_asset_type(data, one)]
    lack = {one.product_id for one in lacking}
    decided: dict[int, set[str]] = {}
    for one in standing:
        product = data.products[one.product_id]
        if one.product_id not in lack:
            decided.setdefault(product.connection_id, set()).add(product.key)
    return [
        one
        for one in lacking
        for product in [data.products[one.product_id]]
        if not held_elsewhere(product.key, decided.get(product.connection_id, ()))
    ]


def _configured(data: BillingData, one: Standing) -> bool:
    product = data.products[one.product_id]
    if product.part is not Part.WHOLE:
        # It is billed with whatever storage is.
        return PartBook(data).holder(one.account_id) is not None
    key = product.key
    named = {key for held in data.configurations_for(one.account_id) for key in held.products}
    return key in named or held_elsewhere(key, named)


def _lacks_asset_type(data: BillingData, one: Standing) -> bool:
    """No default, and not in a configuration that brings one of its own."""
    if one.product_id in data.asset_types or data.products[one.product_id].part is not Part.WHOLE:
        return False
    key = data.products[one.product_id].key
    holding = [held for held in data.configurations_for(one.account_id) if key in held.products]
    return not holding or any(not held.asset_type_key for held in holding)


def _products(data: BillingData, standing: Sequence[Standing]) -> list[UnbilledProduct]:
    by_product: dict[int, list[Standing]] = {}
    for one in standing:
        by_product.setdefault(one.product_id, []).append(one)
    found = [
        UnbilledProduct(
            connection=data.connections[data.products[product_id].connection_id].name,
            product=data.products[product_id].key,
            name=data.products[product_id].name,
            units=sum(one.units for one in ones),
            accounts=len(ones),
        )
        for product_id, ones in by_product.items()
    ]
    return sorted(found, key=lambda one: (-one.units, one.connection, one.product))
