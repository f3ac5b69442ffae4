"""The census alone: staging, comparing and recording a pull, and asking it; one process per size.

python -m bench.census                                 10,000 and 100,000 units on SQLite
python -m bench.census --sizes 10000 100000 1000000
python -m bench.census --postgresql                    the same on the PostgreSQL of the tests

The floor is the least a ledger must do: the same rows, as tuples, into one temporary table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import text

from syncd.core.store.census.counts import counts_at, month_counts
from syncd.core.store.census.evidence import evidence, movements, unit_id_bounds
from syncd.core.store.census.records import PullResult
from syncd.core.store.census.snapshots import proven_pulls
from syncd.core.store.census.staging import census_staging
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.sdk.period import Period
from syncd.sdk.records import Account, Observation, Product, ScopeState, ScopeVerdict

START = datetime(2026, 10, 31, 6, tzinfo=UTC)
PRODUCTS = (Product("device:server", "Servers"), Product("device:workstation", "Workstations"))
ACCOUNTS = 1_000
PAGE = 1_000
COLUMNS = ("first", "unchanged", "1 % changed")


def page(first: int, count: int, version: int) -> list[Observation]:
    """Devices with ids, names and serials as long as real ones; 1 % differ between versions."""
    return [
        Observation(
            str(10 + n % ACCOUNTS),
            PRODUCTS[n % 5 > 0].key,
            str(1_000_000 + 3 * n),
            1,
            f"HOST-{n}" if version == 0 or n % 100 else f"HOST-{n}-{version}",
            b'{"class":"WINDOWS_WORKSTATION","serial":"ABC%07d"}' % n,
        )
        for n in range(first, first + count)
    ]


def pages(units: int, version: int) -> Iterator[list[Observation]]:
    for first in range(0, units, PAGE):
        yield page(first, min(PAGE, units - first), version)


def floor(units: int) -> float:
    """Seconds of the plain driver for the same rows into one temporary table."""
    connection = sqlite3.connect("", isolation_level=None)
    connection.execute("CREATE TEMP TABLE t (a, p, u, q, e, n, x)")
    spent = 0.0
    for batch in pages(units, 0):
        began = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (o.account, o.product, o.unit, o.quantity, o.excluded, o.name, o.attributes)
                for o in batch
            ],
        )
        connection.execute("COMMIT")
        spent += time.perf_counter() - began
    connection.close()
    return spent


async def pull(
    database: Database, connection: ConnectionRef, units: int, version: int, at: datetime
) -> tuple[float, float, PullResult]:
    """Seconds of staging and of finishing; making the records is not counted."""
    roster = [Account(str(10 + n), f"Client {n}") for n in range(ACCOUNTS)]
    made = 0.0
    began = time.perf_counter()
    async with census_staging(database, connection) as staging:
        await staging.accounts(roster)
        await staging.scope("fleet", [account.key for account in roster])
        source = pages(units, version)
        while True:
            before = time.perf_counter()
            batch = next(source, None)
            made += time.perf_counter() - before
            if batch is None:
                break
            await staging.add("fleet", batch)
        staged = time.perf_counter()
        result = await staging.finish(
            [ScopeVerdict("fleet", ScopeState.COMPLETE, units, units)],
            taken_at=at,
            recorded_at=at,
            run_id=None,
            products=PRODUCTS,
        )
    return staged - began - made, time.perf_counter() - staged, result


async def measure(url: str, units: int) -> dict[str, object]:
    database = Database(url)
    try:
        async with database.writer() as writing:
            connection = await ensure_connection(writing, "fleet", "bench")
        found: dict[str, object] = {"units": units, "floor": floor(units)}
        for n, (column, version) in enumerate(zip(COLUMNS, (0, 0, 1), strict=True)):
            at = START + timedelta(days=n)
            stage, finish, result = await pull(database, connection, units, version, at)
            found[column] = (stage, finish, result.opened, result.closed)
        found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found["asked"] = await asked(database, connection)
        if database.dialect == "postgresql":
            found["size"] = await size(database)
    finally:
        await database.dispose()
    if "size" not in found:
        # The last connection to close writes the log back into the file.
        found["size"] = Path(url.removeprefix("sqlite:///")).stat().st_size  # noqa: ASYNC240 - a bench
    return found


async def asked(database: Database, connection: ConnectionRef) -> dict[str, float]:
    """Milliseconds of each question, the best of three."""
    async with database.reader() as reading:
        account, product = (
            await reading.execute(text("SELECT account_id, product_id FROM unit_interval LIMIT 1"))
        ).one()
        questions = {
            "counts at a pull": lambda: counts_at(reading, connection.id, 3),
            "month, all groups": lambda: month_counts(
                reading, connection.id, Period(2026, 11), ZoneInfo("Europe/London")
            ),
            "proven pulls": lambda: proven_pulls(
                reading, connection.id, before=START + timedelta(days=9)
            ),
            "evidence of a line": lambda: evidence(reading, account, product, 3),
            "movements of a line": lambda: movements(reading, account, product, 1, 3),
            "id bounds, 10 parts": lambda: unit_id_bounds(reading, connection.id, 10),
        }
        found = {}
        for name, question in questions.items():
            best = float("inf")
            for _ in range(3):
                began = time.perf_counter()
                await question()
                best = min(best, time.perf_counter() - began)
            found[name] = best * 1000
        return found


async def size(database: Database) -> int:
    """Bytes of the whole database."""
    async with database.reader() as reading:
        return int(await reading.scalar(text("SELECT pg_database_size(current_database())")) or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--child", metavar="URL")
    options = parser.parse_args()
    if options.child:
        print(json.dumps(asyncio.run(measure(options.child, options.sizes[0]))))
        return
    results = []
    with ExitStack() as stack:
        if options.postgresql:
            from tests.postgresql_server import running_server

            server = stack.enter_context(running_server())
        for units in options.sizes:
            if options.postgresql:
                url = stack.enter_context(server.database())
            else:
                from syncd.core.store.schema import upgrade

                folder = stack.enter_context(tempfile.TemporaryDirectory())
                url = f"sqlite:///{folder}/syncd.db"
                upgrade(url)
            done = subprocess.run(
                [sys.executable, "-m", "bench.census", "--child", url, "--sizes", str(units)],
                capture_output=True,
                text=True,
                check=True,
            )
            results.append(json.loads(done.stdout))
    show(results, "PostgreSQL" if options.postgresql else "SQLite")


def show(results: list[dict], kind: str) -> None:  # type: ignore[type-arg]
    head = " | ".join(f"{column} (stage + finish)" for column in COLUMNS)
    print(f"{kind}, seconds; in brackets: times the floor\n")
    print(f"| units | floor | {head} | bytes/unit | peak MiB |")
    print("| ---: |" + " ---: |" * (len(COLUMNS) + 3))
    for one in results:
        cells = []
        for column in COLUMNS:
            stage, finish, *_ = one[column]
            cells.append(
                f"{stage:.2f} + {finish:.2f} = {stage + finish:.2f} "
                f"({(stage + finish) / one['floor']:.1f}x)"
            )
        print(
            f"| {one['units']:,} | {one['floor']:.2f} | {' | '.join(cells)} "
            f"| {one['size'] / one['units']:.0f} | {one['peak_mib']:.0f} |"
        )
    print("\nquestions, milliseconds\n")
    names = list(results[0]["asked"])
    print(f"| units | {' | '.join(names)} |")
    print("| ---: |" + " ---: |" * len(names))
    for one in results:
        cells = [f"{one['asked'][name]:.1f}" for name in names]
        print(f"| {one['units']:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
