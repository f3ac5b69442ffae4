"""One thing the PSA knows, and finding it by what a person types.

Separate from `references`, so that a command that looks for one client loads no tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from syncd.core.store.asking import fetch, fetch_one
from syncd.core.store.census.selection import among, listed

if TYPE_CHECKING:
    from syncd.core.store.asking import Reader

_OF_KIND = "FROM reference WHERE connection_id = :psa AND kind = :kind"
_NAMES = f"SELECT key, name {_OF_KIND}"
_ENTRY = f"SELECT key, name, parent, main_site, active, foreign_ids {_OF_KIND}"
_ONE = f"{_ENTRY} AND key = :key"


class ReferenceKind(StrEnum):
    """Which list of the PSA an entry belongs to."""

    CLIENT = "client"
    SITE = "site"
    ASSET_TYPE = "asset_type"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceEntry:
    """One thing the PSA knows.

    Attributes:
        key: the PSA's id.
        name: for people.
        parent: of a site: its client's key, else empty.
        main_site: of a client: the key of its main site, or empty.
        active: False once a read no longer showed it, or showed it as inactive.
        foreign_ids: ids of the same thing in other systems.
    """

    key: str
    name: str
    parent: str = ""
    main_site: str = ""
    active: bool = True
    foreign_ids: Mapping[str, str] = field(default_factory=dict)


async def find_references(
    conn: Reader, psa_connection_id: int, kind: ReferenceKind, wanted: str
) -> dict[str, ReferenceEntry]:
    """The entry with this id alone; without one, every entry whose name contains the words.

    One entry of many is found without reading the list; names are compared here and not in the
    database, since the databases disagree about capital letters beyond ASCII.
    """
    of_kind: dict[str, Any] = {"psa": psa_connection_id, "kind": kind.value}
    one = await fetch_one(conn, _ONE, of_kind | {"key": wanted})
    if one is not None:
        return {one[0]: _entry(one)}
    plain = wanted.strip().casefold()
    names = await fetch(conn, _NAMES, of_kind)
    keys = [key for key, name in names if plain and plain in name.casefold()]
    if not keys:
        return {}
    chosen = f"{_ENTRY} AND {among(conn, 'key', 'keys')}"
    rows = await fetch(conn, chosen, of_kind | {"keys": listed(conn, keys)})
    return {row[0]: _entry(row) for row in rows}


def _entry(row: Sequence[Any]) -> ReferenceEntry:
    """From a row of `_ENTRY`."""
    key, name, parent, main_site, active, foreign_ids = row
    return ReferenceEntry(
        key=key,
        name=name,
        parent=parent,
        main_site=main_site,
        active=bool(active),
        foreign_ids=msgspec.json.decode(foreign_ids, type=dict[str, str]),
    )
