"""A month of a vendor's bill read into sums: lines per second, and memory that does not grow.

python -m bench.reconcile                      500,000 and 5,000,000 lines of the simulated seller
python -m bench.reconcile --lines 1000000      as many
python -m bench.reconcile --purchases 300000   no vendor: so many purchases, adding up alone
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
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

CLIENT_CORE, SERVER_CORE = 0, 1
TODAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
FILES = 20
BATCH = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, action="append")
    parser.add_argument("--purchases", type=int, default=0)
    parser.add_argument("--ready", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given)
    elif given.client:
        asyncio.run(client(given))
    else:
        print("    lines   seconds     CPU s   lines/s  peak MiB    sums  writing s")
        for lines in given.lines or (500_000, 5_000_000):
            measure(lines, given.purchases)


def measure(lines: int, purchases: int) -> None:
    """One read in a process of its own, of a vendor in another."""
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        ready = Path(folder) / "ready.json"
        url = f"sqlite:///{folder}/bench.db"
        made = f"from syncd.core.store.schema import upgrade; upgrade({url!r})"
        subprocess.run([sys.executable, "-c", made], check=True)
        words = ["--lines", str(lines), "--purchases", str(purchases), "--ready", str(ready)]
        with server(words, ready, wanted=not purchases):
            subprocess.run(
                [sys.executable, "-m", "bench.reconcile", "--client", *words],
                check=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {CLIENT_CORE}),
            )


@contextmanager
def server(words: list[str], ready: Path, *, wanted: bool) -> Iterator[None]:
    if not wanted:
        ready.write_text("{}")
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "bench.reconcile", "--serve", *words])
    try:
        while not ready.exists() or not ready.read_text():
            if process.poll() is not None:
                sys.exit("the simulator did not start")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def serve(given: argparse.Namespace) -> None:
    """The simulated seller, whose invoice has so many lines."""
    from syncd_csp.sandbox import SANDBOX

    from syncd.sandbox.host import SandboxHost
    from syncd.sandbox.presets import small

    os.sched_setaffinity(0, {SERVER_CORE})
    world = small(start=TODAY)
    options = {"csp": {"generated": given.lines[-1], "blobs": FILES, "poll_after": None}}
    with SandboxHost(world, [SANDBOX], options=options) as host:
        simulator = host.simulators["csp"]
        settings = SANDBOX.settings(simulator.base_url)
        settings["client_secret"] = next(iter(SANDBOX.secrets.values()))
        given.ready.write_text(json.dumps(settings))
        while True:
            time.sleep(60)


async def client(given: argparse.Namespace) -> None:
    """Read the month once, as `syncd reconcile` does."""
    from syncd.core.service import purchases
    from syncd.core.store.connections import ensure_connection
    from syncd.core.store.database import Database
    from syncd.core.store.purchases import load_sums, standing_reads
    from syncd.sdk.period import Period
    from syncd.sdk.testing.fakes import NullLog

    database = Database(f"sqlite:///{given.ready.parent}/bench.db")
    async with database.writer() as conn:
        connection = await ensure_connection(conn, "bench", "csp")
    written = 0.0
    replace = purchases.replace_read

    async def timed(*words: Any, **named: Any) -> int:
        nonlocal written
        began = time.perf_counter()
        found = await replace(*words, **named)
        written = time.perf_counter() - began
        return found

    purchases.replace_read = timed
    month = Period(TODAY.year, TODAY.month).previous()
    began, worked = time.perf_counter(), time.process_time()
    async with source(given, NullLog()) as opened:
        proof = await purchases.read_purchases(
            database,
            connection,
            opened,
            period=month,
            billed=True,
            clock=lambda: TODAY + timedelta(seconds=time.perf_counter() - began),
            log=NullLog(),
        )
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    async with database.reader() as conn:
        reads = await standing_reads(conn, str(month), billed=True)
        sums = await load_sums(conn, reads[connection.id].id)
    assert proof.lines == sum(one.lines for one in sums) == given.lines[-1], proof
    await database.dispose()
    print(
        f"{proof.lines:>9,} {seconds:>9.2f} {worked:>9.2f} {proof.lines / seconds:>9,.0f} {peak:>9}"
        f" {len(sums):>7,} {written:>10.2f}",
        flush=True,
    )


def source(given: argparse.Namespace, log: Any) -> Any:
    """The connector over HTTP, or lines out of nothing."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def opened() -> Any:
        if given.purchases:
            yield Made(given.lines[-1], given.purchases)
            return
        from syncd_csp import CONNECTOR

        from syncd.sdk.connector import Context

        context = Context(
            connection="bench",
            config=CONNECTOR.config.model_validate(json.loads(given.ready.read_text())),
            limits=CONNECTOR.limits,
            clock=lambda: TODAY,
            log=log,
        )
        async with CONNECTOR.open(context) as ports:
            yield ports.purchases

    return opened()


class Made:
    """Lines of so many purchases in turn, which is the worst order: no two follow each other."""

    def __init__(self, lines: int, purchases: int) -> None:
        self.lines, self.purchased = lines, purchases

    async def purchases(self, sink: Any, _period: Any, *, billed: bool) -> Any:
        from syncd.sdk.records import PurchaseLine, PurchaseProof, ScopeState

        assert billed
        one = Decimal(1)
        for start in range(0, self.lines, BATCH):
            await sink.add(
                [
                    PurchaseLine(
                        f"customer-{n % self.purchased // 20}", "Customer", "", f"SKU:{n % 20}",
                        "Name", f"subscription-{n % self.purchased}", "cyclefee", one,
                        Decimal(n % 1000).scaleb(-2), "EUR",
                    )
                    for n in range(start, min(start + BATCH, self.lines))
                ]
            )  # fmt: skip
        return PurchaseProof(ScopeState.COMPLETE, self.lines)


if __name__ == "__main__":
    main()
