"""Posting many invoices to the simulated QuickBooks, whose limits count on the same fast clock.

Calls are counted where they arrive. Seconds are those that the connector waits and the vendor
takes, not those of this machine, so that hours of limits pass in a moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any, Final

from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.sandbox import REFRESH_TOKEN, SANDBOX, SECRET

from syncd.sandbox.clock import WorldClock
from syncd.sandbox.control import Application, Receive, Scope, Send
from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Context
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine, Posted
from syncd.sdk.sandbox import WorldClient, WorldSite
from syncd.sdk.testing.fakes import FakeStopwatch, NullLog
from tests.builders_tokens import MemoryVault

START: Final = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CLIENTS: Final = 200
BATCH: Final = 30
BATCHES_A_MINUTE: Final = 40
CALLS_A_MINUTE: Final = 500
CALLS_A_SECOND: Final = 10
READS_OF_THE_COMPANY: Final = 3
"""Its sheet, its preferences, its currencies."""


@dataclass(frozen=True)
class Figures:
    """What posting took.

    Attributes:
        documents: that were posted.
        calls: that reached the vendor, but for tokens.
        least: calls that the recipe needs: a look-up of the numbers and a batch for each thirty.
        refused: calls that were answered with 429.
        seconds: on the vendor's clock.
        floor: seconds below which the published limits allow no such number of calls.
    """

    documents: int
    calls: int
    least: int
    refused: int
    seconds: float
    floor: float


async def measure(count: int, *, latency: float = 0.0) -> Figures:
    """Post invoices in batches.

    Args:
        count: of invoices.
        latency: seconds that each call takes at the vendor.

    Raises:
        AssertionError: an invoice was not posted, or twice.
    """
    stopwatch = FakeStopwatch()
    async with _opened(stopwatch, latency) as (ledger, hosted):
        waiting = [_invoice(number) for number in range(count)]
        for at in range(0, count, ledger.post_batch.size):
            batch = waiting[at : at + ledger.post_batch.size]
            outcomes = await ledger.post(batch)
            assert len(outcomes) == len(batch), "an outcome is missing"
            assert all(isinstance(one, Posted) for one in outcomes), outcomes
        company = hosted.app.state.simulator  # type: ignore[attr-defined]
        assert len(company.company.tables["Invoice"]) == count, "an invoice is missing or twice"
        calls = hosted.controlled.statistics.calls
        refused = sum(quota.refused for quota in company.quotas.values())
    batches = ceil(count / BATCH)
    least = 2 * batches + READS_OF_THE_COMPANY
    floor = max(
        60.0 * ((batches - 1) // BATCHES_A_MINUTE),
        60.0 * ((least - 1) // CALLS_A_MINUTE),
        1.0 * ((least - 1) // CALLS_A_SECOND),
    )
    made = sum(times for name, times in calls.items() if not name.endswith("/bearer"))
    return Figures(count, made, least, refused, stopwatch.now, floor)


@asynccontextmanager
async def _opened(
    stopwatch: FakeStopwatch, latency: float
) -> AsyncIterator[tuple[Ledger, HostedSimulator]]:
    clients = [
        WorldClient(
            id=n,
            name=f"Client {n}",
            sites=(WorldSite(id=n, name="Head office"),),
            arrives=date(2025, 1, 1),
        )
        for n in range(1, CLIENTS + 1)
    ]
    world = SimulatedWorld(seed=1, clients=clients, devices=[], clock=WorldClock(START))
    options: dict[str, Any] = {"monotonic": lambda: stopwatch.now}
    host = SandboxHost(world, [SANDBOX], options={"quickbooks": options})
    hosted = host.simulators["quickbooks"]
    hosted.wrap(lambda app: _slow(app, stopwatch, latency))
    with host, stopwatch.running():
        given = {**SANDBOX.settings(hosted.base_url), "client_secret": SECRET}
        del given["webhook_verifier"]
        context = Context(
            connection="bench",
            config=CONNECTOR.config.model_validate(given),
            limits=CONNECTOR.limits,
            clock=lambda: START + timedelta(seconds=stopwatch.now),
            log=NullLog(),
            vault=MemoryVault(REFRESH_TOKEN),
        )
        async with CONNECTOR.open(context) as ports:
            assert ports.ledger is not None
            yield ports.ledger, hosted


def _slow(app: Application, stopwatch: FakeStopwatch, latency: float) -> Application:
    """The vendor takes its time, half before and half after a call is counted."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        stopwatch.now += latency / 2
        await app(scope, receive, send)
        stopwatch.now += latency / 2

    return slow


def _invoice(number: int) -> LedgerDocument:
    lines = tuple(
        LedgerLine(
            description="Managed workstation",
            quantity=Decimal(number % 7 + n + 1),
            unit_price=Decimal("12.34"),
            net=(number % 7 + n + 1) * Decimal("12.34"),
            tax_code="2",
            item="21",
        )
        for n in range(4)
    )
    return LedgerDocument(
        key=f"bench:{number}",
        attempt=f"bench-{number}",
        kind=DocumentKind.INVOICE,
        number=f"INV-{number:06d}",
        marker="syncd-" + "".join("abcdefghij"[int(digit)] for digit in f"{number:016d}"),
        contact=str(100 + number % CLIENTS + 1),
        dated=date(2026, 11, 2),
        due=date(2026, 12, 2),
        currency="GBP",
        lines=lines,
    )
