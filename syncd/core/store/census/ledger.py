"""The rows around the intervals: accounts, products, pulls and their gaps, as SQL text.

SQL text and not the table classes, since importing those costs a pull a third of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.census.judgement import KnownAccount
from syncd.core.store.census.records import Gap
from syncd.core.store.types import from_micros, to_micros
from syncd.sdk.records import Account, Product, ScopeState, canonical_json

_LAST_PULL = text(
    "SELECT seq, taken_at FROM pull WHERE connection_id = :connection ORDER BY seq DESC LIMIT 1"
)
_ACCOUNTS = text("""
SELECT a.key, a.id, a.name, a.psa_ids,
       CASE WHEN va.pull_id IS NULL THEN a.absent_since_pull END AS absent_since,
       CASE WHEN vr.pull_id IS NULL THEN a.removed_pull END AS removed, a.parent
  FROM account a
  LEFT JOIN pull pa ON pa.connection_id = a.connection_id AND pa.seq = a.absent_since_pull
  LEFT JOIN (SELECT DISTINCT pull_id FROM pull_void) va ON va.pull_id = pa.id
  LEFT JOIN pull pr ON pr.connection_id = a.connection_id AND pr.seq = a.removed_pull
  LEFT JOIN (SELECT DISTINCT pull_id FROM pull_void) vr ON vr.pull_id = pr.id
 WHERE a.connection_id = :connection ORDER BY a.id
