"""How many seats of a SKU a client has on a day, from the devices of the shared world.

The simulator of the directory derives its numbers by the same rule; a test holds the two together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, Protocol, runtime_checkable

from syncd.sdk.sandbox import World, WorldClient, WorldDevice
from syncd_csp.sandbox.catalogue import AHEAD, BASIC, EXCHANGE, FABRIC, PREMIUM, Sku

WORKPLACES: Final = frozenset({"workstation", "laptop", "mac"})
FREE_SEATS: Final = 1_000_000


@runtime_checkable
class RemembersAll(Protocol):
    """A world that also tells who and what there was on other days."""

    def everyone(self) -> Sequence[WorldClient]: ...

    def everything(self) -> Sequence[WorldDevice]: ...


def clients_of(world: World) -> Sequence[WorldClient]:
    """Everybody who is or was a client, as far as the world knows."""
    return world.everyone() if isinstance(world, RemembersAll) else world.clients()


class Seats:
    """Answers for every client, SKU and day of one world."""

    def __init__(self, world: World) -> None:
        stays: defaultdict[tuple[int, str], list[tuple[date, date]]] = defaultdict(list)
        clients = {client.id: client for client in clients_of(world)}
        devices = world.everything() if isinstance(world, RemembersAll) else world.devices()
        for device in devices:
            client = clients.get(device.client)
            if client and device.kind in WORKPLACES and device.state == "approved":
                for sku in _licences(device):
                    stays[client.id, sku.guid].append(_overlap(device, client))
        for client in clients.values():
            stays[client.id, EXCHANGE.guid].append((client.arrives, client.leaves or date.max))
        self._turns = {key: _turns(spans) for key, spans in stays.items()}

    def used(self, client: int, sku: Sku, day: date) -> int:
        """People who hold a licence."""
        joined, left = self._turns.get((client, sku.guid), ((), ()))
        return bisect_right(joined, day) - bisect_right(left, day)

    def bought(self, client: int, sku: Sku, day: date) -> int:
        """Seats that are paid for: a few more than are used, none if none is."""
        used = self.used(client, sku, day)
        if sku is FABRIC:
            return FREE_SEATS if used else 0
        return used + client % 3 if used else 0


def _licences(device: WorldDevice) -> Iterator[Sku]:
    yield PREMIUM if device.id % 3 else BASIC
    if device.id % 4 == 0:
        yield FABRIC
    if device.id % 10 == 0:
        yield AHEAD


def _overlap(device: WorldDevice, client: WorldClient) -> tuple[date, date]:
    end = min(device.leaves or date.max, client.leaves or date.max)
    return max(device.arrives, client.arrives), end


def _turns(stays: Sequence[tuple[date, date]]) -> tuple[list[date], list[date]]:
    """Days on which somebody came and on which somebody was gone, ascending."""
    here = [stay for stay in stays if stay[0] < stay[1]]
    return sorted(first for first, _ in here), sorted(end for _, end in here)
