"""POST of assets: an array of elements, each an update when it names an id, else a create.

The client follows from the site. `_dontupdatetype` keeps the type of an asset that exists; a field
that is not known is refused unless `_dontaddnewfields` leaves it out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from syncd_halopsa.sandbox.fields import taken
from syncd_halopsa.sandbox.proration import counts_watched
from syncd_halopsa.sandbox.refusal import Refusal
from syncd_halopsa.sandbox.saving import in_turn
from syncd_halopsa.sandbox.state import Row, State

ASSET: Row = {
    "id": 0,
    "inventory_number": "",
    "key_field": "",
    "key_field2": "",
    "key_field3": "",
    "client_id": 0,
    "site_id": 0,
    "assettype_id": 0,
    "status_id": 0,
    "sla_id": -1,
    "priority_id": -1,
    "inactive": False,
    "notes": "",
    "third_party_id_string": "",
    "ninjarmm_id": 0,
    "datto_id": "",
    "intune_id": "",
    "fields": [],
}
"""Every field with its empty value, whose type is the field's."""

FIRST_ID = 4000

SEARCHED = ("inventory_number", "key_field", "notes")
"""What `search` looks into; the field of a foreign key is not in it."""


def saved_assets(state: State, body: Any) -> list[Row]:
    """The assets saved, in the order of the elements.

    Raises:
        Refusal: 400 or 404; what was saved before it depends on the option `partial_failure`.
    """
    return in_turn(state, body, _checked, _merged)


def asset_row(number: int, client: int, name: str, **fields: Any) -> Row:
    """An asset with a name."""
    row = {**ASSET, "fields": [], "id": number, "client_id": client, "inventory_number": name}
    return {**row, **fields}


def _checked(state: State, element: Any) -> tuple[int, Row]:
    if not isinstance(element, dict):
        raise Refusal(400, "Cannot deserialize the current JSON value to an object")
    names = [name for name in element if not name.startswith("_")]
    unknown = sorted(set(names) - set(ASSET))
    if unknown and element.get("_dontaddnewfields") is not True:
        raise Refusal(400, f"Field {unknown[0]} does not exist on this asset type")
    fields = {
        name: taken(name, element[name], state.options, ASSET)
        for name in names
        if name in ASSET and name != "id"
    }
    number: int = taken("id", element.get("id"), state.options, ASSET)
    if number and element.get("_dontupdatetype") is True:
        fields.pop("assettype_id", None)
    merged = {**(state.row("asset", number) if number else ASSET), **fields}
    if merged["site_id"] > 0:
        site = state.tables["site"].get(merged["site_id"])
        if site is None:
            raise Refusal(400, f"Site {merged['site_id']} does not exist")
        fields["client_id"] = merged["client_id"] = int(Decimal(site["client_id"]))
    if merged["client_id"] not in state.tables["client"]:
        raise Refusal(400, "Please select a site for this asset")
    if merged["assettype_id"] not in state.tables["assettype"]:
        raise Refusal(400, "Please select an asset type")
    if not (merged["inventory_number"].strip() or merged["key_field"].strip()):
        raise Refusal(400, "An asset tag must be entered")
    return number, fields


def _merged(state: State, checked: tuple[int, Row]) -> Row:
    number, fields = checked
    table = state.tables["asset"]
    if not number:
        number = max(table, default=FIRST_ID) + 1
        with counts_watched(state, fields["client_id"]):
            table[number] = {**ASSET, "fields": [], **fields, "id": number}
        return table[number]
    row = table[number]
    with counts_watched(state, row["client_id"]):
        row.update(fields)
    return row


class AssetHand:
    """What a person, or another integration, does to assets."""

    def __init__(self, state: State) -> None:
        self._state = state

    def assets(self, *, client: int | None = None) -> list[Row]:
        """Copies of all assets, or of one client's."""
        return [
            dict(row)
            for row in self._state.tables["asset"].values()
            if client in (None, row["client_id"])
        ]

    def add_asset(self, client: int, name: str, **fields: Any) -> int:
        """An asset of a client; returns its id."""
        table = self._state.tables["asset"]
        number = max(table, default=FIRST_ID) + 1
        with counts_watched(self._state, client):
            table[number] = asset_row(number, client, name, **_known(fields))
        return number

    def edit_asset(self, number: int, **fields: Any) -> None:
        """Change columns of an asset.

        Raises:
            Refusal: 404, there is none; 400, a column does not exist.
        """
        row = self._state.row("asset", number)
        with counts_watched(self._state, row["client_id"]):
            row.update(_known(fields))

    def delete_asset(self, number: int) -> None:
        """Remove an asset for good."""
        row = self._state.row("asset", number)
        with counts_watched(self._state, row["client_id"]):
            del self._state.tables["asset"][number]


def _known(fields: Row) -> Row:
    unknown = sorted(set(fields) - set(ASSET))
    if unknown:
        raise Refusal(400, f"an asset has no {unknown}")
    return fields
