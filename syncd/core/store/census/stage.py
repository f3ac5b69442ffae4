"""The stage: temporary tables that hold one read, and its comparison with the open intervals.

The stage is a heap without a key, which was measured to be the fastest; the unique index of the
intervals finds conflicting duplicates when the pull is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.place import Dialect

StagedRow = tuple[int, int, str, int, str | None, str, str]
"""account, product, unit, quantity, excluded, name, attributes; new keys have numbers below 0."""

_COLUMNS = "unit, quantity, excluded, name, attributes"

_STAGED = (
    "(account INTEGER NOT NULL, product INTEGER NOT NULL, unit TEXT NOT NULL,"
    " quantity BIGINT NOT NULL, excluded TEXT, name TEXT NOT NULL, attributes TEXT NOT NULL)"
)
_CREATE = (
    f"CREATE TEMP TABLE stage {_STAGED}",
    "CREATE TEMP TABLE proven (account INTEGER PRIMARY KEY, id INTEGER NOT NULL)",
    "CREATE TEMP TABLE counted (product INTEGER PRIMARY KEY, id INTEGER NOT NULL)",
)
_DELTA = (
    "DROP TABLE IF EXISTS to_open",
    "DROP TABLE IF EXISTS to_close",
    f"CREATE TEMP TABLE to_open {_STAGED}",
    "CREATE TEMP TABLE to_close (id BIGINT PRIMARY KEY)",
)
_COUNT_STAGED = text("SELECT count(*) FROM stage")
_CLOSE = text("UPDATE unit_interval SET closed_pull = :seq WHERE id IN (SELECT id FROM to_close)")
_OPEN = """
INSERT INTO unit_interval (connection_id, account_id, product_id, unit, period, quantity, excluded,
                           name, attributes, opened_pull)
SELECT :connection, p.id, c.id, s.unit, :period, s.quantity, s.excluded, s.name, s.attributes, :seq
  FROM {source} s JOIN proven p ON p.account = s.account JOIN counted c ON c.product = s.product
"""
_OPEN_ALL = text(_OPEN.format(source="stage"))
_OPEN_SOME = text(_OPEN.format(source="to_open"))
_CONFLICTS = text(f"""
SELECT account, min(unit) AS unit, count(*) AS units FROM (
    SELECT account, product, unit FROM (SELECT DISTINCT account, product, {_COLUMNS} FROM stage) d
     GROUP BY account, product, unit HAVING count(*) > 1) c
 GROUP BY account ORDER BY account
""")  # noqa: S608 - the columns are a constant of this module


@dataclass(frozen=True, slots=True)
class Delta:
    """How the stage differs from the open intervals.

    Attributes:
        whole: nothing is open yet, so the stage itself is what opens.
        closing: intervals to close.
    """

    whole: bool
    closing: int


class Stage(Protocol):
    """The stage of one pull on its own connection; one implementation per database."""

    async def load(self, connection: AsyncConnection, rows: Sequence[StagedRow]) -> None:
        """Append rows.

        Raises:
            UnicodeEncodeError: a text that no database can hold.
        """
        ...

    async def compare(self, connection: AsyncConnection, connection_id: int, period: str) -> Delta:
        """Fill the tables of differences, for proven accounts only."""
        ...


async def create(connection: AsyncConnection) -> None:
    """Make the tables; they vanish with the connection."""
    for statement in _CREATE:
        await connection.exec_driver_sql(statement)


async def set_proven(connection: AsyncConnection, ids: Iterable[tuple[int, int]]) -> None:
    """Say which accounts may change: number on the stage, row id (0 while it has none)."""
    await connection.exec_driver_sql("DELETE FROM proven")
    await _fill(connection, "INSERT INTO proven (account, id) VALUES (:n, :id)", ids)


async def set_ids(connection: AsyncConnection, ids: Iterable[tuple[int, int]]) -> None:
    """Say which row each proven account got that had none."""
    await _fill(connection, "UPDATE proven SET id = :id WHERE account = :n", ids)


async def set_counted(connection: AsyncConnection, ids: Iterable[tuple[int, int]]) -> None:
    """Say which row each product's number stands for."""
    await connection.exec_driver_sql("DELETE FROM counted")
    await _fill(connection, "INSERT INTO counted (product, id) VALUES (:n, :id)", ids)


async def renumber(
    connection: AsyncConnection, column: str, numbers: Iterable[tuple[int, int]]
) -> None:
    """Replace numbers on the stage whose keys got a row meanwhile: old, new."""
    assert column in {"account", "product"}
    statement = text(f"UPDATE stage SET {column} = :new WHERE {column} = :old")  # noqa: S608 - checked
    for old, new in numbers:
        await connection.execute(statement, {"old": old, "new": new})


async def accounts_of_products(
    connection: AsyncConnection, products: Iterable[int]
) -> list[tuple[int, int]]:
    """Which accounts have units of these products on the stage: product, account."""
    statement = text("SELECT DISTINCT product, account FROM stage WHERE product = :product")
    found: list[tuple[int, int]] = []
    for product in products:
        rows = await connection.execute(statement, {"product": product})
        found.extend((row[0], row[1]) for row in rows)
    return found


async def conflicts(connection: AsyncConnection) -> list[tuple[int, str, int]]:
    """Accounts with units staged twice with different facts: account, one unit, how many."""
    return [(row[0], row[1], row[2]) for row in await connection.execute(_CONFLICTS)]


async def drop_repetitions(connection: AsyncConnection) -> None:
    """Keep one of each set of equal rows."""
    await connection.exec_driver_sql("CREATE TEMP TABLE once AS SELECT DISTINCT * FROM stage")
    await connection.exec_driver_sql("DROP TABLE stage")
    await connection.exec_driver_sql("ALTER TABLE once RENAME TO stage")


async def count_staged(connection: AsyncConnection) -> int:
    return int(await connection.scalar(_COUNT_STAGED) or 0)


async def reset_delta(connection: AsyncConnection) -> None:
    """Make the tables of differences anew, empty."""
    for statement in _DELTA:
        await connection.exec_driver_sql(statement)


async def apply(
    connection: AsyncConnection, delta: Delta, connection_id: int, period: str, seq: int
) -> tuple[int, int]:
    """Close and open intervals at `seq`, inside of the writer; how many were opened and closed.

    Raises:
        sqlalchemy.exc.IntegrityError: a unit was staged twice with different facts.
    """
    closed = 0
    if delta.closing:
        closed = (await connection.execute(_CLOSE, {"seq": seq})).rowcount
    bound = {"connection": connection_id, "period": period, "seq": seq}
    opened = await connection.execute(_OPEN_ALL if delta.whole else _OPEN_SOME, bound)
    return opened.rowcount, closed


async def _fill(
    connection: AsyncConnection, statement: str, rows: Iterable[tuple[int, int]]
) -> None:
    bound: list[dict[str, Any]] = [{"n": n, "id": row_id} for n, row_id in rows]
    if bound:
        await connection.execute(text(statement), bound)


def stage_for(dialect: Dialect) -> Stage:
    """The stage of that database; PostgreSQL's is imported only when it is used."""
    if dialect == "sqlite":
        from syncd.core.store.census.stage_sqlite import SqliteStage

        return SqliteStage()
    from syncd.core.store.census.stage_postgresql import PostgresqlStage

    return PostgresqlStage()
