"""The simulated MSP: clients, sites and devices that come and go by day, from one seed.

Everything is decided when the world is built; asking at another moment shows other facts, and the
same seed shows the same facts for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from syncd.sandbox.clock import WorldClock
from syncd.sdk.sandbox import WorldClient, WorldDevice


class SimulatedWorld:
    """A `World` made of fixed lists and a clock that can be moved."""

    def __init__(
        self,
        *,
        seed: int,
        clients: Sequence[WorldClient],
        devices: Sequence[WorldDevice],
        clock: WorldClock,
    ) -> None:
        self.seed = seed
        self.clock = clock
        self._clients = sorted(clients, key=lambda client: client.id)
        self._devices = sorted(devices, key=lambda device: device.id)
        self._hidden: frozenset[str] = frozenset()
        self._day: date | None = None
        self._present: list[WorldDevice] = []

    def now(self) -> datetime:
        return self.clock.now()

    def clients(self) -> Sequence[WorldClient]:
        today = self.now().date()
        return [one for one in self._clients if _present(one.arrives, one.leaves, today)]

    def devices(self) -> Sequence[WorldDevice]:
        today = self.now().date()
        if today != self._day:
            here = {client.id for client in self.clients()}
            self._present = [
                one
                for one in self._devices
                if one.client in here
                and one.name not in self._hidden
                and _present(one.arrives, one.leaves, today)
            ]
            self._day = today
        return self._present

    def hide(self, *names: str) -> None:
        """Show no device of these names, as to a login that lost a right; none: show all again."""
        self._hidden = frozenset(names)
        self._day = None

    def everyone(self) -> Sequence[WorldClient]:
        """All clients of all times, for the demo's narration and for tests."""
        return self._clients

    def everything(self) -> Sequence[WorldDevice]:
        """All devices of all times."""
        return self._devices


def _present(arrives: date, leaves: date | None, today: date) -> bool:
    return arrives <= today and (leaves is None or today < leaves)
