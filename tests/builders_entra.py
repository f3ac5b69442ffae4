"""A small world of tenants and a running Microsoft cloud for tests of the Entra connector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from syncd_entra import CONNECTOR
from syncd_entra.config import EntraConfig
from syncd_entra.sandbox import CLIENT_ID, SANDBOX, SECRET
from syncd_entra.sandbox.directory import tenant_id

from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.ports import UsageSource
from syncd.sdk.records import Observation, ScopeVerdict
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog, RecordingSink
from syncd.sdk.testing.faults import Fault
from syncd.sdk.tokens import TokenVault
from tests.builders_ninjaone import PlainWorld, client, world_device

ONE, TWO, THREE, FOUR, FIVE, SIX = (tenant_id(number) for number in range(1, 7))
PREMIUM = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46"
BASIC = "3b555118-da6a-4418-894f-7df1e2096870"
EXCHANGE = "4b9405b0-7788-4568-add1-99614e613b69"


def cloud(clients: int = 3, people: int = 6) -> PlainWorld:
    """Clients whose people each have a laptop; beside them a scanner, a room and a guest."""
    devices = [
        world_device(1001 + n, client=n % clients + 1, kind="laptop", name=f"LT-{n}")
        for n in range(people)
    ]
    return PlainWorld([client(number) for number in range(1, clients + 1)], devices)


def settings(world: Any, **more: Any) -> dict[str, Any]:
    """Settings of a connection to all tenants of the world, for a simulator at `base_url`."""
    assert SANDBOX.world_settings is not None
    known = {"client_id": CLIENT_ID, "client_secret": SECRET}
    return {**known, **SANDBOX.world_settings(world), **more}


def config(**more: Any) -> EntraConfig:
    known = {
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "tenants": [{"id": ONE, "name": "Client 1"}],
    }
    return EntraConfig.model_validate({**known, **more})


@dataclass
class Cloud:
    """An open connection to a running simulator."""

    source: UsageSource
    simulator: HostedSimulator
    log: RecordingLog
    stopwatch: FakeStopwatch

    async def pull(self) -> tuple[RecordingSink, dict[str, ScopeVerdict]]:
        """What was handed over, and the verdict of each tenant."""
        sink = RecordingSink()
        verdicts = await self.source.observe(sink, None)
        return sink, {verdict.scope: verdict for verdict in verdicts}

    @property
    def calls(self) -> Mapping[str, int]:
        """Calls so far by method and path."""
        return self.simulator.controlled.statistics.calls

    @property
    def state(self) -> Any:
        """The simulator's state, to look at and to change by hand."""
        return self.simulator.app.state.simulator  # type: ignore[attr-defined]

    def break_with(self, *faults: Fault) -> None:
        self.simulator.controlled.faults.replace(faults)


@asynccontextmanager
async def connected(
    world: Any,
    *,
    options: Mapping[str, Any] | None = None,
    limits: RateLimit | None = None,
    vault: TokenVault | None = None,
    **more: Any,
) -> AsyncIterator[Cloud]:
    """Start the simulator on loopback and open a connection to it; no waiting takes time."""
    log, stopwatch = RecordingLog(), FakeStopwatch()
    with (
        SandboxHost(world, [SANDBOX], options={"entra": options or {}}) as host,
        stopwatch.running(),
    ):
        simulator = host.simulators["entra"]
        given = settings(world, login_url=simulator.base_url, graph_url=simulator.base_url)
        context = Context(
            connection="m365",
            config=EntraConfig.model_validate({**given, **more}),
            limits=limits or CONNECTOR.limits,
            clock=world.now,
            log=log,
            vault=vault,
        )
        async with CONNECTOR.open(context) as ports:
            assert ports.usage is not None
            yield Cloud(ports.usage, simulator, log, stopwatch)


def counted(units: Sequence[Observation], account: str) -> dict[str, int]:
    """Sum of what counts of an account, by product."""
    sums: dict[str, int] = {}
    for unit in units:
        if unit.account == account and unit.excluded is None:
            sums[unit.product] = sums.get(unit.product, 0) + unit.quantity
    return sums


def of(units: Sequence[Observation], account: str, product: str) -> dict[str, Observation]:
    """An account's units of a product by name."""
    return {one.name: one for one in units if (one.account, one.product) == (account, product)}
