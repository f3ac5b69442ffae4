"""Everything the simulated HaloPSA holds, in memory and by table."""

from __future__ import annotations

from datetime import date
from typing import Any

from syncd.sdk.sandbox import World
from syncd_halopsa.sandbox import CLIENT_OFFSET, agreements, seed
from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal

Row = dict[str, Any]

AGENT = "syncd (API)"
"""Who made a change through the API, in the history of changes."""


class State:
    """The tables of one instance.

    Attributes:
        tables: name of a resource → id → row.
        changes: history of subscriptions (LicenceChange), only where something really changed.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.world = world
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Back to the start."""
        self.tables: dict[str, dict[int, Row]] = {
            "client": {},
            "site": {},
            "assettype": _by_id(seed.asset_types()),
            "supplier": _by_id(seed.suppliers()),
            "softwarelicence": {},
            "recurringinvoice": {},
            "invoice": {},
            "clientcontract": {},
        }
        self.changes: list[Row] = []
        self._next_licence = 880
        self._followed: date | None = None
        if self.options.extras:
            clients, sites, licences = seed.by_hand(self.world)
            self.tables["client"] = _by_id(clients)
            self.tables["site"] = _by_id(sites)
            self.tables["softwarelicence"] = _by_id(licences)
            self.tables["clientcontract"] = _by_id(agreements.by_hand(self.world))
        self.follow_world()

    def follow_world(self) -> None:
        """Clients who arrived are there, those who left are inactive; looked at once a day."""
        today = self.world.now().date()
        if today == self._followed:
            return
        self._followed = today
        clients, present = self.tables["client"], set()
        for position, one in enumerate(self.world.clients()):
            number = CLIENT_OFFSET + one.id
            present.add(number)
            if number in clients:
                continue
            clients[number] = seed.client(one)
            self.tables["site"].update(_by_id(seed.sites(one)))
            linked = 501 if self.options.extras and position == 0 else None
            invoice = seed.recurring(one, position, self.world.now(), linked=linked)
            self.tables["recurringinvoice"][invoice["id"]] = invoice
        for number, row in clients.items():
            if number > CLIENT_OFFSET and number not in present:
                row["inactive"] = True

    @property
    def licences(self) -> dict[int, Row]:
        return self.tables["softwarelicence"]

    def row(self, table: str, number: int) -> Row:
        """One row.

        Raises:
            Refusal: 404, there is none.
        """
        try:
            return self.tables[table][number]
        except KeyError:
            raise Refusal(404, f"No record with id {number}") from None

    def new_licence_id(self) -> int:
        self._next_licence += 1
        return self._next_licence

    def record_change(self, licence: int, field: str, old: Any, new: Any, who: str) -> None:
        self.changes.append(
            {
                "id": len(self.changes) + 1,
                "licence_id": licence,
                "field_name": field,
                "old_value": str(old),
                "new_value": str(new),
                "who": who,
                "datetime": self.world.now().strftime("%Y-%m-%dT%H:%M:%S"),
            }
        )


def _by_id(rows: list[Row]) -> dict[int, Row]:
    return {row["id"]: row for row in rows}
