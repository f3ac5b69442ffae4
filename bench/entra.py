"""Pulls of many tenants of Microsoft Graph beside the least that their latency allows.

python -m bench.entra                             1,000 tenants of 20 SKUs, 120 ms an answer
python -m bench.entra --throttled 30              30 % of the calls are answered 429 once
python -m bench.entra --tenants 1 --users 100000  one large tenant, every user listed
python -m bench.entra --gdap                      one sign-in for all, tokens in the vault
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path

CLIENT_CORE, SERVER_CORE = 0, 1
PAGE = 999
TARGET, LISTED_TARGET = 1.15, 1.10


@dataclass
class Measured:
    seconds: float
    processor: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--skus", type=int, default=20)
    parser.add_argument("--users", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=120)
    parser.add_argument("--concurrency", type=int, default=10)
    parser.add_argument("--throttled", type=int, default=0)
    parser.add_argument("--gdap", action="store_true")
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.client:
        database = f"sqlite:///{given.client.parent}/bench.db"
        made = f"from syncd.core.store.schema import upgrade; upgrade({database!r})"
        subprocess.run([sys.executable, "-c", made], check=True)
        asyncio.run(client(given, database))
        return
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        ready = Path(folder) / "ready.json"
        with server(given, ready):
            subprocess.run(
                [sys.executable, "-m", "bench.entra", *sys.argv[1:], "--client", str(ready)],
                check=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
            )


@contextmanager
def server(given: argparse.Namespace, ready: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [
            sys.executable, "-m", "bench.entra_server", "--tenants", str(given.tenants),
            "--skus", str(given.skus), "--users", str(given.users),
            "--latency-ms", str(given.latency_ms), "--throttled", str(given.throttled),
            "--core", str(SERVER_CORE), "--ready", str(ready),
        ]
    )  # fmt: skip
    try:
        while not ready.exists() or not ready.read_text():
            if process.poll() is not None:
                sys.exit("the simulator did not start")
            time.sleep(0.05)
        time.sleep(1)
        yield
    finally:
        process.terminate()
        process.wait()


async def client(given: argparse.Namespace, url: str) -> None:
    """Two whole pulls into a census of SQLite: with tokens to fetch, and with tokens at hand."""
    from syncd_entra import CONNECTOR

    from syncd.core.service.pull import pull_connection
    from syncd.core.store.connections import ensure_connection
    from syncd.core.store.database import Database
    from syncd.sdk.connector import Context, RateLimit
    from syncd.sdk.testing.fakes import NullLog

    ready = json.loads(given.client.read_text())
    settings = {
        "login_url": ready["base_url"],
        "graph_url": ready["base_url"],
        "client_id": "bench",
        "client_secret": "bench-secret",
        "tenants": [{"id": key, "name": f"Tenant {key}"} for key in ready["tenants"]],
        "users": "listed" if given.users else "counted",
    }
    if given.gdap:
        settings |= {"access": "gdap", "partner_tenant": ready["partner"]}
    started, now = time.monotonic(), datetime.now(UTC)

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    database = Database(url)
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "bench", "entra")
    context = Context(
        connection="bench",
        config=CONNECTOR.config.model_validate(settings),
        limits=RateLimit(
            calls=CONNECTOR.limits.calls,
            window_seconds=CONNECTOR.limits.window_seconds,
            concurrency=given.concurrency,
        ),
        clock=clock,
        log=NullLog(),
        vault=await signed_in(database, connection, clock) if given.gdap else None,
    )
    stats(ready["base_url"])
    rounds, peak = [], 0.0
    async with CONNECTOR.open(context) as ports:
        for name in ("tokens cold", "tokens warm"):
            began, busy = time.perf_counter(), time.process_time()
            result = await pull_connection(
                database, connection, ports.usage, clock=clock, log=NullLog()
            )
            measured = Measured(time.perf_counter() - began, time.process_time() - busy)
            calls = stats(ready["base_url"])
            peak = max(peak, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            rounds.append((name, measured, result, calls))
    await database.dispose()
    least = await bare(given, ready)
    for name, measured, result, calls in rounds:
        report(given, name, measured, least, result, calls)
    print(f"peak memory of both pulls: {peak:.0f} MiB")


async def signed_in(database, connection, clock):
    """The vault of the connection, as a sign-in left it."""
    from syncd.core.service.tokens import Vault
    from syncd.core.store.token_keys import TokenKeys, new_key

    async def found():
        return connection

    vault = Vault(database, found, TokenKeys(new_key()), clock=clock)
    await vault.consent("refresh", "bench-refresh", ends_at=None, person="bench")
    return vault


def report(
    given: argparse.Namespace, name: str, measured: Measured, bare: float, result, calls: dict
) -> None:
    pages = max(0, ceil(given.users / PAGE) - 1)
    least = given.tenants * (1 + pages)
    # Tokens come from another service over a pool of its own, at the same time.
    answers = least + calls["throttled"]
    floor = answers * given.latency_ms / 1000 / min(given.concurrency, given.tenants)
    made = calls["batch"] + calls["page"] + calls["throttled"]
    target = LISTED_TARGET if given.users else TARGET
    print(
        f"{name}: {result.state}, {result.seen:,} units in {measured.seconds:.2f} s,"
        f" {measured.processor:.2f} s of it processor; by latency alone {floor:.2f} s,"
        f" x {measured.seconds / floor:.3f} (target {target}); a bare client needs {bare:.2f} s,"
        f" x {measured.seconds / bare:.3f}; {made:,} calls of Graph, least {least:,},"
        f" {calls['token']:,} for tokens, {calls['throttled']:,} throttled,"
        f" {made - least:,} retries"
    )


async def bare(given: argparse.Namespace, ready: dict) -> float:
    """Seconds that the least calls take with nothing around them, on this machine and now."""
    import httpx
    import msgspec

    asked = [
        {"id": "1", "method": "GET", "url": "/organization"},
        {"id": "2", "method": "GET", "url": "/subscribedSkus"},
    ]
    asked += [{"id": "3", "method": "GET", "url": "/users"}] if given.users else []
    waiting = list(ready["tenants"])
    limits = httpx.Limits(max_connections=given.concurrency)
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=ready["base_url"], limits=limits, timeout=60) as http:

        async def chain() -> None:
            while waiting:
                signed = {"authorization": f"Bearer {waiting.pop()}"}
                answer = await http.post("/v1.0/$batch", json={"requests": asked}, headers=signed)
                while answer.status_code == 429:
                    answer = await http.post(
                        "/v1.0/$batch", json={"requests": asked}, headers=signed
                    )
                page = msgspec.json.decode(answer.content)["responses"][-1]["body"]
                while link := page.get("@odata.nextLink"):
                    answer = await http.get(link, headers=signed)
                    page = msgspec.json.decode(answer.content)

        await asyncio.gather(*(chain() for _ in range(given.concurrency)))
    return time.perf_counter() - began


def stats(base_url: str) -> dict:
    with urllib.request.urlopen(f"{base_url}/__stats__") as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
