"""What vendors charged, added up: sums are gathered beside the database and replace a read at once.

A read stands until the whole next one is written; a process that dies in between leaves it as it
was, because its sums lie in a temporary table until then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.census.selection import among, gathered, listed
from syncd.core.store.tables.purchasing import PurchaseRead, PurchaseSum
from syncd.sdk.money import from_scaled
from syncd.sdk.records import PurchaseProof

FINE = 10**8
"""Parts of the smallest stored unit, in which the rest of an amount beyond 8 decimals is kept."""

SpilledRow = tuple[str, str, str, str, str, str, str, str, int, int, int, int, int]
"""account, sku, subscription, charge, currency, account name, product, name, quantity and its
rest, cost and its rest, lines; a rest is in parts of `FINE` and never negative."""

_COLUMNS = (
    "account, sku, subscription, charge, currency, account_name, product, name,"
    " quantity, quantity_rest, cost, cost_rest, lines"
)
_CREATE = (
    "CREATE TEMP TABLE gathered (account TEXT NOT NULL, sku TEXT NOT NULL,"
    " subscription TEXT NOT NULL, charge TEXT NOT NULL, currency TEXT NOT NULL,"
    " account_name TEXT NOT NULL, product TEXT NOT NULL, name TEXT NOT NULL,"
    " quantity BIGINT NOT NULL, quantity_rest BIGINT NOT NULL, cost BIGINT NOT NULL,"
    " cost_rest BIGINT NOT NULL, lines BIGINT NOT NULL)"
)
_COPY = f"COPY gathered ({_COLUMNS}) FROM STDIN"
_INSERT = f"INSERT INTO gathered ({_COLUMNS}) VALUES ({', '.join('?' * 13)})"  # noqa: S608 - constants
_KEY = "account, sku, subscription, charge, currency"
_HALF = FINE // 2
_ADD_UP = """
CREATE TEMP TABLE added AS
SELECT {key}, max(account_name) AS account_name, max(product) AS product, max(name) AS name,
       CAST(sum(quantity) + {quantity} AS BIGINT) AS quantity,
       CAST(sum(cost) + {cost} AS BIGINT) AS cost,
       CAST(sum(lines) AS BIGINT) AS lines
  FROM gathered GROUP BY {key}
"""
_WHOLE = {
    "sqlite": f"(sum({{0}}) + {_HALF}) / {FINE}",
    "postgresql": f"div(sum({{0}}) + {_HALF}, {FINE})",
}
"""What the rests of a sum come to, to the nearest; each of them is 0 or more."""

_WRITE = text(f"""
INSERT INTO purchase_sum (read_id, account_key, sku, subscription, charge, currency, account_name,
                          product, name, quantity, cost, lines)
SELECT :read, {_KEY}, account_name, product, name, quantity, cost, lines
  FROM added ORDER BY {_KEY}
