"""A small world and a running simulator for tests of the NinjaOne connector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from syncd_ninjaone import CONNECTOR
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.models import Device, System
from syncd_ninjaone.sandbox import CLIENT_ID, SANDBOX, SECRET

from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sdk.connector import Context
from syncd.sdk.ports import SourceHints, UsageSource
from syncd.sdk.records import Observation, ScopeVerdict
from syncd.sdk.sandbox import WorldClient, WorldDevice, WorldSite
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog, RecordingSink
from syncd.sdk.testing.faults import Fault

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LONG_AGO = date(2025, 1, 6)


class PlainWorld:
    """A `World` of plain lists that a test edits by hand."""

    seed = 1

    def __init__(
        self, clients: Sequence[WorldClient] = (), devices: Sequence[WorldDevice] = ()
    ) -> None:
        self.moment = NOW
        self.here = list(clients)
        self.fleet = list(devices)

    def now(self) -> datetime:
        return self.moment

    def clients(self) -> Sequence[WorldClient]:
        return tuple(self.here)

    def devices(self) -> Sequence[WorldDevice]:
        return tuple(self.fleet)


def client(number: int, **facts: Any) -> WorldClient:
    known = {"name": f"Client {number}", "sites": (WorldSite(id=number, name="Head office"),)}
    return WorldClient(id=number, arrives=LONG_AGO, **{**known, **facts})


def world_device(number: int, *, client: int = 1, **facts: Any) -> WorldDevice:
    known = {"kind": "workstation", "name": f"PC-{number}", "serial": f"SN{number:06d}"}
    whole: dict[str, Any] = {**known, "site": client, **facts}
    return WorldDevice(id=number, client=client, arrives=LONG_AGO, **whole)


def fleet(size: int, *, clients: int = 3, gap: int = 2) -> PlainWorld:
    """`size` workstations spread over the clients, ids ascending with gaps."""
    return PlainWorld(
        [client(number) for number in range(1, clients + 1)],
        [world_device(1000 + n * gap, client=n % clients + 1) for n in range(size)],
    )


def config(**settings: Any) -> NinjaOneConfig:
    known = {"client_id": CLIENT_ID, "client_secret": SECRET}
    if "region" not in settings and "base_url" not in settings:
        known["region"] = "eu"
    return NinjaOneConfig.model_validate({**known, **settings})


def device(number: int = 1, **facts: Any) -> Device:
    """A device as decoded: an approved, fresh workstation unless told otherwise."""
    serial = facts.pop("serial", None)
    known = {
        "organization_id": 15,
        "node_class": "WINDOWS_WORKSTATION",
        "approval_status": "APPROVED",
        "display_name": f"PC-{number}",
        "last_contact": (NOW - timedelta(minutes=5)).timestamp(),
        "system": System(serial_number=serial) if serial is not None else None,
    }
    return Device(id=number, **{**known, **facts})


@dataclass
class FixedHints:
    """What a last complete pull left behind."""

    ids: Sequence[int]
    asked: list[int] = field(default_factory=list)

    async def unit_count(self) -> int:
        return len(self.ids)

    async def unit_id_bounds(self, parts: int) -> Sequence[int]:
        self.asked.append(parts)
        return [self.ids[len(self.ids) * n // parts - 1] for n in range(1, parts)]


@dataclass
class Stand:
    """An open connection to a running simulator."""

    source: UsageSource
    simulator: HostedSimulator
    log: RecordingLog
    stopwatch: FakeStopwatch

    async def pull(self) -> tuple[RecordingSink, ScopeVerdict]:
        sink = RecordingSink()
        (verdict,) = await self.source.observe(sink, None)
        return sink, verdict

    @property
    def calls(self) -> Mapping[str, int]:
        """Calls so far by method and path."""
        return self.simulator.controlled.statistics.calls

    def break_with(self, *faults: Fault) -> None:
        self.simulator.controlled.faults.replace(faults)


@asynccontextmanager
async def stand(
    world: Any,
    *,
    options: Mapping[str, Any] | None = None,
    hints: SourceHints | None = None,
    **settings: Any,
) -> AsyncIterator[Stand]:
    """Start the simulator on loopback and open a connection to it; no waiting takes time."""
    log, stopwatch = RecordingLog(), FakeStopwatch()
    with (
        SandboxHost(world, [SANDBOX], options={"ninjaone": options or {}}) as host,
        stopwatch.running(),
    ):
        simulator = host.simulators["ninjaone"]
        context = Context(
            connection="ninja-eu",
            config=config(base_url=simulator.base_url, **settings),
            limits=CONNECTOR.limits,
            clock=world.now,
            log=log,
            hints=hints,
        )
        async with CONNECTOR.open(context) as ports:
            assert ports.usage is not None
            yield Stand(ports.usage, simulator, log, stopwatch)


def excluded(observations: Sequence[Observation]) -> dict[str, str | None]:
    """Reason code by name of the unit."""
    return {unit.name: unit.excluded for unit in observations}
