"""A connection to a running simulated Xero; no waiting takes time."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from syncd_xero import CONNECTOR
from syncd_xero.config import XeroConfig
from syncd_xero.ledger import XeroLedger
from syncd_xero.sandbox import CLIENT_ID, REFRESH_TOKEN, SANDBOX, SECRET, TENANT, WEBHOOK_KEY
from syncd_xero.sandbox.app import Simulator
from syncd_xero.sandbox.hand import Hand

from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, Wanted
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from syncd.sdk.testing.faults import Fault
from tests.builders_partner import market
from tests.builders_tokens import MemoryVault

CONSENT: dict[str, Any] = {"access": "consent", "client_id": CLIENT_ID}


@dataclass
class Books:
    """An open connection to a running simulator."""

    ledger: XeroLedger
    hosted: HostedSimulator
    log: RecordingLog
    stopwatch: FakeStopwatch
    vault: MemoryVault
    world: SimulatedWorld
    context: Context[XeroConfig]
    _references: list[LedgerReference] = field(default_factory=list)

    @property
    def simulator(self) -> Simulator:
        state: Simulator = self.hosted.app.state.simulator  # type: ignore[attr-defined]
        return state

    @property
    def hand(self) -> Hand:
        return self.simulator.hand

    @property
    def calls(self) -> int:
        """Calls to the books so far."""
        return self.ledger._client.calls

    @asynccontextmanager
    async def reopened(self, **more: Any) -> AsyncIterator[XeroLedger]:
        """The same connection opened once more, as the next run does; with other settings."""
        config = self.context.config.model_copy(update=more)
        async with CONNECTOR.open(replace(self.context, config=config)) as ports:
            assert isinstance(ports.ledger, XeroLedger)
            yield ports.ledger

    def break_with(self, *faults: Fault) -> None:
        self.hosted.controlled.faults.replace(faults)

    async def references(self) -> list[LedgerReference]:
        if not self._references:
            async for rows in self.ledger.references():
                self._references += rows
        return self._references

    async def references_anew(self) -> list[LedgerReference]:
        self._references = []
        return await self.references()

    async def of_kind(self, kind: ReferenceKind) -> dict[str, LedgerReference]:
        return {one.key: one for one in await self.references() if one.kind is kind}


@asynccontextmanager
async def connected(
    world: SimulatedWorld | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    limits: RateLimit | None = None,
    vault: MemoryVault | None = None,
    **more: Any,
) -> AsyncIterator[Books]:
    """Start the simulator on loopback and open a connection to it; no waiting takes time."""
    log, stopwatch = RecordingLog(), FakeStopwatch()
    here, kept = world or market(), vault or MemoryVault(REFRESH_TOKEN)
    simulated = {"monotonic": stopwatch.monotonic, "sleep": stopwatch.sleep, **(options or {})}
    with (
        SandboxHost(here, [SANDBOX], options={"xero": simulated}) as host,
        stopwatch.running(),
    ):
        hosted = host.simulators["xero"]
        given = {
            **SANDBOX.settings(hosted.base_url),
            "client_secret": SECRET,
            "webhook_key": WEBHOOK_KEY,
            **more,
        }
        context = Context(
            connection="books",
            config=XeroConfig.model_validate(given),
            limits=limits or CONNECTOR.limits,
            clock=here.now,
            log=log,
            vault=kept,
        )
        async with CONNECTOR.open(context) as ports:
            assert isinstance(ports.ledger, XeroLedger)
            yield Books(ports.ledger, hosted, log, stopwatch, kept, here, context)


def config(**more: Any) -> XeroConfig:
    """Settings of a connection that asks nobody."""
    given = {"client_id": "client", "client_secret": "a-secret", "organisation": TENANT, **more}
    return XeroConfig.model_validate(given)


def wanted(document: LedgerDocument, **more: Any) -> Wanted:
    """The look-up of a document."""
    told: dict[str, Any] = {
        "key": document.key,
        "kind": document.kind,
        "number": document.number,
        "marker": document.marker,
        "contact": document.contact,
        "dated": document.dated,
    }
    return Wanted(**{**told, **more})


def challenge_of(verifier: str) -> str:
    """PKCE's S256 challenge."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
