"""Devices as the PSA keeps them, and what may be written of them."""

from __future__ import annotations

import msgspec

from syncd.sdk.psa_records import ChangeKind


class PsaAsset(msgspec.Struct, frozen=True):
    """A device as the PSA keeps it.

    Attributes:
        key: the PSA's id.
        client: PSA client id.
        site: PSA site id, None when absent.
        name: what identifies it for people.
        asset_type: asset type id, None when absent.
        active: False for a deactivated one.
        marker: what stands in the field where we put our key, None when empty.
        foreign_ids: ids that other integrations keep on it, by their name.
    """

    key: str
    client: str
    site: str | None
    name: str
    asset_type: str | None = None
    active: bool = True
    marker: str | None = None
    foreign_ids: dict[str, str] = {}


class AssetChange(msgspec.Struct, frozen=True):
    """One intended write of an asset; None leaves a field of the PSA alone.

    Attributes:
        key: our key; the connector writes its marker.
        kind: create or update.
        remote: the PSA's id for an update, None for a create.
        client: PSA client id.
        site: PSA site id.
        name: what identifies it for people.
        asset_type: None keeps the type that a person or another tool gave it.
        active: False deactivates it; nothing is ever deleted.
    """

    key: str
    kind: ChangeKind
    remote: str | None
    client: str
    site: str | None
    name: str | None
    asset_type: str | None
    active: bool = True
