"""A month of many clients: all bills computed as a stream, and one line explained.

python -m bench.month                          500, 1,000 and 5,000 clients, 20 products each
python -m bench.month --clients 5000 --units 1000000
python -m bench.month --first                  an installation that never billed before

Units grow with the clients: `--units` are those of the largest size. Seconds of CPU stand beside
those of the clock, since only they mean something on a machine that has other work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bench.month_bills import SETTINGS, add_bills
from bench.month_data import NOVEMBER_END, PSA, build, product_key
from syncd.core.service.explain import explain
from syncd.core.service.reckoning import Sources, reckon
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.database import Database
from syncd.garbage import collect_seldom
from syncd.sdk.period import Period

MONTH = Period(2026, 11)
REPEAT = 3

_CONFIG = """\
[syncd]
database = "sqlite:///{database}"
timezone = "UTC"

[billing]
mode = "live"
psa = "psa"

[connections.fleet]
plugin = "ninjaone"
base_url = "http://127.0.0.1:9"
client_id = "bench"
client_secret = {{ env = "BENCH_SECRET" }}

[connections.psa]
plugin = "halopsa"
base_url = "http://127.0.0.1:9"
tenant = "bench"
client_id = "bench"
client_secret = {{ env = "BENCH_SECRET" }}
"""


async def compute(url: str) -> dict[str, Any]:
    """All bills of the month, each looked at once and let go."""
    collect_seldom()
    wall, cpu = time.perf_counter(), time.process_time()
    database = Database(url)
    bills = lines = 0
    money = Decimal(0)
    errors: set[str] = set()
    try:
        async with database.reader() as conn:
            data = await load_billing_data(conn, period_first_day=MONTH.first_day.isoformat())
            drafting = await reckon(
                conn,
                data,
                psa_id=PSA,
                sources=Sources(active={"fleet"}),
                period=MONTH,
                timezone=ZoneInfo("UTC"),
                rules=SETTINGS,
            )
        for draft in drafting.drafts(sorted(data.accounts)):
            bills += 1
            lines += len(draft.bill.lines)
            money += sum(line.total_price or 0 for line in draft.bill.lines)
            errors.update(draft.bill.errors)
    finally:
        await database.dispose()
    if errors or not lines:
        sys.exit(f"the month is not what it should be: {bills} bills, {lines} lines, {errors}")
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "bills": bills,
        "lines": lines,
        "money": str(money),
    }


async def question(url: str, client: str) -> dict[str, Any]:
    """One line explained, by a process that has asked nothing before."""
    database = Database(url)
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        found = await explain(
            database, client, product_key(7), psa_name="psa", timezone=ZoneInfo("UTC")
        )
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    finally:
        await database.dispose()
    units = sum(len(item.counted) for line in found.lines for item in line.products)
    if len(found.lines) != 1 or not units:
        sys.exit(f"one line was asked for, and {len(found.lines)} came with {units} units")
    return spent


def child(*words: str) -> dict[str, Any]:
    """What a process of our own measured."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.month", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def command(folder: Path, client: str) -> tuple[float, float]:
    """Seconds of the clock and of CPU of a whole `syncd explain`, as it is installed: compiled."""
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [
            sys.executable, "-m", "syncd", "--config", str(folder / "syncd.toml"),
            "explain", client, product_key(7),
        ],
        env={**os.environ, **compiled, "BENCH_SECRET": "x", "SYNCD_NOW": NOVEMBER_END.isoformat()},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    wall = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"syncd explain ended with {done.returncode}:\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[500, 1_000, 5_000])
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=REPEAT)
    parser.add_argument("--first", action="store_true", help="without bills of the month before")
    parser.add_argument("--compute", metavar="URL")
    parser.add_argument("--question", metavar=("URL", "CLIENT"), nargs=2)
    given = parser.parse_args()
    if given.compute:
        print(json.dumps(asyncio.run(compute(given.compute))))
    elif given.question:
        print(json.dumps(asyncio.run(question(*given.question))))
    else:
        measure(given.clients, given.units, given.repeat, first=given.first)


def measure(sizes: Sequence[int], most_units: int, repeat: int, *, first: bool) -> None:
    print("| clients | lines | units | seconds | CPU | CPU ms/line | peak MiB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    told = []
    for clients in sizes:
        units = most_units * clients // max(sizes)
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
            folder = Path(name)
            database = folder / "syncd.db"
            url = f"sqlite:///{database}"
            build(database, clients, units)
            if not first:
                add_bills(database)
            runs = [child("--compute", url) for _ in range(repeat)]
            best = min(runs, key=lambda one: float(one["cpu"]))
            print(
                f"| {clients:,} | {best['lines']:,} | {units:,} |"
                f" {statistics.median(one['wall'] for one in runs):.2f} | {best['cpu']:.2f} |"
                f" {best['cpu'] * 1000 / best['lines']:.3f} | {best['peak']:.0f} |",
                flush=True,
            )
            if not first:
                (folder / "syncd.toml").write_text(_CONFIG.format(database=database))
                client = str(1000 + clients // 2)
                asked = [child("--question", url, client) for _ in range(repeat)]
                command(folder, client)
                whole = [command(folder, client) for _ in range(repeat)]
                told.append(
                    f"| {clients:,} | {statistics.median(one['wall'] for one in asked):.3f} |"
                    f" {min(one['cpu'] for one in asked):.3f} |"
                    f" {statistics.median(one[0] for one in whole):.2f} |"
                    f" {min(one[1] for one in whole):.2f} |"
                )
    if told:
        print("\nOne line explained: the questions alone, and the whole command\n")
        print("| clients | questions, s | CPU | `syncd explain`, s | CPU |")
        print("| ---: | ---: | ---: | ---: | ---: |")
        print("\n".join(told))


if __name__ == "__main__":
    main()
