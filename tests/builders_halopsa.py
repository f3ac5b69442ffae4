"""A HaloPSA connection over the simulator, in process, with every call seen and any call broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import respx
from pydantic import SecretStr
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.connector import CONNECTOR
from syncd_halopsa.psa import HaloPsa
from syncd_halopsa.sandbox import CLIENT_ID, SECRET, TENANT
from syncd_halopsa.sandbox.app import Simulator, build

from syncd.sandbox.presets import small
from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.records import ChangeKind, KeyedChange, SubscriptionFields
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


Breaker = Callable[[int, Call], str | httpx.Response | None]
"""From the number (from 1) and the call to a fault: `refuse` (never leaves), `lose` (is never
answered and never arrives), `lose_answer` (arrives, is done, and is never answered), or an answer
that is given after the call was done; None lets it pass."""


@dataclass
class Wire:
    """Everything that went over the wire."""

    app: Any
    calls: list[Call] = field(default_factory=list)
    breaker: Breaker | None = None
    _inside: httpx.AsyncBaseTransport = field(init=False)

    def __post_init__(self) -> None:
        self._inside = httpx.ASGITransport(app=self.app)

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
        fault = self.breaker(len(self.calls), call) if self.breaker else None
        if fault == "refuse":
            raise httpx.ConnectError("refused", request=request)
        if fault == "lose":
            raise httpx.ReadTimeout("lost", request=request)
        answer = await self._inside.handle_async_request(request)
        await answer.aread()
        if fault == "lose_answer":
            raise httpx.ReadError("cut", request=request)
        if isinstance(fault, httpx.Response):
            return fault
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


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
    )
    with watch.running(), _patched(wire):
        async with CONNECTOR.open(context) as ports:
            assert isinstance(ports.psa, HaloPsa)
            yield Bench(ports.psa, simulated.state.simulator, wire, log, clock, watch)


@contextmanager
def _patched(wire: Wire) -> Iterator[None]:
    with respx.mock(assert_all_called=False, using="httpx") as router:
        router.route().mock(side_effect=wire.handle)
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
