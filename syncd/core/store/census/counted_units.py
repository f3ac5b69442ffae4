"""The single units of many accounts at a pull, judged by the rules that hold for each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

from syncd.core.store.asking import fetch
from syncd.core.store.census.countable import CountPolicy
from syncd.core.store.census.selection import alive, among, listed

if TYPE_CHECKING:
    from datetime import datetime

    from syncd.core.store.asking import Reader

_UNITS = (
    "SELECT u.account_id, u.product_id, p.key, u.unit, u.name, u.excluded, u.attributes"
    " FROM unit_interval u JOIN product p ON p.id = u.product_id"
    " WHERE u.connection_id = :connection AND u.period = '' AND u.quantity > 0"
)


class CountedUnit(NamedTuple):
    """One unit that counts.

    Attributes:
        account_id: row id.
        product_id: row id.
        unit: the source's id.
        name: for people.
    """

    account_id: int
    product_id: int
    unit: str
    name: str


async def counted_units(
    connection: Reader,
    connection_id: int,
    seq: int,
    *,
    moment: datetime,
    accounts: Collection[int],
    products: Collection[int],
    policy: Callable[[int, int], CountPolicy],
) -> list[CountedUnit]:
    """Every unit of these accounts that counts at a pull.

    Args:
        connection: a reader.
        connection_id: whose census.
        seq: number of the pull that proved the accounts.
        moment: start of that pull.
        accounts: row ids.
        products: row ids.
        policy: account and product id -> what decides whether a unit counts.
    """
    statement = (
        f"{_UNITS} AND {alive(':seq')}"
        f" AND {among(connection, 'u.account_id', 'accounts')}"
        f" AND {among(connection, 'u.product_id', 'products')}"
        " ORDER BY u.account_id, p.key, u.unit"
    )
    bound = {
        "connection": connection_id,
        "seq": seq,
        "accounts": listed(connection, accounts),
        "products": listed(connection, products),
    }
    found = []
    for row in await fetch(connection, statement, bound):
        account_id, product_id, key, unit, name, excluded, attributes = row
        rules = policy(account_id, product_id)
        if rules.words(account_id, key, unit) is not None:
            continue
        if rules.counts(rules.reason(excluded, attributes, moment)):
            found.append(CountedUnit(account_id, product_id, unit, name))
    return found
