"""Counted units by account and product as they stand now, to show what no decision covers yet."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_STANDING = text(
    "SELECT account_id, product_id, COUNT(*) AS units, CAST(SUM(quantity) AS BIGINT) AS quantity "
    "FROM unit_interval WHERE closed_pull IS NULL AND excluded IS NULL AND period = '' "
    "GROUP BY account_id, product_id ORDER BY account_id, product_id"
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


async def standing_units(conn: AsyncConnection) -> list[Standing]:
    """Everything that counts today, excluded units left out."""
    return [Standing(*row) for row in await conn.execute(_STANDING)]
