"""Reads one customer: what it bought, and where it is wanted which licences it uses.

Everything that is asked must be answered; the first refusal ends the customer with its reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from syncd.sdk.records import Observation
from syncd_csp.client import PartnerClient
from syncd_csp.config import CspConfig
from syncd_csp.customers import CUSTOMERS, pages
from syncd_csp.exclusions import Exclusions
from syncd_csp.licences import licences
from syncd_csp.models import SubscribedSkus, Subscriptions
from syncd_csp.products import Catalogue
from syncd_csp.seats import Seats

Emit = Callable[[Sequence[Observation]], Awaitable[None]]

SUBSCRIPTIONS: Final = "subscriptions"
LICENCES: Final = "subscribedskus"


@dataclass(slots=True)
class Found:
    """What the read of a customer came to.

    Attributes:
        seen: units handed over.
        notes: for a person.
    """

    seen: int = 0
    notes: list[str] = field(default_factory=list)


class CustomerReading:
    """One read of one customer."""

    def __init__(
        self,
        client: PartnerClient,
        customer: str,
        config: CspConfig,
        catalogue: Catalogue,
        *,
        connection: str,
        now: datetime,
        emit: Emit,
    ) -> None:
        self._client = client
        self._customer = customer
        self._config = config
        self._catalogue = catalogue
        self._connection = connection
        self._now = now
        self._emit = emit
        self.found = Found()

    async def run(self) -> Found:
        """Read everything and hand it over.

        Raises:
            ConnectorError: anything was refused, not answered or cannot be.
        """
        seats = Seats(
            self._customer,
            self._config,
            self._catalogue,
            connection=self._connection,
            now=self._now,
        )
        async for rows in pages(
            self._client,
            path_of(self._customer, SUBSCRIPTIONS),
            Subscriptions,
            id_of=lambda row: row.id.lower(),
        ):
            await self._hand_over(seats.units(rows))
        self.found.notes += seats.notes()
        if self._config.licence_usage:
            await self._licences()
        return self.found

    async def _licences(self) -> None:
        exclusions = Exclusions(self._customer, self._config, lambda _: None)
        async for rows in pages(
            self._client,
            path_of(self._customer, LICENCES),
            SubscribedSkus,
            id_of=lambda row: row.sku.id.lower(),
        ):
            await self._hand_over(
                licences(self._customer, rows, self._catalogue, exclusions, self._connection)
            )

    async def _hand_over(self, units: Sequence[Observation]) -> None:
        self.found.seen += len(units)
        await self._emit(units)


def path_of(customer: str, what: str) -> str:
    return f"{CUSTOMERS}/{customer}/{what}"
