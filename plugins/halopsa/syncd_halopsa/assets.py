"""Assets of HaloPSA as the project sees them, and what is sent for a change of one.

An asset's client follows from its site. Its type is kept by HaloPSA itself (`_dontupdatetype`)
unless the change names one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from msgspec import UNSET

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import AssetChange, PsaAsset
from syncd_halopsa.client import Element
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.models import WireAsset
from syncd_halopsa.translation import id_of, text_of

FOREIGN_IDS = {
    "ninjaone": "ninjarmm_id",
    "atera": "atera_id",
    "datto": "datto_id",
    "itglue": "itglue_id",
    "automate": "automate_id",
    "ncentral": "ncentral_details_id",
    "nable": "nable_id",
    "intune": "intune_id",
    "liongard": "liongard_id",
    "auvik": "auvik_device_id",
    "addigy": "addigy_id",
    "jamf": "jamf_id",
    "syncro": "syncroid",
}
"""Name in `PsaAsset.foreign_ids` → HaloPSA's column of the asset."""

_DEFAULTS = {"status_id": 1, "sla_id": -1, "priority_id": -1}
"""What published clients of the API send with a new asset."""


class AssetShape:
    """How an asset is read and written with one connection's settings.

    Args:
        config: the connection's settings.
        marker: from our key to the text of the key field.
    """

    def __init__(self, config: HaloPsaConfig, marker: Callable[[str], str]) -> None:
        self._config = config
        self.marker = marker

    def record(self, row: WireAsset) -> PsaAsset:
        """The asset as the core sees it.

        Raises:
            ProtocolError: the list leaves the field of our key out, so that it proves nothing.
        """
        field = self._config.asset_key_field
        value = getattr(row, field)
        if value is UNSET:
            message = f"HaloPSA does not show {field} on asset {row.id}, which carries our key"
            raise ProtocolError(message, remedy="set another asset_key_field")
        name = getattr(row, self._config.asset_name_field) or row.inventory_number or row.key_field
        foreign = {ours: text_of(getattr(row, column)) for ours, column in FOREIGN_IDS.items()}
        return PsaAsset(
            key=str(row.id),
            client=str(row.client_id or 0),
            site=id_of(row.site_id),
            name=(name or "").strip(),
            asset_type=id_of(row.assettype_id),
            active=not row.inactive,
            marker=(value or "").strip() or None,
            foreign_ids={ours: found for ours, found in foreign.items() if found},
        )

    def sorted(self, rows: Iterable[WireAsset], keys: Collection[str]) -> dict[str, list[PsaAsset]]:
        """The assets by the key that they carry; a key that none carries has an empty list."""
        wanted = {self.marker(key): key for key in keys}
        found: dict[str, list[PsaAsset]] = {key: [] for key in keys}
        for row in rows:
            asset = self.record(row)
            if asset.marker in wanted:
                found[wanted[asset.marker]].append(asset)
        return found

    def element(self, change: AssetChange) -> Element:
        """What is sent: of an asset that exists only what changes."""
        fields: dict[str, object] = {"_dontaddnewfields": True, "inactive": not change.active}
        if change.name is not None:
            fields[self._config.asset_name_field] = change.name
        if change.site is not None:
            fields["site_id"] = int(change.site)
            fields["client_id"] = int(change.client)
        if change.remote is None:
            fields |= {
                **_DEFAULTS,
                "client_id": int(change.client),
                self._config.asset_key_field: self.marker(change.key),
            }
        else:
            fields["id"] = int(change.remote)
        if change.asset_type is None:
            fields["_dontupdatetype"] = True
        else:
            fields["assettype_id"] = int(change.asset_type)
        return fields

    def matching(self, change: AssetChange, assets: Iterable[PsaAsset]) -> list[PsaAsset]:
        """The assets that a change speaks of: by id where it names one, else by our key."""
        if change.remote is not None:
            return [one for one in assets if one.key == change.remote]
        marker = self.marker(change.key)
        return [one for one in assets if one.marker == marker]


def differences(change: AssetChange, asset: PsaAsset) -> Sequence[str]:
    """Names of the fields that an asset shows otherwise than they were written."""
    wanted = {"name": change.name, "site": change.site, "asset_type": change.asset_type}
    found = [
        name for name, one in wanted.items() if one is not None and getattr(asset, name) != one
    ]
    if change.site is not None and asset.client != change.client:
        found.append("client")
    if asset.active != change.active:
        found.append("inactive")
    return found
