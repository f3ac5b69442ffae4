"""Units that no bill will ever hold: accounts without a client, products without an asset type.

A location of an account that is split is told apart, since the rest of it may well be linked.

Only what really has countable units is an issue; the rest is listed by `syncd map unmapped`.
SQL text, since every pull looks.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.issue_book import IssueBook
from syncd.core.service.same_seats import held_elsewhere, thing_of
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

UNLINKED_ACCOUNT: Final = "UNLINKED_ACCOUNT"
UNMAPPED_PRODUCT: Final = "UNMAPPED_PRODUCT"
SPLIT_LOCATION_UNLINKED: Final = "SPLIT_LOCATION_UNLINKED"

_UNLINKED = text(
    "SELECT a.id, a.key, a.name, a.parent FROM account a WHERE a.connection_id = :connection "
    "AND NOT EXISTS (SELECT 1 FROM client_link l "
    "WHERE l.account_id = a.id AND l.superseded_at IS NULL) "
    "AND EXISTS (SELECT 1 FROM unit_interval u WHERE u.account_id = a.id "
    "AND u.closed_pull IS NULL AND u.excluded IS NULL AND u.quantity > 0 "
    "AND (u.period = '' OR u.period >= :since)) ORDER BY a.id"
)
_UNITS = text(
    "SELECT a.key, COUNT(*) AS units FROM unit_interval u JOIN account a ON a.id = u.account_id "
    "WHERE a.connection_id = :connection AND a.parent <> '' AND u.closed_pull IS NULL "
    "AND u.excluded IS NULL AND u.quantity > 0 AND (u.period = '' OR u.period >= :since) "
    "GROUP BY a.key"
)
_LINKED = text(
    "SELECT COUNT(*) FROM client_link l JOIN account a ON a.id = l.account_id "
    "WHERE a.connection_id = :connection AND l.superseded_at IS NULL"
)
_UNMAPPED = text(
    "SELECT p.key, p.name FROM product p WHERE p.connection_id = :connection "
    "AND NOT EXISTS (SELECT 1 FROM product_mapping m "
    "WHERE m.product_id = p.id AND m.superseded_at IS NULL) AND p.part = 'whole' "
    "AND EXISTS (SELECT 1 FROM unit_interval u WHERE u.connection_id = p.connection_id "
    "AND u.product_id = p.id AND u.closed_pull IS NULL AND u.excluded IS NULL "
    "AND u.quantity > 0 AND (u.period = '' OR u.period >= :since)) ORDER BY p.id"
)
_MAPPED = text(
    "SELECT p.key FROM product p JOIN product_mapping m ON m.product_id = p.id "
    "WHERE p.connection_id = :connection AND m.superseded_at IS NULL"
)
_CONFIGURED = text(
    "SELECT products, asset_type_key FROM billing_configuration "
    "WHERE connection_id = :connection AND superseded_at IS NULL"
)


async def sync_mapping_issues(
    database: Database, connection: ConnectionRef, *, now: datetime, log: EventLog
) -> None:
    """Open and close the issues of units of one source connection that no bill would hold."""
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, now)
        await write_mapping_issues(book, connection)
    book.speak(log)


async def write_mapping_issues(book: IssueBook, connection: ConnectionRef) -> None:
    """The same inside of the caller's transaction."""
    since = str(Period(book.now.year, book.now.month).previous())
    unlinked, locations = await _unlinked(book.conn, connection, since)
    await book.replace(UNLINKED_ACCOUNT, unlinked)
    await book.replace(SPLIT_LOCATION_UNLINKED, locations)
    await book.replace(UNMAPPED_PRODUCT, await _unmapped(book.conn, connection, since))


async def _unlinked(
    conn: AsyncConnection, connection: ConnectionRef, since: str
) -> tuple[dict[str, Finding], dict[str, Finding]]:
    """One finding per account, and per location of one that is split.

    A single one while the connection has no link at all yet.
    """
    name, values = connection.name, {"connection": connection.id, "since": since}
    rows = (await conn.execute(_UNLINKED, values)).all()
    if rows and not (await conn.execute(_LINKED, {"connection": connection.id})).scalar_one():
        none = {
            name: Finding(
                message=f"None of the {len(rows):,} accounts of {name} that have units is linked "
                "to a client: nothing of it is billed.",
                remedy="See `syncd map propose`, then link with `syncd map links --import FILE`.",
                severity=IssueSeverity.WARNING,
                evidence={"accounts": len(rows)},
            )
        }
        return none, {}
    whole = {
        f"{name}/{row.key}": Finding(
            message=f"Account {row.key} ({row.name}) of {name} has units and no client: they are "
            "not billed.",
            remedy=f"`syncd map link {name} {row.key} CLIENT` (see `syncd map propose`); what is "
            "never billed is excluded in the settings of the connection.",
            evidence={"account": row.key},
        )
        for row in rows
        if not row.parent
    }
    if len(whole) == len(rows):
        return whole, {}
    units = {row.key: row.units for row in await conn.execute(_UNITS, values)}
    return whole, {
        f"{name}/{row.key}": Finding(
            message=f"Location {row.key} ({row.name}) of the split account {row.parent} of {name} "
            f"has {units[row.key]:,} units and no client: they are not billed.",
            remedy=f"`syncd map link {name} {row.key} CLIENT --site SITE`, or "
            "`syncd map propose --export FILE`, then `syncd map links --import FILE`.",
            severity=IssueSeverity.WARNING,
            evidence={
                "account": row.parent,
                "location": row.key,
                "name": row.name,
                "units": units[row.key],
            },
        )
        for row in rows
        if row.parent
    }


async def _unmapped(
    conn: AsyncConnection, connection: ConnectionRef, since: str
) -> dict[str, Finding]:
    """Products in use without an asset type, of their own or of every configuration they are in.

    Of several ways to count the same seats one is enough.
    """
    name, values = connection.name, {"connection": connection.id, "since": since}
    rows = (await conn.execute(_UNMAPPED, values)).all()
    if not rows:
        return {}
    given: dict[str, bool] = {}
    for configuration in await conn.execute(_CONFIGURED, {"connection": connection.id}):
        for product in msgspec.json.decode(configuration.products, type=list[str]):
            given[product] = given.get(product, True) and configuration.asset_type_key != ""
    decided = {key for key, typed in given.items() if typed}
    decided.update(await conn.scalars(_MAPPED, {"connection": connection.id}))
    found: dict[str, Finding] = {}
    things: set[str] = set()
    for row in rows:
        thing, _ = thing_of(row.key)
        if row.key in decided or thing in things or held_elsewhere(row.key, decided):
            continue
        if thing:
            things.add(thing)
        ways = " in any way that it is counted" if thing else ""
        found[f"{name}/{row.key}"] = Finding(
            message=f"Product {row.key} ({row.name}) of {name} has units and no asset type{ways}: "
            "they are not billed.",
            remedy="Give it one with `syncd map products --import FILE`.",
            severity=IssueSeverity.WARNING,
            evidence={"product": row.key},
        )
    return found
