"""The organisations of an instance as accounts, by location where that is asked for.

Names are for people; the only names that decide anything are those of internal organisations, and
`check` says when one of them matches nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Self

from syncd.sdk.records import Account
from syncd_ninjaone.client import NinjaOneClient
from syncd_ninjaone.config import NinjaOneConfig
from syncd_ninjaone.models import Location, Organisation
from syncd_ninjaone.pages import Fetch, Listing, RowT

PSA_CLIENT: Final = "psa_client"
"""Name of the id proof in `Account.psa_ids`: the PSA's own id of the client."""


class Roster:
    """All organisations, read to the end of their list, with the locations of those split."""

    def __init__(
        self,
        organisations: Sequence[Organisation],
        config: NinjaOneConfig,
        locations: Sequence[Location] = (),
    ) -> None:
        self._organisations = organisations
        self._config = config
        split = self._split_ids()
        self._locations: dict[int, list[Location]] = {}
        for one in locations:
            if one.organization_id is not None and one.organization_id in split:
                self._locations.setdefault(one.organization_id, []).append(one)

    @classmethod
    async def read(cls, client: NinjaOneClient, config: NinjaOneConfig) -> Self:
        """Read the roster; locations only where a split is configured, in one list of all.

        Raises:
            ConnectorError: it could not be read to its end; there is no half roster.
        """
        organisations = await _whole(
            client, client.organisations, client.organisations_path, config.page_size
        )
        locations: list[Location] = []
        if config.split_by_location:
            locations = await _whole(
                client, client.locations, client.locations_path, config.page_size
            )
        return cls(organisations, config, locations)

    def accounts(self) -> list[Account]:
        """Every organisation, each followed by its locations where it is split."""
        found: list[Account] = []
        for one in self._organisations:
            name = one.name or f"organisation {one.id}"
            proof = self._proof(one.description or "")
            found.append(Account(key=str(one.id), name=name, psa_ids=proof))
            found += [
                Account(
                    key=_location_key(one.id, location),
                    name=f"{name} / {location.name or f'location {location.id}'}",
                    parent=str(one.id),
                )
                for location in self._locations.get(one.id, ())
            ]
        return found

    def keys(self) -> dict[int | None, str]:
        """Account key by organisation id."""
        return {one.id: str(one.id) for one in self._organisations}

    def locations(self) -> dict[int | None, dict[int | None, str]]:
        """Account key by location id, by id of the organisation that is split."""
        return {
            organisation: {one.id: _location_key(organisation, one) for one in locations}
            for organisation, locations in self._locations.items()
        }

    def unsplit(self) -> tuple[str, ...]:
        """Entries of `split_by_location` that no organisation answers to."""
        entries = self._config.split_by_location
        here = self._names()
        return () if entries == "all" else tuple(str(e) for e in entries if _folded(e) not in here)

    def internal(self) -> frozenset[int]:
        """Ids of the organisations that the configuration calls internal."""
        wanted = {_folded(entry) for entry in self._config.internal_organisations}
        return frozenset(
            one.id
            for one in self._organisations
            if one.id in wanted or _folded(one.name or "") in wanted
        )

    def unmatched(self) -> tuple[str, ...]:
        """Entries of `internal_organisations` that no organisation answers to."""
        here = self._names()
        return tuple(
            str(entry)
            for entry in self._config.internal_organisations
            if _folded(entry) not in here
        )

    def _names(self) -> set[int | str]:
        """Ids and names, in the form in which entries are compared with them."""
        ids: set[int | str] = {one.id for one in self._organisations}
        return ids | {_folded(one.name or "") for one in self._organisations}

    def _split_ids(self) -> frozenset[int | None]:
        entries = self._config.split_by_location
        if entries == "all":
            return frozenset(one.id for one in self._organisations)
        wanted = {_folded(entry) for entry in entries}
        return frozenset(
            one.id
            for one in self._organisations
            if one.id in wanted or _folded(one.name or "") in wanted
        )

    def _proof(self, description: str) -> dict[str, str]:
        pattern = self._config.psa_id_pattern
        found = re.search(pattern, description) if pattern else None
        return {PSA_CLIENT: found[1]} if found and found[1] else {}


async def _whole(
    client: NinjaOneClient, fetch: Fetch[RowT], path: str, page_size: int
) -> list[RowT]:
    """A list read to its end, page after page."""
    found: list[RowT] = []

    async def emit(page: Sequence[RowT]) -> None:
        found.extend(page)

    await Listing(fetch, emit, path=path, page_size=page_size, connection=client.connection).read()
    return found


def _location_key(organisation: int, location: Location) -> str:
    return f"{organisation}/{location.id}"


def _folded(entry: int | str) -> int | str:
    return entry.strip().casefold() if isinstance(entry, str) else entry
