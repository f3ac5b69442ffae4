"""A HaloPSA connection over the simulator, in process, with every call seen and any call broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import httpx
from pydantic import SecretStr
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.connector import CONNECTOR
from syncd_halopsa.psa import HaloPsa
from syncd_halopsa.sandbox import CLIENT_ID, SECRET, TENANT
from syncd_halopsa.sandbox.app import Simulator, build

from syncd.sandbox.presets import small
from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.records import ChangeKind, KeyedChange, Outcome, SubscriptionFields
from syncd.sdk.testing.fakes import FakeClock, FakeStopwatch, RecordingLog

BASE = "http://127.0.0.1:9"
ALPHA, BETA, GAMMA = "1001", "1002", "1003"
"""Clients of the small world."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached the wire."""

    method: str
    path: str
    params: dict[str, str]
    body: bytes

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


Fault = str | httpx.Response | Callable[[httpx.Response], httpx.Response] | None
"""`refuse` (never leaves), `lose` (never arrives and is never answered), `lose_answer` (is done and
never answered), an answer given in place of HaloPSA's without its knowledge, or a function of the
true answer; None lets the call pass."""

Breaker = Callable[[Call], Fault]


@dataclass
class Wire:
    """Everything that went over the wire."""

    app: Any
    calls: list[Call] = field(default_factory=list)
    breaker: Breaker | None = None

    @property
    def names(self) -> list[str]:
        """Method and path of every call but those for tokens."""
        return [call.name for call in self.calls if not call.path.endswith("/token")]

    @property
    def posts(self) -> list[Call]:
        return [call for call in self.calls if call.name == "POST /api/SoftwareLicence"]

    async def handle(self, request: httpx.Request) -> httpx.Response:
        call = Call(
            request.method,
            request.url.path,
            dict(request.url.params),
            await request.aread(),
        )
        self.calls.append(call)
        fault = self.breaker(call) if self.breaker else None
        if isinstance(fault, httpx.Response):
            return fault
        if fault == "refuse":
            raise httpx.ConnectError("refused", request=request)
        if fault == "lose":
            raise httpx.ReadTimeout("lost", request=request)
        whole = await self._answer(request, call.body)
        if fault == "lose_answer":
            raise httpx.ReadError("cut", request=request)
        return fault(whole) if callable(fault) else whole

    async def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """What the application answers; httpx's own transport would look for trio every time."""
        status, headers, content = 0, [], b""

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, headers, content
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            else:
                content += message.get("body", b"")

        scope = {
            "type": "http",
            "method": request.method,
            "scheme": "http",
            "http_version": "1.1",
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port),
            "client": ("127.0.0.1", 1),
        }
        await self.app(scope, receive, send)
        return httpx.Response(status, headers=headers, content=content)


@dataclass
class Bench:
    """An opened connection and both of its ends."""

    psa: HaloPsa
    sim: Simulator
    wire: Wire
    log: RecordingLog
    clock: FakeClock
    watch: FakeStopwatch


def config(**settings: Any) -> HaloPsaConfig:
    return HaloPsaConfig(
        **{
            "base_url": BASE,
            "tenant": TENANT,
            "client_id": CLIENT_ID,
            "client_secret": SecretStr(SECRET),
            **settings,
        }
    )


@asynccontextmanager
async def opened(
    options: dict[str, Any] | None = None,
    *,
    limits: RateLimit | None = None,
    app: Any = None,
    world: Any = None,
    zone: tzinfo = UTC,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A connection over a fresh simulator of the small world, or over `app`.

    Everything that waits, on either side, waits on one fake stopwatch.
    """
    watch = FakeStopwatch()
    simulated = app or build(world or small(), {"monotonic": watch.monotonic, **(options or {})})
    wire, log, clock = Wire(simulated), RecordingLog(), FakeClock()
    context = Context(
        connection="halo",
        config=config(**settings),
        limits=limits or CONNECTOR.limits,
        clock=clock,
        log=log,
        zone=zone,
    )
    with watch.running(), _patched(wire):
        async with CONNECTOR.open(context) as ports:
            assert isinstance(ports.psa, HaloPsa)
            yield Bench(ports.psa, simulated.state.simulator, wire, log, clock, watch)


@contextmanager
def _patched(wire: Wire) -> Iterator[None]:
    async def handle(self: object, request: httpx.Request) -> httpx.Response:
        return await wire.handle(request)

    with patch.object(httpx.AsyncHTTPTransport, "handle_async_request", handle):
        yield


def fields(**changed: Any) -> SubscriptionFields:
    values: dict[str, Any] = {
        "client": ALPHA,
        "site": None,
        "name": "Managed workstations",
        "quantity": 4,
        "unit_price": Decimal("15.00"),
        "unit_cost": Decimal("6.00"),
        "asset_type": "101",
        "supplier": "301",
        "start": "2026-11-01",
        "end": None,
        "notes": "November 2026",
        **changed,
    }
    return SubscriptionFields(**values)


def create(key: str = "syncd:a1b2c3d4:11:c1:l1", **changed: Any) -> KeyedChange:
    return KeyedChange(key, ChangeKind.CREATE, None, fields(**changed))


def update(remote: str, key: str = "syncd:a1b2c3d4:11:c1:l1", **changed: Any) -> KeyedChange:
    return KeyedChange(key, ChangeKind.UPDATE, remote, fields(**changed))


def adopt(remote: str, key: str = "syncd:a1b2c3d4:11:c1:l1", **changed: Any) -> KeyedChange:
    return KeyedChange(key, ChangeKind.ADOPT, remote, fields(**changed))


CLIENTS = (ALPHA, ALPHA, ALPHA, BETA, BETA, GAMMA)


def batch(size: int = 6, **changed: Any) -> list[KeyedChange]:
    """Creates of keys `syncd:k0`, … spread over three clients."""
    return [
        create(f"syncd:k{n}", client=CLIENTS[n % 6], name=f"Line {n}", **changed)
        for n in range(size)
    ]


def by_key(outcomes: Any) -> dict[str, Outcome]:
    return {one.key: one for one in outcomes}


def ours(bench: Bench) -> list[str]:
    """Our markers in the simulated HaloPSA, each as often as it is there."""
    rows = bench.sim.hand.subscriptions()
    return sorted(row["product_sku"] for row in rows if row["product_sku"].startswith("syncd"))


async def settled(bench: Bench) -> None:
    """Let the connection learn that keys are kept and how arrays are answered."""
    await bench.psa.apply([create("syncd:first", name="First")])
    bench.wire.calls.clear()
