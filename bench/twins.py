"""Each package's arithmetic twice over: random invoices, predicted by the connector and simulated.

python -m bench.twins                          1,000,000 of each package
python -m bench.twins --count 20000            as many
python -m bench.twins --package xero --first 7 --count 1       one seed again

A package is one line of the table: a module `bench.twin_NAME` with a class `Twins`, whose `play`
takes seeds and gives a report. Ends with 1 if any case differs, and names its seed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from bench.twin_report import Report

PACKAGES = ("xero", "quickbooks")
CHUNK = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", choices=PACKAGES, action="append")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    differing = 0
    print("package         cases      alike   refused  differing  seconds   cases/s")
    for package in given.package or PACKAGES:
        report, seconds = measure(package, given.first, given.count, given.workers)
        differing += len(report.differing)
        print(
            f"{package:11} {given.count:9,} {report.alike:10,} {report.refused:9,}"
            f" {len(report.differing):10,} {seconds:8.1f} {given.count / seconds:9,.0f}"
        )
        for seed, what in sorted(report.differing.items())[:10]:
            print(f"  seed {seed}: {what}")
    return 1 if differing else 0


def measure(package: str, first: int, count: int, workers: int) -> tuple[Report, float]:
    """All cases of one package, in chunks over processes."""
    start = time.perf_counter()
    report, end = Report(), first + count
    chunks = [(package, n, min(n + CHUNK, end)) for n in range(first, end, CHUNK)]
    with ProcessPoolExecutor(workers) as pool:
        for one in pool.map(_played, chunks):
            report.add(one)
    return report, time.perf_counter() - start


def _played(chunk: tuple[str, int, int]) -> Report:
    package, first, end = chunk
    twins = importlib.import_module(f"bench.twin_{package}").Twins()
    try:
        played = twins.play(range(first, end))
    except Exception as error:  # noqa: BLE001 - raised again
        # Rebuilt, as not every package's own errors can cross processes.
        message = f"{package}, seeds {first} to {end - 1}: {type(error).__name__}: {error}"
        raise RuntimeError(message) from None
    # A package may bring a report class of its own; its figures are what counts.
    return Report(played.alike, played.refused, dict(played.differing), played.shapes)


if __name__ == "__main__":
    sys.exit(main())
