"""Units whose facts state a term, and the prices that may tell what they are worth.

SQL text, since every pull looks; an index holds only such units, so that a million others cost
nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from syncd.core.store.asking import fetch, scalar
from syncd.core.store.census.selection import STATES_A_TERM, alive, among, listed
from syncd.core.store.micros import from_micros
from syncd.sdk.money import from_scaled
from syncd.sdk.terms import Term, term_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_STATED = (
    "FROM unit_interval WHERE connection_id = :connection AND closed_pull IS NULL"
    " AND {condition} AND period = ''"
)
_UNITS = (
    "SELECT account_id, product_id, unit, name, quantity, excluded, attributes "
    + _STATED
    + "{chosen} ORDER BY account_id"
)
_AT = (
    "SELECT u.account_id, u.product_id, u.attributes FROM unit_interval u"
    " WHERE u.connection_id = :connection AND {chosen} AND u.period = '' AND {condition}"
    " AND {alive}"
)
_ELSEWHERE = (
    "SELECT u.unit FROM unit_interval u JOIN connection c ON c.id = u.connection_id"
    " WHERE u.connection_id <> :connection AND u.closed_pull IS NULL AND {condition}"
    " AND u.period = '' AND {units} AND {names}"
)
_HOW_MANY = "SELECT count(*) " + _STATED
_ACCOUNTS = "SELECT id, key, name FROM account WHERE connection_id = :connection"
_PRODUCTS = "SELECT id, key, name FROM product WHERE connection_id = :connection"
_LINKS = (
    "SELECT l.account_id, l.client_key, r.name FROM client_link l"
    " JOIN account a ON a.id = l.account_id"
    " LEFT JOIN reference r ON r.connection_id = l.psa_connection_id AND r.kind = 'client'"
    " AND r.key = l.client_key"
    " WHERE l.superseded_at IS NULL AND a.connection_id = :connection"
)
_RATES = (
    "SELECT product_id, client_key, price, cost, cycle FROM rate"
    " WHERE superseded_at IS NULL AND currency = :currency AND valid_from <= :day"
    " ORDER BY valid_from, id"
)
_READ_AT = (
    "SELECT max(taken_at) FROM pull p WHERE connection_id = :connection AND state <> 'unknown'"
    " AND period = '' AND NOT EXISTS (SELECT 1 FROM pull_void v WHERE v.pull_id = p.id)"
)


_BATCH: Final = 1_000
"""Rows at a time: each wait for the driver costs as much as twenty rows."""


@dataclass(frozen=True, slots=True)
class Named:
    """An account or a product: the vendor's id and the name for people."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class LinkedClient:
    """The PSA client of an account."""

    key: str
    name: str


class TermUnit(NamedTuple):
    """A unit that is there now and states a term; see `syncd.sdk.records.Observation`.

    `purchases` are ids of what was bought, where the unit stands for purchases of another source.
    """

    account_id: int
    product_id: int
    unit: str
    name: str
    quantity: int
    excluded: str | None
    term: Term
    purchases: tuple[str, ...]

    def is_told(self, elsewhere: Collection[str]) -> bool:
        """Whether the units of other sources state all of its terms already."""
        return bool(self.purchases) and all(one in elsewhere for one in self.purchases)


class _Facts(msgspec.Struct):
    term: Term | None = None
    purchases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldRate:
    """Price and cost of one unit for one cycle; None where nobody set it."""

    price: Decimal | None
    cost: Decimal | None
    cycle: str


async def any_term(conn: AsyncConnection, connection_id: int) -> bool:
    """Whether any unit of the connection states a term.

    They are counted, because a planner that is asked for the first one expects it soon, and looks
    through all units of a connection that has none.
    """
    question = _HOW_MANY.format(condition=STATES_A_TERM[_dialect(conn)])
    return bool(await scalar(conn, question, {"connection": connection_id}))


