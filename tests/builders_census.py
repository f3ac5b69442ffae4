"""Building pulls in tests: a few words per pull instead of a screen of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from syncd.core.store.census.records import PullResult
from syncd.core.store.census.staging import census_staging
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.types import to_micros
from syncd.sdk.period import Period
from syncd.sdk.records import Account, Observation, Product, ScopeState, ScopeVerdict

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
SERVER = "device:server"
LAPTOP = "device:workstation"
PRODUCTS = (Product(SERVER, "Servers"), Product(LAPTOP, "Workstations"))


def unit(
    account: str,
    name: str,
    *,
    product: str = SERVER,
    quantity: int = 1,
    excluded: str | None = None,
    label: str = "",
) -> Observation:
    """A unit whose id and name are `name`."""
    return Observation(account, product, name, quantity, label or name, b"{}", excluded)


async def connect(database: Database, name: str = "rmm") -> ConnectionRef:
    async with database.writer() as connection:
        return await ensure_connection(connection, name, "acme")


async def pull(
    database: Database,
    connection: ConnectionRef,
    units: Iterable[Observation],
    *,
    roster: Sequence[str] = ("a", "b"),
    at: datetime | None = None,
    scopes: Mapping[str, Sequence[str]] | None = None,
    states: Mapping[str, ScopeState] | None = None,
    period: Period | None = None,
    products: Sequence[Product] = PRODUCTS,
    recorded_at: datetime | None = None,
) -> PullResult:
    """One pull: all accounts in one complete scope, unless said otherwise."""
    at = at or await following(database, connection)
    scopes = {"all": roster} if scopes is None else scopes
    states = states or {}
    async with census_staging(database, connection, period=period) as staging:
        await staging.accounts([Account(key, f"Client {key}") for key in roster])
        for scope, accounts in scopes.items():
            await staging.scope(scope, accounts)
        await staging.add(next(iter(scopes), "all"), list(units))
        verdicts = [
            ScopeVerdict(scope, state, None, 0, () if state is ScopeState.COMPLETE else ("BAD: x",))
            for scope in scopes
            for state in [states.get(scope, ScopeState.COMPLETE)]
        ]
        return await staging.finish(
            verdicts,
            taken_at=at,
            recorded_at=recorded_at or at + timedelta(minutes=1),
            run_id=None,
            products=products,
        )


async def following(database: Database, connection: ConnectionRef) -> datetime:
    """An hour after the newest pull."""
    async with database.reader() as reading:
        found = await reading.scalar(
            text("SELECT max(taken_at) FROM pull WHERE connection_id = :c"), {"c": connection.id}
        )
    if found is None:
        return START
    return datetime.fromtimestamp(found / 1_000_000, UTC) + timedelta(hours=1)


async def void(database: Database, pull_id: int, at: datetime) -> None:
    async with database.writer() as connection:
        await connection.execute(
            text(
                "INSERT INTO pull_void (pull_id, voided_at, voided_by, reason)"
                " VALUES (:p, :at, 'ann', 'wrong')"
            ),
            {"p": pull_id, "at": to_micros(at)},
        )


async def open_units(database: Database, connection: ConnectionRef) -> set[tuple[str, str, int]]:
    """What is open now: account, unit, quantity."""
    async with database.reader() as reading:
        rows = await reading.execute(
            text(
                "SELECT a.key, u.unit, u.quantity FROM unit_interval u"
                " JOIN account a ON a.id = u.account_id"
                " WHERE u.connection_id = :c AND u.closed_pull IS NULL"
            ),
            {"c": connection.id},
        )
        return {(row[0], row[1], row[2]) for row in rows}


async def keys(database: Database, table: str) -> dict[str, int]:
    """Row ids by key of `account` or `product`."""
    async with database.reader() as reading:
        rows = await reading.execute(text(f"SELECT key, id FROM {table}"))
        return {row[0]: row[1] for row in rows}
