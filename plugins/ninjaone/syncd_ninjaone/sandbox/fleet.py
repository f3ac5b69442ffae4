"""The simulator's lists, cut into pages by ascending id and kept as bytes while the world stands.

A page is assembled once per state of the world; benchmarks read a million devices from here, so the
simulator must not be what they measure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from syncd.sdk.sandbox import World, WorldClient, WorldDevice
from syncd_ninjaone.sandbox import rows, specimens
from syncd_ninjaone.sandbox.filters import Predicate, Traits

PSA_OFFSET: Final = 1000
"""The PSA's client id = this + the world's client id."""

KEPT_BYTES: Final = 2**30
"""Pages of one state of the world that are kept, in bytes."""

_encode = msgspec.json.Encoder().encode


class Page(NamedTuple):
    """One answer.

    Attributes:
        body: a JSON array.
        length: rows in it.
        last: id of the last row, 0 without one.
    """

    body: bytes
    length: int
    last: int


class Fleet:
    """Organisations, locations and devices of the simulated moment."""

    def __init__(self, world: World, *, with_specimens: bool) -> None:
        self._world = world
        self._with_specimens = with_specimens
        self._state: tuple[Sequence[WorldDevice], datetime] | None = None
        self._ids: list[int] = []
        self._odd: list[dict[str, Any]] = []
        self._devices: Sequence[WorldDevice] = ()
        self._pages: dict[tuple[bool, int, int], Page] = {}
        self._kept = 0
        self._heads: dict[bool, dict[int, tuple[WorldDevice, bytes]]] = {True: {}, False: {}}
        self._tails: dict[tuple[str, bool], bytes] = {}

    def devices(
        self, *, detailed: bool, after: int, size: int, keep: Predicate | None = None
    ) -> Page:
        """Devices with an id above `after`, at most `size`, filtered if asked."""
        now = self._refresh()
        if keep is not None:
            chosen = [
                n
                for n in range(bisect_right(self._ids, after), len(self._ids))
                if keep(self._traits(n))
            ][:size]
            return self._assemble(chosen, now, detailed=detailed)
        key = (detailed, after, size)
        page = self._pages.get(key)
        if page is None:
            start = bisect_right(self._ids, after)
            wanted = range(start, min(start + size, len(self._ids)))
            page = self._assemble(wanted, now, detailed=detailed)
            self._kept += len(page.body)
            if self._kept <= KEPT_BYTES:
                self._pages[key] = page
        return page

    def organisations(self, *, detailed: bool, after: int, size: int) -> Page:
        odd = specimens.ORGANISATIONS if self._with_specimens else ()
        found = [*odd, *(self._organisation(c, detailed=detailed) for c in self._world.clients())]
        return _cut(found, after, size)

    def locations(self, *, after: int, size: int) -> Page:
        found = [
            {**location, "organizationId": rows.ORGANISATION_OFFSET + client.id}
            for client in self._world.clients()
            for location in _locations(client)
        ]
        return _cut(sorted(found, key=lambda row: row["id"]), after, size)

    def _refresh(self) -> datetime:
        devices, now = self._world.devices(), rows.quiet_time(self._world.now())
        if self._state is None or self._state[0] is not devices or self._state[1] != now:
            self._odd = specimens.devices(now) if self._with_specimens else []
            self._devices = devices
            self._ids = [row["id"] for row in self._odd] + [device.id for device in devices]
            if self._ids != sorted(set(self._ids)):
                message = "the world's devices need ascending ids, from 1000 on beside specimens"
                raise ValueError(message)
            self._pages.clear()
            self._kept = 0
            self._state = (devices, now)
        return now

    def _assemble(self, chosen: Sequence[int], now: datetime, *, detailed: bool) -> Page:
        body = b",".join(self._row(n, now, detailed=detailed) for n in chosen)
        last = self._ids[chosen[-1]] if chosen else 0
        return Page(b"[" + body + b"]", len(chosen), last)

    def _row(self, number: int, now: datetime, *, detailed: bool) -> bytes:
        if number < len(self._odd):
            row = self._odd[number]
            hidden = () if detailed else ("system",)
            return _encode({name: value for name, value in row.items() if name not in hidden})
        device = self._devices[number - len(self._odd)]
        heads = self._heads[detailed]
        known = heads.get(device.id)
        # A world may replace a device under its id; then the head is made anew.
        if known is None or known[0] is not device:
            known = heads[device.id] = device, rows.head(device, detailed=detailed)
        return known[1] + rows.contact(device, now) + self._tail(device, detailed=detailed)

    def _tail(self, device: WorldDevice, *, detailed: bool) -> bytes:
        key = (rows.node_class(device), detailed)
        if key not in self._tails:
            self._tails[key] = rows.tail(key[0], detailed=detailed)
        return self._tails[key]

    def _traits(self, number: int) -> Traits:
        if number < len(self._odd):
            row = self._odd[number]
            return Traits(
                str(row["organizationId"]),
                str(row.get("nodeClass")),
                str(row.get("approvalStatus", "APPROVED")),
            )
        return rows.traits(self._devices[number - len(self._odd)])

    @staticmethod
    def _organisation(client: WorldClient, *, detailed: bool) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": rows.ORGANISATION_OFFSET + client.id,
            "name": client.name,
            "description": f"HPSA:{PSA_OFFSET + client.id}" if client.id_proof else "",
            "userData": {},
            "nodeApprovalMode": ("AUTOMATIC", "MANUAL")[client.id % 2],
        }
        if detailed:
            row |= {"locations": _locations(client), "policies": [], "settings": {}}
        return row


def roles() -> bytes:
    """`GET /roles`: one standard role per class; never paged."""
    return _encode(
        [
            {"id": number, "name": name.replace("_", " ").title(), "nodeClass": name}
            for name, number in rows.ROLES.items()
        ]
    )


def _locations(client: WorldClient) -> list[dict[str, Any]]:
    return [{"id": site.id, "name": site.name, "userData": {}} for site in client.sites]


def _cut(found: Sequence[dict[str, Any]], after: int, size: int) -> Page:
    start = bisect_right([row["id"] for row in found], after)
    page = found[start : start + size]
    return Page(_encode(page), len(page), page[-1]["id"] if page else 0)
