"""Units that the census ever had, looked up by the vendor's id."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.selection import among, listed


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A unit of an account, which may be gone.

    Attributes:
        name: the last one.
        products: row ids of the products that it ever counted as.
    """

    name: str
    products: frozenset[int]


async def known_units(
    connection: AsyncConnection, wanted: Collection[tuple[int, str]]
) -> dict[tuple[int, str], KnownUnit]:
    """Those of the wanted units, account id and the vendor's id, that an account ever had."""
    if not wanted:
        return {}
    accounts = among(connection, "u.account_id", "accounts")
    units = among(connection, "u.unit", "units")
    bound = {
        "accounts": listed(connection, {account for account, _ in wanted}),
        "units": listed(connection, {unit for _, unit in wanted}),
    }
    rows = await connection.execute(
        text(
            "SELECT u.account_id, u.unit, u.name, u.product_id FROM unit_interval u"  # noqa: S608 - values are bound
            f" WHERE {accounts} AND {units} ORDER BY u.opened_pull, u.id"
        ),
        bound,
    )
    found: dict[tuple[int, str], KnownUnit] = {}
    for account, unit, name, product in rows:
        before = found.get((account, unit))
        products = before.products if before is not None else frozenset[int]()
        found[account, unit] = KnownUnit(name, products | {product})
    return found
