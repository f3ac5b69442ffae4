"""The stage on SQLite: look each staged row up in the open key, in the vendor's order.

Rows that are equal are noted in `seen` by row id; what is open and not seen closes, what is staged
and has no equal opens. Both steps are left out when counts prove that they would find nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.stage import (
    Delta,
    StagedRow,
    count_staged,
    reset_delta,
)

_ROW = "(?, ?, ?, ?, ?, ?, ?)"
_LOAD = f"INSERT INTO temp.stage VALUES {_ROW}"  # noqa: S608 - constants of this module
_WIDTH = 40
_LOAD_WIDE = f"INSERT INTO temp.stage VALUES {', '.join([_ROW] * _WIDTH)}"  # noqa: S608 - as above
"""A quarter faster than row by row: Python's driver pays for each step of a statement."""

_SAME_UNIT = (
    "u.connection_id = :connection AND u.product_id = s.product AND u.unit = s.unit"
    " AND u.account_id = s.account AND u.period = :period AND u.closed_pull IS NULL"
)
_SAME_FACTS = (
    "u.quantity = s.quantity AND u.name = s.name AND u.excluded IS s.excluded"
    " AND u.attributes = s.attributes"
)
_COUNT_OPEN = text(
    "SELECT count(*) FROM unit_interval INDEXED BY ux_open"
    " WHERE connection_id = :connection AND closed_pull IS NULL AND period = :period"
)
_MAKE_SEEN = "CREATE TEMP TABLE seen (id INTEGER PRIMARY KEY, staged INTEGER NOT NULL)"
# CROSS JOIN keeps SQLite from turning the order round, INDEXED BY from another index.
_SEEN = text(f"""
INSERT OR IGNORE INTO temp.seen (id, staged)
SELECT u.id, s.rowid FROM temp.stage s CROSS JOIN unit_interval u INDEXED BY ux_open
    ON {_SAME_UNIT} WHERE {_SAME_FACTS}
""")  # noqa: S608 - constants of this module
_TO_OPEN = text("""
INSERT INTO temp.to_open
SELECT s.* FROM temp.stage s WHERE s.account IN (SELECT account FROM temp.proven)
   AND s.rowid NOT IN (SELECT staged FROM temp.seen)
""")
_TO_CLOSE = text("""
INSERT INTO temp.to_close
SELECT u.id FROM unit_interval u INDEXED BY ux_open
 WHERE u.connection_id = :connection AND u.closed_pull IS NULL AND u.period = :period
   AND u.account_id IN (SELECT account FROM temp.proven)
   AND NOT EXISTS (SELECT 1 FROM temp.seen WHERE seen.id = u.id)
""")


class SqliteStage:
    """See `stage.Stage`."""

    async def load(self, connection: AsyncConnection, rows: Sequence[StagedRow]) -> None:
        whole = len(rows) - len(rows) % _WIDTH
        starts = range(0, whole, _WIDTH)
        wide = [tuple(chain.from_iterable(rows[n : n + _WIDTH])) for n in starts]
        if wide:
            await connection.exec_driver_sql(_LOAD_WIDE, wide)
        if whole < len(rows):
            await connection.exec_driver_sql(_LOAD, list(rows[whole:]))

    async def compare(self, connection: AsyncConnection, connection_id: int, period: str) -> Delta:
        await reset_delta(connection)
        bound = {"connection": connection_id, "period": period}
        open_now = int(await connection.scalar(_COUNT_OPEN, bound) or 0)
        if open_now == 0:
            return Delta(whole=True, closing=0)
        await connection.exec_driver_sql("DROP TABLE IF EXISTS temp.seen")
        await connection.exec_driver_sql(
            "CREATE TEMP TABLE seen (id INTEGER PRIMARY KEY, staged INTEGER NOT NULL)"
        )
        seen = (await connection.execute(_SEEN, bound)).rowcount
        if seen < await count_staged(connection):
            await connection.execute(_TO_OPEN)
        closing = 0
        if seen < open_now:
            closing = (await connection.execute(_TO_CLOSE, bound)).rowcount
        return Delta(whole=False, closing=closing)
