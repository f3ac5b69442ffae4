"""The stage on PostgreSQL: COPY in, then two anti-joins that the server plans by itself.

Without ANALYZE the server takes the stage for tiny and joins it row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.stage import Delta, StagedRow, reset_delta

_COPY = "COPY stage (account, product, unit, quantity, excluded, name, attributes) FROM STDIN"
_SAME = (
    "u.connection_id = :connection AND u.product_id = s.product AND u.unit = s.unit"
    " AND u.account_id = s.account AND u.period = :period AND u.closed_pull IS NULL"
    " AND u.quantity = s.quantity AND u.name = s.name"
    " AND u.excluded IS NOT DISTINCT FROM s.excluded AND u.attributes = s.attributes"
)
_ANY_OPEN = text(
    "SELECT 1 FROM unit_interval"
    " WHERE connection_id = :connection AND closed_pull IS NULL AND period = :period LIMIT 1"
)
_TO_OPEN = text(f"""
INSERT INTO to_open
SELECT s.* FROM stage s WHERE s.account IN (SELECT account FROM proven)
   AND NOT EXISTS (SELECT 1 FROM unit_interval u WHERE {_SAME})
""")  # noqa: S608 - constants of this module
_TO_CLOSE = text(f"""
INSERT INTO to_close
SELECT u.id FROM unit_interval u
 WHERE u.connection_id = :connection AND u.closed_pull IS NULL AND u.period = :period
   AND u.account_id IN (SELECT account FROM proven)
   AND NOT EXISTS (SELECT 1 FROM stage s WHERE {_SAME})
""")  # noqa: S608 - as above
_NUL = "\x00"


class PostgresqlStage:
    """See `stage.Stage`."""

    async def load(self, connection: AsyncConnection, rows: Sequence[StagedRow]) -> None:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        async with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
            for row in rows:
                await copy.write_row(_storable(row))

    async def compare(self, connection: AsyncConnection, connection_id: int, period: str) -> Delta:
        await reset_delta(connection)
        bound = {"connection": connection_id, "period": period}
        if await connection.scalar(_ANY_OPEN, bound) is None:
            return Delta(whole=True, closing=0)
        await connection.exec_driver_sql("ANALYZE stage")
        await connection.exec_driver_sql("ANALYZE proven")
        await connection.execute(_TO_OPEN, bound)
        closing = (await connection.execute(_TO_CLOSE, bound)).rowcount
        return Delta(whole=False, closing=closing)


def _storable(row: StagedRow) -> StagedRow:
    """PostgreSQL's text cannot hold the character NUL; a replacement sign stands for it."""
    if _NUL in row[2] or _NUL in row[5]:
        return (*row[:2], _plain(row[2]), *row[3:5], _plain(row[5]), row[6])
    return row


def _plain(value: str) -> str:
    return value.replace(_NUL, "\N{REPLACEMENT CHARACTER}")
