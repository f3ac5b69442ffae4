"""A synthetic month as rows: clients, decisions, a census, and the bills of the month before.

Written by the plain driver straight into SQLite, since the pull and the billing of the month before
are not what `bench.month` measures.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from syncd.core.store.schema import upgrade
from syncd.core.store.types import to_micros
from syncd.sdk.money import to_scaled

PRODUCTS = 20
DAYS = 30
FIRST_PULL = datetime(2026, 10, 31, 22, tzinfo=UTC)
NOVEMBER_END = datetime(2026, 12, 1, tzinfo=UTC)
DECIDED = to_micros(datetime(2026, 1, 1, tzinfo=UTC))
SOURCE, PSA = 1, 2
CHURN = 50
"""One unit of so many left in the middle of the month, and another came."""

STORAGE, PEAK, MEAN = PRODUCTS, 1, 2
"""Product ids with a method of their own."""


def build(database: Path, clients: int, units: int) -> None:
    """Make the database: one account per client, every product on a line of its own."""
    upgrade(f"sqlite:///{database}")
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    _vendors(connection, clients)
    _decisions(connection, clients)
    _census(connection, clients, units)
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.close()


def product_key(number: int) -> str:
    return "storage:all" if number == STORAGE else f"device:kind-{number:02d}"


def _fill(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, object]]) -> None:
    first = next(rows)
    names = ", ".join(first)
    marks = ", ".join(f":{name}" for name in first)
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
    connection.execute(statement, first)
    connection.executemany(statement, rows)


def _vendors(connection: sqlite3.Connection, clients: int) -> None:
    _fill(
        connection,
        "connection",
        iter(
            [
                {"id": SOURCE, "uid": "aaaaaaaa", "name": "fleet", "connector": "ninjaone",
                 "status": "ok", "status_detail": ""},
                {"id": PSA, "uid": "bbbbbbbb", "name": "psa", "connector": "halopsa",
                 "status": "ok", "status_detail": ""},
            ]
        ),
    )  # fmt: skip
    references = [("client", str(1000 + n), f"Client {n:05d} Ltd") for n in range(1, clients + 1)]
    references += [("asset_type", str(100 + n), f"Asset type {n}") for n in range(1, PRODUCTS + 1)]
    _fill(
        connection,
        "reference",
        (
            {"connection_id": PSA, "kind": kind, "key": key, "name": name, "parent": "",
             "main_site": "", "active": 1, "foreign_ids": "{}", "seen_at": DECIDED}
            for kind, key, name in references
        ),
    )  # fmt: skip
    _fill(
        connection,
        "account",
        (
            {"id": n, "connection_id": SOURCE, "key": str(10 + n), "name": f"Client {n:05d}",
             "psa_ids": "{}", "first_pull": 1}
            for n in range(1, clients + 1)
        ),
    )  # fmt: skip
    _fill(
        connection,
        "product",
        (
            {"id": n, "connection_id": SOURCE, "key": product_key(n), "name": f"Product {n}",
             "kind": "storage" if n == STORAGE else "licence",
             "measure": "byte" if n == STORAGE else "count"}
            for n in range(1, PRODUCTS + 1)
        ),
    )  # fmt: skip


def _decisions(connection: sqlite3.Connection, clients: int) -> None:
    everyone = range(1, clients + 1)
    _fill(
        connection,
        "client_link",
        (
            {"account_id": n, "psa_connection_id": PSA, "client_key": str(1000 + n),
             "site_key": "", "origin": "id", "evidence": "", "confirmed_by": "bench",
             "recorded_at": DECIDED}
            for n in everyone
        ),
    )  # fmt: skip
    _fill(
        connection,
        "product_mapping",
        (
            {"product_id": n, "psa_connection_id": PSA, "asset_type_key": str(100 + n),
             "confirmed_by": "bench", "recorded_at": DECIDED}
            for n in range(1, PRODUCTS + 1)
        ),
    )  # fmt: skip
    # A default rate for all, and for every tenth client five prices of its own.
    rates = [(n, "") for n in range(1, PRODUCTS + 1)]
    rates += [(n, str(1000 + c)) for c in everyone if c % 10 == 0 for n in range(1, 6)]
    _fill(
        connection,
        "rate",
        (
            {"product_id": n, "client_key": client, "cost": to_scaled(Decimal(n) / 4),
             "price": to_scaled(Decimal(n) + (Decimal("0.5") if client else 0)),
             "restore_cost": None, "restore_price": None, "currency": "GBP",
             "valid_from": "2026-01-01", "recorded_at": DECIDED}
            for n, client in rates
        ),
    )  # fmt: skip
    # A peak and a mean for all, two products with an included unit, and every fifth client its own.
    rules: list[tuple[int, str, str, int | None]] = [
        (PEAK, "", "peak", None), (MEAN, "", "average", None),
        (3, "", "point_in_time", 1), (4, "", "point_in_time", 1),
    ]  # fmt: skip
    rules += [(5, str(1000 + c), "point_in_time", 2) for c in everyone if c % 5 == 0]
    _fill(
        connection,
        "quantity_rule",
        (
            {"product_id": n, "client_key": client, "count_method": method,
             "included": None if free is None else to_scaled(Decimal(free)), "bill_blocks": 0,
             "pool": 1, "included_reasons": "", "valid_from": "2026-01-01", "valid_until": "",
             "reason": "contract", "recorded_at": DECIDED}
            for n, client, method, free in rules
        ),
    )  # fmt: skip
    half = PRODUCTS // 2
    shared = [
        ("c-managed", "Managed", "average", range(1, half + 1)),
        ("c-extras", "Extras", "total", range(half + 1, PRODUCTS + 1)),
    ]
    rows: list[tuple[str, int | None, int, str, str, range]] = [(uid, None, place, name, mode, held)
            for place, (uid, name, mode, held) in enumerate(shared)]  # fmt: skip
    # Every twentieth client has configurations of its own.
    rows += [
        (f"{uid}-{c}", c, place, name, mode, held)
        for c in everyone
        if c % 20 == 0
        for place, (uid, name, mode, held) in enumerate(shared)
    ]
    _fill(
        connection,
        "billing_configuration",
        (
            {"uid": uid, "connection_id": SOURCE, "account_id": account, "position": place,
             "name": name, "mode": mode, "products": json.dumps([product_key(n) for n in held]),
             "asset_type_key": "", "supplier": "", "price_owner": "syncd", "cost_owner": "syncd",
             "recorded_at": DECIDED}
            for uid, account, place, name, mode, held in rows
        ),
    )  # fmt: skip


def _census(connection: sqlite3.Connection, clients: int, units: int) -> None:
    """A pull a day; the units of an account are spread evenly over the products."""
    _fill(
        connection,
        "pull",
        (
            {"connection_id": SOURCE, "seq": seq, "period": "",
             "taken_at": to_micros(FIRST_PULL + timedelta(days=seq - 1)),
             "recorded_at": to_micros(FIRST_PULL + timedelta(days=seq - 1, minutes=5)),
             "state": "complete", "declared": units, "seen": units, "opened": 0, "closed": 0}
            for seq in range(1, DAYS + 2)
        ),
    )  # fmt: skip
    _fill(connection, "unit_interval", _units(clients, units))


def _units(clients: int, units: int) -> Iterator[dict[str, object]]:
    middle = DAYS // 2
    for n in range(units):
        account = 1 + n % clients
        product = 1 + n // clients % PRODUCTS
        row: dict[str, object] = {
            "connection_id": SOURCE, "account_id": account, "product_id": product,
            "unit": str(1_000_000 + 3 * n), "period": "",
            "quantity": 2**30 * (1 + n % 7) // 3 if product == STORAGE else 1,
            "excluded": "tag:spare" if n % 97 == 0 else None, "name": f"HOST-{n}",
            "attributes": f'{{"class":"WINDOWS_WORKSTATION","serial":"ABC{n:07d}"}}',
            "opened_pull": 1, "closed_pull": None,
        }  # fmt: skip
        if n % CHURN == 0:
            yield {**row, "closed_pull": middle}
            yield {**row, "unit": f"9{n:07d}", "opened_pull": middle}
        else:
            yield row
