"""Documents for a simulated QuickBooks company, and a connector that is open to one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.sandbox import REFRESH_TOKEN, SANDBOX, SECRET, VERIFIER
from syncd_quickbooks.sandbox.app import Simulator

from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Context
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from syncd.sdk.testing.faults import Fault
from tests.builders_quickbooks_company import START, customers
from tests.builders_tokens import MemoryVault

UNLIMITED = {"app_second": 0, "realm_minute": 0, "batch_minute": 0, "batch_realm_minute": 0,
             "app_minute": 0}  # fmt: skip
"""Options of a simulator that is asked faster than its seconds go by."""
CENT = Decimal("0.01")
DAY = date(2026, 11, 2)


def sold(
    quantity: str | int = 1, price: str = "10.00", tax_code: str = "2", **more: Any
) -> LedgerLine:
    """A line with the net that it must have."""
    given: dict[str, Any] = {"description": "Managed workstation", "item": "21", **more}
    discount = given.get("discount_percent", Decimal(0))
    net = Decimal(quantity) * Decimal(price) * (1 - discount / 100)
    return LedgerLine(
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        net=net.quantize(CENT, ROUND_HALF_UP),
        tax_code=tax_code,
        **given,
    )


def document(
    which: int, lines: Sequence[LedgerLine] = (), *, client: int = 1, **more: Any
) -> LedgerDocument:
    """An invoice of a client; number, key, attempt and marker follow from its number."""
    given: dict[str, Any] = {
        "key": f"ledger:{which}",
        "attempt": f"attempt-{which}",
        "kind": DocumentKind.INVOICE,
        "number": f"PSA-{which}",
        "marker": "syncd-" + "".join("abcdefghij"[int(digit)] for digit in f"{which:016d}"),
        "contact": str(100 + client),
        "dated": DAY,
        "due": DAY + timedelta(days=30),
        "currency": "GBP",
        "lines": tuple(lines) or (sold(3, "3.33"), sold(1, "24.5", "3")),
        **more,
    }
    return LedgerDocument(**given)


@dataclass
class Books:
    """An open connection to a running simulator."""

    ledger: Ledger
    hosted: HostedSimulator
    log: RecordingLog
    stopwatch: FakeStopwatch
    vault: MemoryVault
    world: SimulatedWorld

    @property
    def simulator(self) -> Simulator:
        state: Simulator = self.hosted.app.state.simulator  # type: ignore[attr-defined]
        return state

    def break_with(self, *faults: Fault) -> None:
        self.hosted.controlled.faults.replace(faults)

    async def taxes(self) -> dict[str, LedgerReference]:
        """Tax codes by key."""
        return {
            row.key: row
            async for rows in self.ledger.references()
            for row in rows
            if row.kind is ReferenceKind.TAX
        }


def settings(base_url: str, **more: Any) -> dict[str, Any]:
    """Of a connection to a simulator, secrets in plain text."""
    given = SANDBOX.settings(base_url)
    return {**given, "client_secret": SECRET, "webhook_verifier": VERIFIER, **more}


@asynccontextmanager
async def connected(
    world: SimulatedWorld | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[Books]:
    """Start a simulator on loopback and open a connection; seconds pass only by waiting.

    The simulator counts its limits on the same seconds.
    """
    log, stopwatch, vault = RecordingLog(), FakeStopwatch(), MemoryVault(REFRESH_TOKEN)
    here = world or customers()
    counted = {"monotonic": lambda: stopwatch.now, **(options or {})}
    with (
        SandboxHost(here, [SANDBOX], options={"quickbooks": counted}) as host,
        stopwatch.running(),
    ):
        hosted = host.simulators["quickbooks"]
        context = Context(
            connection="books",
            config=QuickBooksConfig.model_validate(settings(hosted.base_url, **more)),
            limits=CONNECTOR.limits,
            clock=lambda: START + timedelta(seconds=stopwatch.now),
            log=log,
            vault=vault,
        )
        async with CONNECTOR.open(context) as ports:
            assert ports.ledger is not None
            yield Books(ports.ledger, hosted, log, stopwatch, vault, here)
