"""Ready worlds: the demo's MSP, a small one for tests, and plain fleets for benchmarks."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from syncd.sandbox.clock import WorldClock
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.sandbox import WorldClient, WorldDevice, WorldSite

DEMO_START = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
"""Last evening of the first month the demo bills: every pull of that day is a November snapshot."""

_FOUNDED = date(2025, 1, 6)
_NAMES = (
    # name, workstations, servers, network devices, vm hosts and guests, phones
    ("Brasserie Lumen", 9, 1, 3, 0, 2),
    ("Tandarts Vos BV", 14, 2, 2, 1, 0),
    ("Vos Tandartsen", 6, 1, 1, 0, 0),
    ("Acme Corp", 22, 4, 5, 2, 6),
    ("Acme Capital", 8, 1, 2, 0, 4),
    ("Hartley & Sons Ltd", 17, 2, 3, 1, 0),
    ("Müller Zahntechnik GmbH", 11, 2, 2, 0, 3),
    ("Northgate Veterinary", 7, 1, 1, 0, 0),
    ("Northgate Veterinary", 5, 0, 1, 0, 0),
    ("Quayside Legal LLP", 19, 3, 4, 2, 8),
    ("Fern Primary School", 31, 2, 6, 1, 0),
    ("Oakfield Farm Shop", 3, 0, 1, 0, 1),
    ("Harbour Street Bakery", 3, 0, 0, 0, 0),
    ("Ostrava Logistics s.r.o.", 26, 5, 7, 3, 4),
)
_INTERNAL = "Bluebird IT (internal)"
_PLACEHOLDERS = ("System Serial Number", "To Be Filled By O.E.M.", "0")


class _Builder:
    """Hands out ids with gaps and remembers what was built."""

    def __init__(self, seed: int) -> None:
        # Not for secrets: the same seed must give the same world.
        self.random = random.Random(seed)  # noqa: S311
        self.devices: list[WorldDevice] = []
        self._next = 1000

    def device(self, client: WorldClient, kind: str, name: str, **facts: object) -> None:
        self._next += self.random.choice((1, 1, 1, 2, 5))
        merged: dict[str, object] = {
            "arrives": client.arrives,
            "serial": f"SN{self.random.randrange(10**9):09d}",
            "site": self.random.choice(client.sites).id,
        }
        merged.update(facts)
        self.devices.append(
            WorldDevice(id=self._next, client=client.id, kind=kind, name=name, **merged)  # type: ignore[arg-type]
        )


def demo(seed: int = 7, start: datetime = DEMO_START) -> SimulatedWorld:
    """Fifteen clients and about 300 devices with every oddity the product must survive.

    In the month after `start` Acme Corp and Oakfield grow, Quayside Legal shrinks, and Harbour
    Street Bakery falls to zero.
    """
    build = _Builder(seed)
    clients = []
    for number, (name, *_counts) in enumerate(_NAMES, start=1):
        sites = tuple(
            WorldSite(id=number * 10 + n, name=("Head office", "Branch")[n])
            for n in range(2 if number in {4, 10} else 1)
        )
        clients.append(
            WorldClient(
                id=number, name=name, sites=sites, arrives=_FOUNDED, id_proof=number % 3 != 0
            )
        )
    internal = WorldClient(
        id=50,
        name=_INTERNAL,
        sites=(WorldSite(id=500, name="Head office"),),
        arrives=_FOUNDED,
        internal=True,
    )
    turn = start.date()
    for client, (_name, stations, servers, network, hosts, phones) in zip(
        clients, _NAMES, strict=True
    ):
        _office(build, client, stations, servers, network, hosts, phones)
    _oddities(build, clients, turn)
    _next_month(build, clients, turn)
    for n in range(4):
        build.device(internal, "workstation", f"BLUEBIRD-{n:02d}")
    return SimulatedWorld(
        seed=seed, clients=[*clients, internal], devices=build.devices, clock=WorldClock(start)
    )


def _office(
    build: _Builder,
    client: WorldClient,
    stations: int,
    servers: int,
    network: int,
    hosts: int,
    phones: int,
) -> None:
    stem = "".join(word[0] for word in client.name.split() if word[0].isalpha()).upper()
    stem = f"{stem}{client.id}"
    for n in range(stations):
        build.device(client, ("workstation", "laptop", "mac")[n % 3], f"{stem}-PC{n + 1:02d}")
    for n in range(servers):
        build.device(client, ("server", "linux_server")[n % 2], f"{stem}-SRV{n + 1}")
    for n in range(network):
        build.device(client, ("firewall", "switch", "printer")[n % 3], f"{stem}-NET{n + 1}")
    for n in range(hosts):
        build.device(client, "vm_host", f"{stem}-HOST{n + 1}")
        for m in range(3):
            build.device(client, "vm_guest", f"{stem}-VM{n + 1}{m + 1}")
    for n in range(phones):
        build.device(client, ("phone_ios", "phone_android")[n % 2], f"{stem}-MOB{n + 1}")


def _oddities(build: _Builder, clients: list[WorldClient], turn: date) -> None:
    """What a real fleet holds beside plain devices."""
    lumen, vos, acme = clients[0], clients[1], clients[3]
    build.device(lumen, "workstation", "BL1-SPARE", tags=("spare",))
    build.device(lumen, "workstation", "BL1-DRAWER", last_seen=turn - timedelta(days=75))
    build.device(vos, "workstation", "TVB2-NEW", state="pending")
    build.device(vos, "server", "TVB2-OLD", state="decommissioned")
    build.device(vos, "workstation", "TVB2-STAGED", state="staged")
    for n, serial in enumerate(_PLACEHOLDERS):
        build.device(acme, "workstation", f"AC4-KIT{n + 1}", serial=serial)
    for n in range(2):
        build.device(acme, "workstation", f"AC4-CLONE{n + 1}", serial="DUP-0001")
    build.device(acme, "unknown", "AC4-FUTURE")
    build.device(acme, "unmanaged", "AC4-DESK")
    build.device(clients[9], "cloud_monitor", "quayside.example ping")
    build.device(clients[9], "cloud_monitor", "portal.quayside.example http")


def _next_month(build: _Builder, clients: list[WorldClient], turn: date) -> None:
    """Arrivals and departures in the month after `turn`."""
    acme, quayside, bakery, farm = clients[3], clients[9], clients[12], clients[11]
    for n in range(3):
        build.device(acme, "laptop", f"AC4-JOIN{n + 1}", arrives=turn + timedelta(days=5 + 3 * n))
    build.device(farm, "laptop", "OFS12-JOIN1", arrives=turn + timedelta(days=12))
    leavers = {
        quayside.id: ("QLL10-PC01", "QLL10-PC02"),
        bakery.id: ("HSB13-PC01", "HSB13-PC02", "HSB13-PC03"),
    }
    for position, device in enumerate(build.devices):
        if device.name in leavers.get(device.client, ()):
            build.devices[position] = _leaving(device, turn + timedelta(days=18))


def _leaving(device: WorldDevice, day: date) -> WorldDevice:
    return WorldDevice(
        id=device.id,
        client=device.client,
        site=device.site,
        kind=device.kind,
        name=device.name,
        serial=device.serial,
        arrives=device.arrives,
        leaves=day,
        last_seen=device.last_seen,
        state=device.state,
        tags=device.tags,
    )


def small(seed: int = 7, start: datetime = DEMO_START) -> SimulatedWorld:
    """Three plain clients with a handful of devices, for tests that name their facts."""
    build = _Builder(seed)
    clients = [
        WorldClient(
            id=number,
            name=name,
            sites=(WorldSite(id=number * 10, name="Head office"),),
            arrives=_FOUNDED,
            id_proof=True,
        )
        for number, name in enumerate(("Alpha Ltd", "Beta Ltd", "Gamma Ltd"), start=1)
    ]
    for client, stations in zip(clients, (4, 2, 0), strict=True):
        _office(build, client, stations, servers=client.id % 2, network=0, hosts=0, phones=0)
    return SimulatedWorld(
        seed=seed, clients=clients, devices=build.devices, clock=WorldClock(start)
    )


def fleet(
    devices: int,
    clients: int,
    *,
    seed: int = 7,
    start: datetime = DEMO_START,
    churn: float = 0.0,
) -> SimulatedWorld:
    """A plain fleet spread evenly over many clients, for benchmarks.

    On the day after `start`, a share of `churn` of the devices leaves and as many arrive.
    """
    tomorrow = start.date() + timedelta(days=1)
    every = round(1 / churn) if churn else devices + 1
    here = [
        WorldClient(
            id=number,
            name=f"Client {number:05d}",
            sites=(WorldSite(id=number, name="Head office"),),
            arrives=_FOUNDED,
            id_proof=True,
        )
        for number in range(1, clients + 1)
    ]
    kinds = ("workstation", "laptop", "workstation", "server", "switch")
    fleet_devices = [
        WorldDevice(
            id=1000 + n,
            client=n % clients + 1,
            site=n % clients + 1,
            kind=kinds[n % len(kinds)],
            name=f"PC-{n:07d}",
            serial=f"SN{n:09d}",
            arrives=_FOUNDED if n < devices else tomorrow,
            leaves=tomorrow if n < devices and n % every == every - 1 else None,
        )
        for n in range(devices + devices // every)
    ]
    return SimulatedWorld(seed=seed, clients=here, devices=fleet_devices, clock=WorldClock(start))


PRESETS: Mapping[str, Callable[..., SimulatedWorld]] = {"demo": demo, "small": small}
"""Worlds that a name on the command line can choose."""
