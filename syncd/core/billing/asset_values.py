"""Counted units, what our ledger says of them, and the assets of the PSA, as planning takes them.

Values only; who is whom, and what is written, is decided in `assets`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import msgspec

from syncd.core.billing.drift import plain_name
from syncd.core.billing.identity import PREFIX, joined_key
from syncd.sdk.records import HeldAsset, PlannedAsset, PsaAsset

TWIN: Final = "ASSET_TWIN"
GONE: Final = "ASSET_GONE"
MOVED: Final = "ASSET_MOVED"
INACTIVE: Final = "ASSET_INACTIVE"
UNTYPED: Final = "ASSET_TYPE_MISSING"
SITELESS: Final = "SITE_NOT_MAPPED"
DOUBLE: Final = "DUPLICATE_IN_PSA"
UNSETTLED: Final = "DELIVERY_UNSETTLED"

NEW = "new"
"""What a person writes instead of an id where a unit is to get an asset of its own."""

UnitId = tuple[str, str]
"""source connection name, unit"""


class AssetFields(msgspec.Struct, frozen=True):
    """What stood on an asset after the last write that was proven.

    Attributes:
        client: PSA client id.
        site: PSA site id.
        name: for people.
        asset_type: as it stood then.
        active: False for a deactivated one.
        ours: we made it; an asset that was there before keeps its name and its site.
    """

    client: str
    site: str | None
    name: str
    asset_type: str | None
    active: bool
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A counted unit as it should stand in the PSA.

    Attributes:
        connection: source connection name.
        uid: of the source connection.
        connector: what the source is; integrations of the PSA name their ids by it.
        account: account key.
        unit: the source's id.
        name: for people.
        client: PSA client id.
        client_name: for people.
        site: PSA site id, None where none is known.
        asset_type: of its product, None where none is mapped.
        overwrite_type: the type of an asset that exists is changed as well.
    """

    connection: str
    uid: str
    connector: str
    account: str
    unit: str
    name: str
    client: str
    client_name: str
    site: str | None
    asset_type: str | None
    overwrite_type: bool = False

    @property
    def id(self) -> UnitId:
        return self.connection, self.unit

    @property
    def key(self) -> str:
        return asset_key(self.uid, self.account, self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What our ledger says of a unit.

    Attributes:
        connection: source connection name.
        account: account key.
        unit: the source's id.
        key: the key under which its asset was made.
        remote: the PSA's id, None before one was proven.
        fields: what stood after the last proven write, None before one.
        open_plan: plan whose write is not settled, or empty.
    """

    connection: str
    account: str
    unit: str
    key: str
    remote: str | None
    fields: AssetFields | None
    open_plan: str = ""

    @property
    def id(self) -> UnitId:
        return self.connection, self.unit


@dataclass(frozen=True, kw_only=True)
class PsaAssets:
    """The assets of the PSA, and which of them our ledger claims.

    Attributes:
        assets: all that were read.
        claimed: id of an asset -> source connection whose unit it stands for.
        markers: key of ours -> what would stand on the asset for it.
    """

    assets: Sequence[PsaAsset]
    claimed: Mapping[str, str] = field(default_factory=dict)
    markers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, PsaAsset]:
        return {one.key: one for one in self.assets}

    @cached_property
    def by_marker(self) -> dict[str, list[PsaAsset]]:
        found: dict[str, list[PsaAsset]] = {}
        for one in self.assets:
            if one.marker:
                found.setdefault(one.marker, []).append(one)
        return found

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[PsaAsset]]:
        found: dict[tuple[str, str], list[PsaAsset]] = {}
        for one in self.assets:
            found.setdefault((one.client, plain_name(one.name)), []).append(one)
        return found

    @cached_property
    def by_foreign(self) -> dict[tuple[str, str], list[PsaAsset]]:
        found: dict[tuple[str, str], list[PsaAsset]] = {}
        for one in self.assets:
            for pair in one.foreign_ids.items():
                found.setdefault(pair, []).append(one)
        return found


@dataclass(slots=True)
class AssetFindings:
    """What is to be done, what waits, and how much stands as it should."""

    planned: list[PlannedAsset] = field(default_factory=list)
    held: list[HeldAsset] = field(default_factory=list)
    unchanged: int = 0
    types_kept: int = 0


def asset_key(uid: str, account: str, unit: str) -> str:
    """The key that is written on the asset of a unit."""
    return joined_key(PREFIX, uid, account, unit)