async def units_with_terms(
    conn: AsyncConnection, connection_id: int, *, accounts: Collection[int] | None = None
) -> AsyncIterator[TermUnit]:
    """Every unit there is now that states a term, one by one, those of one account together.

    Args:
        conn: a reader's connection.
        connection_id: row id.
        accounts: row ids; None for all.
    """
    from sqlalchemy import text

    bound: dict[str, object] = {"connection": connection_id}
    chosen = ""
    if accounts is not None:
        chosen = f" AND {among(conn, 'account_id', 'accounts')}"
        bound["accounts"] = listed(conn, accounts)
    question = _UNITS.format(condition=STATES_A_TERM[_dialect(conn)], chosen=chosen)
    async for rows in (await conn.stream(text(question), bound)).partitions(_BATCH):
        for account, product, unit, name, quantity, excluded, attributes in rows:
            facts = _facts(attributes)
            if facts.term is not None:
                yield TermUnit(
                    account, product, unit, name, quantity, excluded, facts.term, facts.purchases
                )


async def units_elsewhere(
    conn: AsyncConnection,
    connection_id: int,
    units: Iterable[TermUnit],
    *,
    connections: Collection[str],
) -> set[str]:
    """Which purchases of these units are units with a term of another source.

    Args:
        conn: a reader's connection.
        connection_id: row id of the connection of the units.
        units: of it.
        connections: names of the sources that count.
    """
    wanted = {one for unit in units for one in unit.purchases}
    if not wanted:
        return set()
    question = _ELSEWHERE.format(
        condition=STATES_A_TERM[_dialect(conn)],
        units=among(conn, "u.unit", "units"),
        names=among(conn, "c.name", "names"),
    )
    bound = {
        "connection": connection_id,
        "units": listed(conn, wanted),
        "names": listed(conn, connections),
    }
    return {row[0] for row in await fetch(conn, question, bound)}


async def terms_at(
    conn: AsyncConnection, connection_id: int, seq: int, products: Collection[int]
) -> AsyncIterator[tuple[int, int, Term]]:
    """The terms of all units of these products at a pull: account and product id with each."""
    from sqlalchemy import text

    question = _AT.format(
        condition=STATES_A_TERM[_dialect(conn)],
        chosen=among(conn, "u.product_id", "products"),
        alive=alive(":seq"),
    )
    bound = {"connection": connection_id, "seq": seq, "products": listed(conn, products)}
    async for rows in (await conn.stream(text(question), bound)).partitions(_BATCH):
        for account, product, attributes in rows:
            term = term_of(attributes)
            if term is not None:
                yield account, product, term


async def accounts_of(conn: AsyncConnection, connection_id: int) -> Mapping[int, Named]:
    """Accounts of a connection by row id."""
    rows = await fetch(conn, _ACCOUNTS, {"connection": connection_id})
    return {row[0]: Named(row[1], row[2]) for row in rows}


async def products_of(conn: AsyncConnection, connection_id: int) -> Mapping[int, Named]:
    """Products of a connection by row id."""
    rows = await fetch(conn, _PRODUCTS, {"connection": connection_id})
    return {row[0]: Named(row[1], row[2]) for row in rows}


async def clients_of(conn: AsyncConnection, connection_id: int) -> Mapping[int, LinkedClient]:
    """PSA clients by account id; an account that is not linked is absent."""
    rows = await fetch(conn, _LINKS, {"connection": connection_id})
    return {row[0]: LinkedClient(row[1], row[2] or row[1]) for row in rows}


async def rates_on(
    conn: AsyncConnection, day: date, currency: str
) -> Mapping[tuple[int, str], HeldRate]:
    """The rate that holds on a day by product id and client key, which is empty for the default."""
    rows = await fetch(conn, _RATES, {"day": day.isoformat(), "currency": currency})
    return {(row[0], row[1]): HeldRate(_amount(row[2]), _amount(row[3]), row[4]) for row in rows}


async def read_at(conn: AsyncConnection, connection_id: int) -> datetime | None:
    """When the newest pull that proved anything began; None before the first."""
    found = await scalar(conn, _READ_AT, {"connection": connection_id})
    return None if found is None else from_micros(found)


def _facts(attributes: str) -> _Facts:
    """The term, also where what was bought is not written as it should be."""
    try:
        return msgspec.json.decode(attributes, type=_Facts)
    except msgspec.MsgspecError:
        return _Facts(term_of(attributes))


def _amount(stored: int | None) -> Decimal | None:
    return None if stored is None else from_scaled(stored)


def _dialect(conn: AsyncConnection) -> str:
    return conn.dialect.name
