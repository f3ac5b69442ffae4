"""The organisations of an instance as accounts, and which of them are the MSP's own.

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
from syncd_ninjaone.models import Organisation
from syncd_ninjaone.pages import Listing

PSA_CLIENT: Final = "psa_client"
"""Name of the id proof in `Account.psa_ids`: the PSA's own id of the client."""


class Roster:
    """All organisations, read to the end of their list."""

    def __init__(self, organisations: Sequence[Organisation], config: NinjaOneConfig) -> None:
        self._organisations = organisations
        self._config = config

    @classmethod
    async def read(cls, client: NinjaOneClient, config: NinjaOneConfig) -> Self:
        """Read the roster.

        Raises:
            ConnectorError: it could not be read to its end; there is no half roster.
        """
        found: list[Organisation] = []

        async def emit(page: Sequence[Organisation]) -> None:
            found.extend(page)

        await Listing(
            client.organisations,
            emit,
            path=client.organisations_path,
            page_size=config.page_size,
            connection=client.connection,
        ).read()
        return cls(found, config)

    def accounts(self) -> list[Account]:
        return [
            Account(
                key=str(one.id),
                name=one.name or f"organisation {one.id}",
                psa_ids=self._proof(one.description or ""),
            )
            for one in self._organisations
        ]

    def keys(self) -> dict[int | None, str]:
        """Account key by organisation id."""
        return {one.id: str(one.id) for one in self._organisations}

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
        here: set[int | str] = {one.id for one in self._organisations}
        here |= {_folded(one.name or "") for one in self._organisations}
        return tuple(
            str(entry)
            for entry in self._config.internal_organisations
            if _folded(entry) not in here
        )

    def _proof(self, description: str) -> dict[str, str]:
        pattern = self._config.psa_id_pattern
        found = re.search(pattern, description) if pattern else None
        return {PSA_CLIENT: found[1]} if found and found[1] else {}


def _folded(entry: int | str) -> int | str:
    return entry.strip().casefold() if isinstance(entry, str) else entry
