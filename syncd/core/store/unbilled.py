"""Counted units by account and product as they stand now, to show what no decision covers yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.sdk.period import Period

_STANDING = text(
    "SELECT account_id, product_id, COUNT(*) AS units, CAST(SUM(quantity) AS BIGINT) AS quantity "
    "FROM unit_interval WHERE closed_pull IS NULL AND excluded IS NULL "
    "AND (period = '' OR (:since <> '' AND period >= :since)) "
    "GROUP BY account_id, product_id, period ORDER BY account_id, product_id, period"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What one account has of one product now.

    Attributes:
        account_id: row id.
        product_id: row id.
        units: how many counted units.
        quantity: their sum in the product's measure.
    """

    account_id: int
    product_id: int
    units: int
    quantity: int


async def standing_units(conn: AsyncConnection, *, since: Period | None = None) -> list[Standing]:
    """Everything that counts today, excluded units left out.

    Args:
        conn: a reader's connection.
        since: also the newest facts of months, of this one or a later one.
    """
    found = {}
    bound = {"since": "" if since is None else str(since)}
    for row in await conn.execute(_STANDING, bound):
        found[row.account_id, row.product_id] = Standing(*row)
    return list(found.values())