""")
_INSERT_ACCOUNT = text(
    "INSERT INTO account (connection_id, key, name, psa_ids, parent, first_pull)"
    " VALUES (:connection, :key, :name, :psa_ids, :parent, :seq)"
)
_RENAME_ACCOUNT = text(
    "UPDATE account SET name = :name, psa_ids = :psa_ids, parent = :parent WHERE id = :id"
)
_RETURNED = text("UPDATE account SET absent_since_pull = NULL, removed_pull = NULL WHERE id = :id")
_ABSENT = text("UPDATE account SET absent_since_pull = :seq, removed_pull = NULL WHERE id = :id")
_REMOVED = text("UPDATE account SET removed_pull = :seq WHERE id = :id")
_PRODUCTS = text("SELECT key, id FROM product WHERE connection_id = :connection")
_INSERT_PRODUCT = text(
    "INSERT INTO product (connection_id, key, name, kind, measure, monthly, part, currency)"
    " VALUES (:connection, :key, :name, :kind, :measure, :monthly, :part, :currency)"
)
_UPDATE_PRODUCT = text(
    "UPDATE product SET name = :name, kind = :kind, measure = :measure, monthly = :monthly,"
    " part = :part, currency = :currency WHERE connection_id = :connection AND key = :key"
    " AND (name <> :name OR kind <> :kind OR measure <> :measure OR monthly <> :monthly"
    " OR part <> :part OR currency <> :currency)"
)
_INSERT_PULL = text(
    "INSERT INTO pull (connection_id, seq, period, taken_at, recorded_at, state, declared, seen,"
    " opened, closed, run_id) VALUES (:connection, :seq, :period, :taken_at, :recorded_at, :state,"
    " :declared, :seen, :opened, :closed, :run_id)"
)
_PULL_ID = text("SELECT id FROM pull WHERE connection_id = :connection AND seq = :seq")
_INSERT_GAP = text(
    "INSERT INTO pull_gap (pull_id, scope, account_id, state, reason)"
    " VALUES (:pull, :scope, :account, :state, :reason)"
)


async def last_pull(connection: AsyncConnection, connection_id: int) -> tuple[int, datetime | None]:
    """Number and start of the newest pull; 0 and None when there is none."""
    row = (await connection.execute(_LAST_PULL, {"connection": connection_id})).one_or_none()
    return (0, None) if row is None else (row[0], from_micros(row[1]))


async def load_accounts(connection: AsyncConnection, connection_id: int) -> dict[str, KnownAccount]:
    """The accounts by key."""
    rows = await connection.execute(_ACCOUNTS, {"connection": connection_id})
    return {row[0]: KnownAccount(*row[1:]) for row in rows}


async def load_products(connection: AsyncConnection, connection_id: int) -> dict[str, int]:
    """Row ids of products by key."""
    rows = await connection.execute(_PRODUCTS, {"connection": connection_id})
    return {row[0]: row[1] for row in rows}


async def write_accounts(
    connection: AsyncConnection,
    connection_id: int,
    seq: int,
    roster: Iterable[Account],
    known: Mapping[str, KnownAccount],
) -> None:
    """Make new accounts, and bring names, foreign ids and parents of known ones up to date."""
    made, renamed, returned = [], [], []
    for account in roster:
        psa_ids = canonical_json(account.psa_ids).decode()
        facts = {"name": account.name, "psa_ids": psa_ids, "parent": account.parent or ""}
        found = known.get(account.key)
        if found is None:
            made.append(facts | {"connection": connection_id, "key": account.key, "seq": seq})
            continue
        if (found.name, found.psa_ids, found.parent) != tuple(facts.values()):
            renamed.append(facts | {"id": found.id})
        if found.absent_since is not None or found.removed is not None:
            returned.append({"id": found.id})
    for statement, rows in (
        (_INSERT_ACCOUNT, made),
        (_RENAME_ACCOUNT, renamed),
        (_RETURNED, returned),
    ):
        if rows:
            await connection.execute(statement, rows)


async def write_absences(
    connection: AsyncConnection, seq: int, absent: Iterable[int], removed: Iterable[int]
) -> None:
    """Note which accounts this pull missed first, and whose absence it confirmed."""
    for statement, ids in ((_ABSENT, absent), (_REMOVED, removed)):
        rows = [{"seq": seq, "id": row_id} for row_id in ids]
        if rows:
            await connection.execute(statement, rows)


async def write_products(
    connection: AsyncConnection,
    connection_id: int,
    products: Iterable[Product],
    known: Mapping[str, int],
) -> None:
    """Make new products and bring known ones up to date."""
    for product in products:
        row = {
            "connection": connection_id,
            "key": product.key,
            "name": product.name,
            "kind": product.kind.value,
            "measure": product.measure.value,
            "monthly": product.monthly,
            "part": product.part.value,
            "currency": product.currency,
        }
        statement = _UPDATE_PRODUCT if product.key in known else _INSERT_PRODUCT
        await connection.execute(statement, row)


async def write_pull(
    connection: AsyncConnection,
    connection_id: int,
    *,
    seq: int,
    period: str,
    taken_at: datetime,
    recorded_at: datetime,
    state: ScopeState,
    declared: int | None,
    seen: int,
    opened: int,
    closed: int,
    run_id: str | None,
) -> int:
    """Record a pull; its row id."""
    await connection.execute(
        _INSERT_PULL,
        {
            "connection": connection_id,
            "seq": seq,
            "period": period,
            "taken_at": to_micros(taken_at),
            "recorded_at": to_micros(recorded_at),
            "state": state.value,
            "declared": declared,
            "seen": seen,
            "opened": opened,
            "closed": closed,
            "run_id": run_id,
        },
    )
    return int(await connection.scalar(_PULL_ID, {"connection": connection_id, "seq": seq}) or 0)


async def write_gaps(
    connection: AsyncConnection, pull_id: int, gaps: Iterable[Gap], ids: Mapping[str, int]
) -> None:
    """Record what a pull did not prove; accounts without a row are named in the reason."""
    rows = [
        {
            "pull": pull_id,
            "scope": gap.scope,
            "account": None if gap.account_key is None else ids.get(gap.account_key),
            "state": gap.state.value,
            "reason": gap.reason,
        }
        for gap in gaps
    ]
    if rows:
        await connection.execute(_INSERT_GAP, rows)
