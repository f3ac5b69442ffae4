"""A small world and a running simulator for tests of the backup console's connector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncd_backup_console import CONNECTOR
from syncd_backup_console.config import BackupConsoleConfig
from syncd_backup_console.models import Company, Licence, User
from syncd_backup_console.sandbox import PASSWORD, SANDBOX, USER_NAME

from syncd.sandbox.host import HostedSimulator, SandboxHost
from syncd.sdk.connector import Context
from syncd.sdk.period import Period
from syncd.sdk.ports import SourceHints, UsageSource
from syncd.sdk.records import Observation, ScopeVerdict
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog, RecordingSink
from syncd.sdk.testing.faults import Fault
from tests.builders_ninjaone import PlainWorld, client, world_device

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
NOVEMBER = Period(2026, 11)
LATER, YESTERDAY = "2027-03-01T00:00:00", "2026-11-29T00:00:00"


def console(clients: int = 3, servers: int = 4) -> PlainWorld:
    """Clients with servers, each of which holds a licence; ids stay clear of odd states."""
    devices = [
        world_device(
            10_000 + 943 * 2 * n + 1, client=n % clients + 1, kind="server", name=f"SRV-{n}"
        )
        for n in range(servers)
    ]
    return PlainWorld([client(number) for number in range(1, clients + 1)], devices)


def config(**settings: Any) -> BackupConsoleConfig:
    known = {"user_name": USER_NAME, "password": PASSWORD}
    return BackupConsoleConfig.model_validate({**known, **settings})


def company(key: str, name: str | None) -> Company:
    return Company(id=key, name=name)


def user(key: str, of: str | None, **facts: Any) -> User:
    return User(id=key, login=facts.pop("login", f"{key}.login"), company=of, **facts)


def licence(key: str, **facts: Any) -> Licence:
    """In use, paid and unexpired, of user `u1`, unless told otherwise."""
    known = {
        "trial": False,
        "taken": True,
        "kind": "Server",
        "expires": LATER,
        "user": "u1.login",
        "user_id": "u1",
    }
    return Licence(id=key, **{**known, **facts})


@dataclass
class Desk:
    """An open connection to a running simulator."""

    source: UsageSource
    simulator: HostedSimulator
    log: RecordingLog
    stopwatch: FakeStopwatch

    async def pull(
        self, period: Period | None = None
    ) -> tuple[RecordingSink, dict[str, ScopeVerdict]]:
        """What was handed over, and the verdict of each scope."""
        sink = RecordingSink()
        verdicts = await self.source.observe(sink, period)
        return sink, {verdict.scope: verdict for verdict in verdicts}

    @property
    def calls(self) -> Mapping[str, int]:
        """Calls so far by method and path."""
        return self.simulator.controlled.statistics.calls

    @property
    def console(self) -> Any:
        """The simulator's state, to change by hand."""
        return self.simulator.app.state.console  # type: ignore[attr-defined]

    def edit(self, name: str, change: Any, *, until: int | None = None) -> None:
        """Change each row of a list in its first `until` answers, in all if not said."""
        left = [until]

        def apply(of: str, rows: list[dict[str, Any]]) -> None:
            if of != name or left[0] == 0:
                return
            left[0] = None if left[0] is None else left[0] - 1
            for row in rows:
                change(row)

        self.console.edits.append(apply)

    def break_with(self, *faults: Fault) -> None:
        self.simulator.controlled.faults.replace(faults)


@asynccontextmanager
async def desk(
    world: Any,
    *,
    options: Mapping[str, Any] | None = None,
    hints: SourceHints | None = None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """Start the simulator on loopback and open a connection to it; no waiting takes time."""
    log, stopwatch = RecordingLog(), FakeStopwatch()
    with (
        SandboxHost(world, [SANDBOX], options={"backup_console": options or {}}) as host,
        stopwatch.running(),
    ):
        simulator = host.simulators["backup_console"]
        context = Context(
            connection="backup",
            config=config(base_url=simulator.base_url, **settings),
            limits=CONNECTOR.limits,
            clock=world.now,
            log=log,
            hints=hints,
        )
        async with CONNECTOR.open(context) as ports:
            assert ports.usage is not None
            yield Desk(ports.usage, simulator, log, stopwatch)


def excluded(units: list[Observation]) -> dict[str, str | None]:
    """Reason code by name of the unit."""
    return {unit.name: unit.excluded for unit in units}


def counted(units: list[Observation]) -> dict[tuple[str, str], int]:
    """Sum of what counts, by account and product."""
    sums: dict[tuple[str, str], int] = {}
    for unit in units:
        if unit.excluded is None:
            key = unit.account, unit.product
            sums[key] = sums.get(key, 0) + unit.quantity
    return sums
