"""The shapes of the simulated world that vendor simulators render.

The world is one deterministic set of facts from a seed; each connector's simulator shows it as its
vendor's API. Days are UTC dates; `World.now()` moves only when somebody sets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSite:
    """A place of a client."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldClient:
    """The MSP's customer.

    Attributes:
        id: stable number; simulators derive their own ids from it.
        name: current name; two clients may share one.
        sites: at least one; the first is the main site.
        arrives: first day as a customer.
        leaves: first day no longer a customer, None while it stays.
        id_proof: True when the sources store the PSA's client id (an exact id proof).
        internal: the MSP itself.
    """

    id: int
    name: str
    sites: tuple[WorldSite, ...]
    arrives: date
    leaves: date | None = None
    id_proof: bool = False
    internal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldDevice:
    """A managed device.

    Attributes:
        id: stable number, ascending in order of arrival, with gaps.
        client: `WorldClient.id`.
        site: `WorldSite.id`.
        kind: `workstation`, `laptop`, `mac`, `server`, `linux_server`, `vm_host`, `vm_guest`,
            `switch`, `firewall`, `printer`, `phone_ios`, `phone_android`, `cloud_monitor`,
            `unmanaged`, `unknown`.
        name: host name.
        serial: may be a placeholder, may repeat.
        arrives: first day present.
        leaves: first day absent, None while it stays.
        last_seen: last day it reported, None when it reports every day.
        state: `approved`, `pending`, `staged` or `decommissioned`.
        tags: e.g. `("spare",)`.
    """

    id: int
    client: int
    site: int
    kind: str
    name: str
    serial: str
    arrives: date
    leaves: date | None = None
    last_seen: date | None = None
    state: str = "approved"
    tags: tuple[str, ...] = ()


class World(Protocol):
    """The facts at the simulated moment."""

    seed: int

    def now(self) -> datetime:
        """The simulated moment, UTC."""
        ...

    def clients(self) -> Sequence[WorldClient]:
        """Clients present now, ascending by id."""
        ...

    def devices(self) -> Sequence[WorldDevice]:
        """Devices present now, ascending by id; all states included."""
        ...
