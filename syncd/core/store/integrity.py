"""Whether a database is sound: its schema, its pages, its references, and the census's own sums."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.database import Database
from syncd.sdk.errors import SchemaOutdated, StoreError

_MOST = 10
"""Findings told of one kind; a damaged file has thousands."""

_SUMS = text("""
SELECT c.name, p.opened - p.closed, coalesce(u.standing, 0) FROM connection c
  JOIN (SELECT connection_id, sum(opened) AS opened, sum(closed) AS closed
          FROM pull GROUP BY connection_id) p ON p.connection_id = c.id
  LEFT JOIN (SELECT connection_id, sum(CASE WHEN closed_pull IS NULL THEN 1 ELSE 0 END) AS standing
          FROM unit_interval GROUP BY connection_id) u ON u.connection_id = c.id
 WHERE p.opened - p.closed <> coalesce(u.standing, 0) ORDER BY c.name
""")
_ORPHANS = text("""
SELECT count(*) FROM unit_interval u
 WHERE NOT EXISTS (SELECT 1 FROM account a
                    WHERE a.id = u.account_id AND a.connection_id = u.connection_id)
    OR NOT EXISTS (SELECT 1 FROM product p
                    WHERE p.id = u.product_id AND p.connection_id = u.connection_id)
""")


@dataclass(frozen=True, slots=True)
class Soundness:
    """The result of one examination.

    Attributes:
        name: `schema`, `pages`, `references` or `census`.
        ok: nothing was found.
        detail: what was looked at, or what is wrong.
        remedy: what to do when it is not ok.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


async def examine(database: Database) -> list[Soundness]:
    """Look at everything; reads the whole database.

    Raises:
        StoreError: the database cannot be read at all.
    """
    found = [await _schema(database)]
    if not found[0].ok:
        return found
    async with database.reader() as connection:
        if database.dialect == "sqlite":
            found.append(await _pages(connection))
            if not found[-1].ok:
                return found
            found.append(await _references(connection))
        found.append(await _census(connection))
    return found


async def _schema(database: Database) -> Soundness:
    try:
        await database.require_schema()
    except SchemaOutdated as error:
        return Soundness("schema", ok=False, detail=str(error), remedy=error.remedy)
    return Soundness("schema", ok=True, detail="is the one of this program")


async def _pages(connection: AsyncConnection) -> Soundness:
    try:
        rows = await connection.execute(text(f"PRAGMA integrity_check({_MOST})"))
        wrong = [row[0] for row in rows if row[0] != "ok"]
    except Exception as error:
        # Some damage makes the check itself fail; anything else is not for us to interpret.
        if "malformed" not in str(error):
            raise
        wrong = ["the file is malformed"]
    if wrong:
        remedy = "stop syncd and restore the file from a backup"
        return Soundness("pages", ok=False, detail="; ".join(wrong), remedy=remedy)
    return Soundness("pages", ok=True, detail="every page and index was read")


async def _references(connection: AsyncConnection) -> Soundness:
    rows = (await connection.execute(text("PRAGMA foreign_key_check"))).fetchmany(_MOST)
    if rows:
        tables = ", ".join(sorted({f"{row[0]} to {row[2]}" for row in rows}))
        remedy = "rows were changed by hand: restore a backup, or report this as a defect"
        return Soundness("references", ok=False, detail=f"broken from {tables}", remedy=remedy)
    return Soundness("references", ok=True, detail="every row points at one that exists")


async def _census(connection: AsyncConnection) -> Soundness:
    wrong = [
        f"'{row[0]}' opened {row[1]:,} more than it closed, and {row[2]:,} stand open"
        for row in await connection.execute(_SUMS)
    ]
    orphans = int(await connection.scalar(_ORPHANS) or 0)
    if orphans:
        wrong.append(f"{orphans:,} units belong to no account or product of their connection")
    if wrong:
        remedy = "rows were changed by hand: restore a backup, or report this as a defect"
        return Soundness("census", ok=False, detail="; ".join(wrong), remedy=remedy)
    return Soundness("census", ok=True, detail="the units that stand open add up from all pulls")


def require_sound(found: list[Soundness]) -> None:
    """Turn what is wrong into an error.

    Raises:
        SchemaOutdated: the schema is not that of this program.
        StoreError: the database is damaged or its rows do not add up.
    """
    for one in found:
        if one.ok:
            continue
        kind = SchemaOutdated if one.name == "schema" else StoreError
        raise kind(f"{one.name}: {one.detail}", remedy=one.remedy)
