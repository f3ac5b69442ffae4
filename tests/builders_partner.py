"""A small world of customers, the simulated seller asked directly, and one behind the connector."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
from syncd_csp import CONNECTOR
from syncd_csp.config import CspConfig
from syncd_csp.sandbox import CLIENT_ID, PARTNER_TENANT, REFRESH_TOKEN, SANDBOX, SECRET
from syncd_csp.sandbox.app import Simulator
from syncd_csp.sandbox.names import tenant_id
from syncd_csp.sandbox.options import Options

from syncd.sandbox.clock import WorldClock
from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Context, Ports, RateLimit
from syncd.sdk.period import Period
from syncd.sdk.records import Observation, PurchaseLine, PurchaseProof, ScopeVerdict
from syncd.sdk.sandbox import WorldDevice
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog, RecordingSink
from syncd.sdk.testing.faults import Fault
from tests.builders_ninjaone import client, world_device
from tests.builders_tokens import MemoryVault

ONE, TWO, THREE, FOUR, FIVE, SIX, SEVEN = (tenant_id(number) for number in range(1, 8))
START = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
PARTNER = "https://api.partnercenter.microsoft.com/.default"
GRAPH = "https://graph.microsoft.com/.default"
OCTOBER, NOVEMBER = Period(2026, 10), Period(2026, 11)


def market(
    clients: int = 4,
    people: int = 12,
    start: datetime = START,
    extra: Sequence[WorldDevice] = (),
) -> SimulatedWorld:
    """Clients whose people each have a laptop, in a world whose clock can be moved."""
    devices = [
        world_device(1001 + n, client=n % clients + 1, kind="laptop", name=f"LT-{n}")
        for n in range(people)
    ]
    here = [client(number) for number in range(1, clients + 1)]
    return SimulatedWorld(seed=1, clients=here, devices=[*devices, *extra], clock=WorldClock(start))


def plain(body: bytes) -> Any:
    """JSON that may begin with a byte order mark; fractions stay exact."""
    return json.loads(body.removeprefix(codecs.BOM_UTF8), parse_float=Decimal)


@dataclass
class Asked:
    """The simulator itself, asked over ASGI.

    Attributes:
        simulator: its state.
        http: a client without a token.
    """

    simulator: Simulator
    http: httpx.AsyncClient
    _tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, scope: str = PARTNER, **more: str) -> httpx.Response:
        """The answer to a token request of the application."""
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "scope": scope,
            **more,
        }
        return await self.http.post(f"/{PARTNER_TENANT}/oauth2/v2.0/token", data=form)

    async def user(self, scope: str = PARTNER, refresh: str = REFRESH_TOKEN) -> httpx.Response:
        """The answer to the exchange of a refresh token."""
        return await self.token(scope, grant_type="refresh_token", refresh_token=refresh)

    async def get(
        self, path: str, *, scope: str = PARTNER, token: str = "", **headers: str
    ) -> httpx.Response:
        if not token:
            if scope not in self._tokens:
                self._tokens[scope] = (await self.token(scope)).json()["access_token"]
            token = self._tokens[scope]
        return await self.http.get(path, headers={"authorization": f"Bearer {token}", **headers})

    async def rows(self, customer: str) -> dict[str, dict[str, Any]]:
        """Subscriptions of a customer by id."""
        answer = await self.get(f"/v1/customers/{customer}/subscriptions")
        assert answer.status_code == 200, answer.text
        return {row["id"]: row for row in plain(answer.content)["items"]}

    async def export(self, what: str, **asked: str) -> httpx.Response:
        """The operation of an export once it is no longer under way."""
        token = (await self.token(GRAPH)).json()["access_token"]
        signed = {"authorization": f"Bearer {token}"}
        path = f"/v1.0/reports/partners/billing/reconciliation/{what}/export"
        begun = await self.http.post(path, json=asked, headers=signed)
        if begun.status_code != 202:
            return begun
        while True:
            answer = await self.http.get(begun.headers["location"], headers=signed)
            if answer.json().get("status") in {"succeeded", "failed"}:
                return answer

    async def lines(self, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All lines of an export, files in their order."""
        found = []
        for blob in manifest["blobs"]:
            where = f"{manifest['rootDirectory']}/{blob['name']}?{manifest['sasToken']}"
            answer = await self.http.get(where)
            assert answer.status_code == 200, answer.text
            found += gzip.decompress(answer.content).splitlines()
        return [json.loads(line, parse_float=Decimal) for line in found if line]


@asynccontextmanager
async def asked(world: Any | None = None, **options: Any) -> AsyncIterator[Asked]:
    """A simulator without a network."""
    simulator = Simulator(world or market(), Options(**options))
    transport = httpx.ASGITransport(simulator.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Asked(simulator, http)


class Lines:
    """A sink of lines that keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[Sequence[PurchaseLine]] = []

    async def add(self, batch: Sequence[PurchaseLine]) -> None:
        self.batches.append(list(batch))

    @property
    def all(self) -> list[PurchaseLine]:
        return [line for batch in self.batches for line in batch]

    @property
    def cost(self) -> Decimal:
        return sum((line.cost for line in self.all), Decimal(0))


@dataclass
class Seller:
    """An open connection to a running simulator."""

    ports: Ports
    hosted: HostedSimulator
    log: RecordingLog
    stopwatch: FakeStopwatch
    vault: MemoryVault

    async def pull(self) -> tuple[RecordingSink, dict[str, ScopeVerdict]]:
        """What was handed over, and the verdict of each customer."""
        assert self.ports.usage is not None
        sink = RecordingSink()
        verdicts = await self.ports.usage.observe(sink, None)
        return sink, {verdict.scope: verdict for verdict in verdicts}

    async def purchases(
        self, period: Period = OCTOBER, *, billed: bool = True
    ) -> tuple[Lines, PurchaseProof]:
        assert self.ports.purchases is not None
        sink = Lines()
        proof = await self.ports.purchases.purchases(sink, period, billed=billed)
        return sink, proof

    @property
    def simulator(self) -> Simulator:
        state: Simulator = self.hosted.app.state.simulator  # type: ignore[attr-defined]
        return state

    def break_with(self, *faults: Fault) -> None:
        self.hosted.controlled.faults.replace(faults)


@asynccontextmanager
async def connected(
    world: Any | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    limits: RateLimit | None = None,
    **more: Any,
) -> AsyncIterator[Seller]:
    """Start the simulator on loopback and open a connection to it; no waiting takes time."""
    log, stopwatch, vault = RecordingLog(), FakeStopwatch(), MemoryVault(REFRESH_TOKEN)
    here = world or market()
    with (
        SandboxHost(here, [SANDBOX], options={"csp": options or {}}) as host,
        stopwatch.running(),
    ):
        hosted = host.simulators["csp"]
        given = {**SANDBOX.settings(hosted.base_url), "client_secret": SECRET, **more}
        context = Context(
            connection="seller",
            config=CspConfig.model_validate(given),
            limits=limits or CONNECTOR.limits,
            clock=here.now,
            log=log,
            vault=vault,
        )
        async with CONNECTOR.open(context) as ports:
            yield Seller(ports, hosted, log, stopwatch, vault)


def counted(units: Sequence[Observation], account: str) -> dict[str, int]:
    """Seats that count of a customer, by subscription."""
    return {
        one.unit: one.quantity
        for one in units
        if one.account == account and one.excluded is None and one.product.startswith("seat:")
    }