""")  # noqa: S608 - constants of this module
_FORGET = text(
    "DELETE FROM purchase_sum WHERE read_id IN (SELECT id FROM purchase_read"
    " WHERE connection_id = :connection AND billed = :billed AND superseded_at IS NOT NULL)"
)


class Summed(msgspec.Struct, frozen=True, gc=False):
    """The lines of one purchase in one read, added up by kind of charge.

    Attributes:
        account: the vendor's id of the customer, empty where the lines name none.
        account_name: for people.
        product: product key where the same connection counts it, else empty.
        sku: the vendor's id of what was bought.
        name: for people.
        subscription: id of the purchase.
        charge: kind of charge.
        currency: of the cost.
        quantity: that was charged, signed.
        cost: before tax, signed.
        lines: that are behind it.
    """

    account: str
    account_name: str
    product: str
    sku: str
    name: str
    subscription: str
    charge: str
    currency: str
    quantity: Decimal
    cost: Decimal
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRead:
    """The read of a month that stands.

    Attributes:
        id: row id.
        connection_id: whose.
        period: the vendor's billing month.
        billed: lines of invoices, rather than of what is not invoiced yet.
        lines: that were read.
        documents: numbers of the vendor's invoices.
        version: of the vendor's data.
        notes: codes with a detail.
        taken_at: when, UTC.
        run_id: of the run.
    """

    id: int
    connection_id: int
    period: str
    billed: bool
    lines: int
    documents: tuple[str, ...]
    version: str
    notes: tuple[str, ...]
    taken_at: datetime
    run_id: str


async def open_gathering(scratch: AsyncConnection) -> None:
    """Make the temporary table; it vanishes with the connection."""
    await scratch.exec_driver_sql(_CREATE)


async def gather(scratch: AsyncConnection, rows: Sequence[SpilledRow]) -> None:
    """Append sums; those of one group are added together when the read is written."""
    raw: Any = (await scratch.get_raw_connection()).driver_connection
    if scratch.dialect.name == "sqlite":
        await raw.executemany(_INSERT, rows)
        return
    async with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            await copy.write_row(row)


async def add_up(scratch: AsyncConnection) -> None:
    """Bring what was gathered to one row per group, before anybody has to wait for the write."""
    whole = _WHOLE[scratch.dialect.name]
    rests = {name: whole.format(f"{name}_rest") for name in ("quantity", "cost")}
    await scratch.exec_driver_sql(_ADD_UP.format(key=_KEY, **rests))


async def replace_read(
    conn: AsyncConnection,
    connection_id: int,
    period: str,
    proof: PurchaseProof,
    *,
    billed: bool,
    run_id: str,
    taken_at: datetime,
    now: datetime,
) -> int:
    """Write what was added up as the read that stands; the row id of it.

    Sums of what was not invoiced yet are forgotten with the read that they belong to, as they
    change daily; those of invoices stay.
    """
    await conn.execute(
        update(PurchaseRead)
        .where(
            col(PurchaseRead.connection_id) == connection_id,
            col(PurchaseRead.period) == period,
            col(PurchaseRead.billed).is_(billed),
            col(PurchaseRead.superseded_at).is_(None),
        )
        .values(superseded_at=now)
    )
    if not billed:
        await conn.execute(_FORGET, {"connection": connection_id, "billed": billed})
    made = await conn.execute(
        insert(PurchaseRead)
        .values(
            connection_id=connection_id,
            period=period,
            billed=billed,
            run_id=run_id,
            lines=proof.lines,
            documents=_encoded(proof.documents),
            version=proof.version,
            notes=_encoded(proof.notes),
            taken_at=taken_at,
        )
        .returning(col(PurchaseRead.id))
    )
    read_id = int(made.scalar_one() or 0)
    await conn.execute(_WRITE, {"read": read_id})
    return read_id


async def standing_reads(
    conn: AsyncConnection, period: str, *, billed: bool
) -> dict[int, StoredRead]:
    """The reads of a month that stand, by connection id."""
    rows = await conn.execute(
        select(
            PurchaseRead.__table__.columns  # type: ignore[attr-defined]
        ).where(
            col(PurchaseRead.period) == period,
            col(PurchaseRead.billed).is_(billed),
            col(PurchaseRead.superseded_at).is_(None),
        )
    )
    return {row.connection_id: _read(row) for row in rows}


async def load_sums(
    conn: AsyncConnection, read_id: int, *, accounts: Collection[str] | None = None
) -> list[Summed]:
    """The sums of a read, of these accounts or of all."""
    columns = (
        "account_key, account_name, product, sku, name, subscription, charge, currency,"
        " quantity, cost, lines"
    )
    bound: dict[str, Any] = {"read": read_id}
    chosen = ""
    if accounts is not None:
        chosen = f" AND {among(conn, 'account_key', 'accounts')}"
        bound["accounts"] = listed(conn, accounts)
    found = await conn.scalar(
        text(
            f"SELECT {gathered(conn, columns)} FROM purchase_sum"  # noqa: S608 - values are bound
            f" WHERE read_id = :read{chosen}"
        ),
        bound,
    )
    return [
        Summed(*row[:8], from_scaled(row[8]), from_scaled(row[9]), row[10])
        for row in _ROWS.decode(found or "[]")
    ]


_ROWS = msgspec.json.Decoder(list[tuple[str, str, str, str, str, str, str, str, int, int, int]])
_TEXTS = msgspec.json.Decoder(tuple[str, ...])


def _read(row: Any) -> StoredRead:
    return StoredRead(
        id=row.id,
        connection_id=row.connection_id,
        period=row.period,
        billed=row.billed,
        lines=row.lines,
        documents=_TEXTS.decode(row.documents),
        version=row.version,
        notes=_TEXTS.decode(row.notes),
        taken_at=row.taken_at,
        run_id=row.run_id,
    )


def _encoded(texts: Iterable[str]) -> str:
    return msgspec.json.encode(list(texts)).decode()


__all__ = [
    "FINE",
    "PurchaseSum",
    "SpilledRow",
    "StoredRead",
    "Summed",
    "add_up",
    "gather",
    "load_sums",
    "open_gathering",
    "replace_read",
    "standing_reads",
]
