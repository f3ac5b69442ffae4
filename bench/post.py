"""Invoices into simulated books: calls beside the fewest possible, waiting beside the limits.

python -m bench.post                              1,000 and 10,000 invoices into each package
python -m bench.post --package xero --invoices 500
python -m bench.post --bare                       the connector alone, without plan and database

The whole way of syncd: invoices stored, planned, applied, posted, compared and told back to the
PSA, on SQLite. The simulators enforce the published limits on seconds that pass only while somebody
waits, so that `waited` is what the limits cost and nothing else. Ends with 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.post_packages import PACKAGES, Package
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.service.invoice_apply import apply_invoices
from syncd.core.service.invoice_plan import plan_invoices
from syncd.core.store.connections import ConnectionRef, ensure_connection
from syncd.core.store.database import Database
from syncd.core.store.invoices import store_invoices
from syncd.core.store.ledger_golive import LedgerWord, record_ledger_golive
from syncd.core.store.ledger_mappings import LedgerDecision, write_ledger_mappings
from syncd.core.store.ledger_references import store_ledger_references
from syncd.core.store.schema import upgrade
from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.presets import fleet
from syncd.sdk.connector import Connector, Context, Sandbox
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import ReferenceKind, TaxMeaning
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine, Posted
from syncd.sdk.testing.fakes import FakeStopwatch, NullLog
from tests.builders_fate import Fate
from tests.builders_invoices import invoice, line
from tests.builders_keeper import FakeKeeper
from tests.builders_tokens import MemoryVault

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CALLS_TARGET, TIME_TARGET = 1.10, 1.05
RULES = LedgerRules(approval="automatic")
PIECE = 500


@dataclass(frozen=True)
class Figures:
    """What one posting took.

    Attributes:
        posted: documents that stand and of which the PSA was told.
        writes: calls that write.
        reads: calls that read.
        needed: reads that the recipe needs: which book it is, once for the plan, once before
            writing.
        refused: calls that a limit refused.
        waited: simulated seconds.
        seconds: real ones.
    """

    posted: int
    writes: int
    reads: int
    needed: int
    refused: int
    waited: float
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", choices=sorted(PACKAGES), action="append")
    parser.add_argument("--invoices", type=int, action="append")
    parser.add_argument("--bare", action="store_true")
    given = parser.parse_args()
    print("package     invoices  posted  writes  reads  minimal  x minimal  refused  waited s"
          "  floor s  x floor  CPU and disk s")  # fmt: skip
    missed = False
    for name in given.package or sorted(PACKAGES, reverse=True):
        for count in given.invoices or (1_000, 10_000):
            missed |= report(
                name, count, asyncio.run(measure(PACKAGES[name], count, bare=given.bare))
            )
    return 1 if missed else 0


def report(name: str, count: int, found: Figures) -> bool:
    """Print a row; whether a target is missed."""
    package = PACKAGES[name]
    fewest = -(-count // package.batch)
    minimal = fewest * (1 + package.looks) + found.needed
    calls = found.writes + found.reads
    floor = shortest(package, fewest, minimal)
    slow = found.waited / floor if floor else 1.0 + found.waited
    print(
        f"{name:11} {count:8,} {found.posted:7,} {found.writes:7,} {found.reads:6,} {minimal:8,}"
        f" {calls / minimal:10.3f} {found.refused:8,} {found.waited:9.1f} {floor:8.1f}"
        f" {slow:8.3f} {found.seconds:15.1f}"
    )
    fine = found.posted == count and not found.refused
    return not fine or calls > CALLS_TARGET * minimal or slow > TIME_TARGET


def shortest(package: Package, batches: int, calls: int) -> float:
    """Seconds that the limits cost whoever makes the fewest calls as early as he may."""
    if not package.second:
        return max(0, -(-calls // package.minute) - 1) * 60.0
    full, rest = divmod(batches - 1, package.minute)
    # The reads before the first batch cost a second of the first minute only.
    pairs = (rest + 1) * (1 + package.looks) if full else calls
    return full * 60.0 + max(0, -(-pairs // package.second) - 1)


async def measure(package: Package, count: int, *, bare: bool = False) -> Figures:
    """Carry so many invoices over, from the PSA's store to confirmed documents."""
    connector, sandbox, token = package.load()
    watch = FakeStopwatch()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        await asyncio.to_thread(upgrade, url)
        database = Database(url)
        world = fleet(0, 1, start=START)
        options = {"monotonic": watch.monotonic}
        with (
            SandboxHost(world, [sandbox], options={sandbox.connector: options}) as host,
            watch.running(),
        ):
            hosted = host.simulators[sandbox.connector]
            async with opened(connector, sandbox, hosted, token, watch) as ledger:
                psa, books = await prepared(database, ledger, package, 0 if bare else count)
                needed = 2 * await book_calls(ledger, hosted)
                hosted.controlled.statistics.calls.clear()
                await watch.sleep(2 * 60)  # until what was read before has left every window
                first, began = watch.now, time.perf_counter()
                keeper = made(count)
                if bare:
                    needed, stands = 0, await posted_bare(ledger, package, count)
                else:
                    await applied(database, ledger, psa, books, watch, keeper)
                    stands = len(keeper.marks)
                seconds = time.perf_counter() - began
            found = _figures(hosted, stands, needed, watch.now - first, seconds)
        await database.dispose()
    return found


@asynccontextmanager
async def opened(
    connector: Connector[Any],
    sandbox: Sandbox,
    hosted: HostedSimulator,
    token: str,
    watch: FakeStopwatch,
    **more: Any,
) -> AsyncIterator[Ledger]:
    """The connector, open to the simulator, with its own limits and further settings."""
    settings = _plain(sandbox.settings(hosted.base_url), sandbox.secrets) | more
    context = Context(
        connection="books",
        config=connector.config.model_validate(settings),
        limits=connector.limits,
        clock=lambda: START + timedelta(seconds=watch.now),
        log=NullLog(),
        vault=MemoryVault(token),
    )
    async with connector.open(context) as ports:
        assert ports.ledger is not None
        yield ports.ledger


async def prepared(
    database: Database, ledger: Ledger, package: Package, count: int
) -> tuple[ConnectionRef, ConnectionRef]:
    """Catalogues, mappings, a go-live and the invoices, all stored."""
    catalogue = [row async for rows in ledger.references() for row in rows]
    book = await ledger.book()
    wanted = ((ReferenceKind.CONTACT, "c1", package.contact()), *package.mapped)
    meanings = {ReferenceKind.TAX: TaxMeaning.STANDARD.value}
    async with database.writer() as conn:
        psa = await ensure_connection(conn, "psa", "fake-psa")
        books = await ensure_connection(conn, "books", "fake-books")
        await store_ledger_references(conn, books.id, catalogue, now=START)
        decisions = [
            LedgerDecision(
                kind=kind, source=source, target=key, meaning=meanings.get(kind, ""), by="bench"
            )
            for kind, source, key in wanted
        ]
        await write_ledger_mappings(conn, psa.id, books.id, new=decisions, now=START)
        word = LedgerWord(
            book_key=book.key,
            live=True,
            from_day=date(2026, 11, 1),
            by="bench",
            reason="to be measured",
            at=START,
        )
        await record_ledger_golive(conn, psa.id, books.id, word)
    for first in range(1, count + 1, PIECE):
        piece = [one_invoice(n) for n in range(first, min(first + PIECE, count + 1))]
        async with database.writer() as conn:
            await store_invoices(conn, psa.id, piece, now=START)
    return psa, books


async def book_calls(ledger: Ledger, hosted: HostedSimulator) -> int:
    """Calls that it takes to be told which book it is."""
    before = sum(hosted.controlled.statistics.calls.values())
    await ledger.book()
    return sum(hosted.controlled.statistics.calls.values()) - before


def one_invoice(number: int) -> Any:
    """Three lines of whole pounds, whose tax every arithmetic agrees on."""
    lines = [
        line(n, quantity=str(1 + (number + n) % 40), price=str(5 * (1 + (number * n) % 30)))
        for n in (1, 2, 3)
    ]
    return invoice(str(number), *lines)


async def posted_bare(ledger: Ledger, package: Package, count: int) -> int:
    """Post in full batches; how many documents stand."""
    keys = {kind: key for kind, _, key in package.mapped}
    stands = 0
    for first in range(1, count + 1, package.batch):
        batch = []
        for number in range(first, min(first + package.batch, count + 1)):
            told = one_invoice(number)
            lines = tuple(
                LedgerLine(
                    description=one.description,
                    quantity=one.quantity,
                    unit_price=one.unit_price,
                    net=one.net,
                    tax_code=keys[ReferenceKind.TAX],
                    account=keys.get(ReferenceKind.ACCOUNT, ""),
                    item=keys.get(ReferenceKind.ITEM, ""),
                )
                for one in told.lines
            )
            digits = "".join("abcdefghij"[int(digit)] for digit in f"{number:016d}")
            document = LedgerDocument(
                key=told.key,
                attempt=f"bench-{number}",
                kind=told.kind,
                number=told.number,
                marker=f"syncd-{digits}",
                contact=package.contact(),
                dated=told.dated,
                due=told.due,
                currency=told.currency,
                lines=lines,
            )
            batch.append(document)
        stands += sum(isinstance(one, Posted) for one in await ledger.post(batch))
    return stands


def made(count: int) -> FakeKeeper:
    """A PSA that has so many invoices."""
    return FakeKeeper(Fate(), {str(n): one_invoice(n) for n in range(1, count + 1)})


async def applied(
    database: Database,
    ledger: Ledger,
    psa: ConnectionRef,
    books: ConnectionRef,
    watch: FakeStopwatch,
    keeper: FakeKeeper,
) -> None:
    """Plan and apply once."""

    def now() -> datetime:
        return START + timedelta(seconds=watch.now)

    planned = await plan_invoices(
        database,
        ledger=ledger,
        ledger_connection=books,
        psa_connection=psa,
        rules=RULES,
        clock=now,
        log=NullLog(),
    )
    await apply_invoices(
        database,
        planned.record.id,
        ledger=ledger,
        ledger_connection=books,
        keeper=keeper,
        psa_connection=psa,
        max_age_days=7,
        clock=now,
        log=NullLog(),
        sleep=watch.sleep,
    )


def _figures(
    hosted: HostedSimulator, posted: int, needed: int, waited: float, seconds: float
) -> Figures:
    calls = {
        name: times
        for name, times in hosted.controlled.statistics.calls.items()
        if "token" not in name
    }
    writes = sum(times for name, times in calls.items() if name[:3] in {"PUT", "POS"})
    reads = sum(calls.values()) - writes
    state = hosted.app.state.simulator  # type: ignore[attr-defined]
    return Figures(posted, writes, reads, needed, _refused(state), waited, seconds)


def _refused(simulator: Any) -> int:
    """Calls that a limit refused, in either simulator."""
    if hasattr(simulator, "organisations"):
        return sum(sum(one.quota.refused.values()) for one in simulator.organisations.values())
    return sum(int(one.refused) for one in simulator.quotas.values())


def _plain(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """References to environment variables replaced by what they hold."""
    return {
        name: secrets[value["env"]] if isinstance(value, Mapping) else value
        for name, value in settings.items()
    }


if __name__ == "__main__":
    sys.exit(main())
