"""What changed in the company since a moment, by its feed of changes.

The feed goes back thirty days and tells a thousand objects over all kinds, deletions included.
Beyond either, documents and payments are asked by their last change, which is whole save for what
was deleted; the answer then says so.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from syncd.sdk.answer import Answer
from syncd.sdk.ledger_records import EntryStatus, LedgerChanges, LedgerEntry, LedgerPayment
from syncd_quickbooks.client import CompanyClient, quoted, rows_in
from syncd_quickbooks.entries import Reader
from syncd_quickbooks.models import Feed, Transaction
from syncd_quickbooks.payload import ENTITIES

PAYMENT: Final = "Payment"
WATCHED: Final = (*ENTITIES.values(), PAYMENT)
MOST: Final = 1000
"""Objects that the feed tells in one answer."""

BACK: Final = timedelta(days=29, hours=23)
"""How far the feed goes back, less an hour for clocks that differ."""

OVERLAP: Final = timedelta(minutes=5)
"""By how much the next call asks again, since changes become visible late."""


class ChangeFeed:
    """Reads what changed in one company."""

    def __init__(
        self, client: CompanyClient, reader: Reader, clock: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._reader = reader
        self._clock = clock

    async def since(self, since: datetime) -> LedgerChanges:
        """Everything since a moment.

        Raises:
            ConnectorError: it cannot be read.
        """
        asked_at = self._clock()
        missing = since < asked_at - BACK
        start = max(since, asked_at - BACK)
        found = await self._fed(WATCHED, start)
        if found is None:
            found = {}
            for entity in WATCHED:
                alone = await self._fed((entity,), start)
                if alone is None:
                    missing = True
                    alone = {entity: await self._changed(entity, since)}
                found.update(alone)
        if since < start:
            for entity in WATCHED:
                known = {row.id for row in found.get(entity, ())}
                older = [row for row in await self._changed(entity, since) if row.id not in known]
                found[entity] = [*found.get(entity, ()), *older]
        return self._told(found, asked_at, missing=missing)

    async def _fed(
        self, entities: tuple[str, ...], since: datetime
    ) -> dict[str, list[Transaction]] | None:
        """What the feed tells; None where it holds as much as it ever tells, so that more may be.

        One answer shares its room between the kinds that are asked.
        """
        stamp = _stamp(since)
        answer = await self._client.read(
            "cdc", {"entities": ",".join(entities), "changedSince": stamp}
        )
        found = rows_by_entity(answer, entities)
        return None if sum(len(rows) for rows in found.values()) >= MOST else found

    async def _changed(self, entity: str, since: datetime) -> list[Transaction]:
        where = f" where MetaData.LastUpdatedTime >= {quoted(_stamp(since))}"
        return await self._client.query(entity, Transaction, where)

    def _told(
        self, found: dict[str, list[Transaction]], asked_at: datetime, *, missing: bool
    ) -> LedgerChanges:
        entries: list[LedgerEntry] = []
        removed: list[str] = []
        payments: list[LedgerPayment] = []
        for kind, entity in ENTITIES.items():
            for row in found.get(entity, ()):
                if row.status == "Deleted" or row.txn_date is None:
                    removed.append(row.id)
                else:
                    entries.append(self._reader.entry(row, kind))
        for row in found.get(PAYMENT, ()):
            payments += self._reader.payments(row, asked_at.date())
        return LedgerChanges(
            entries=tuple(one for one in entries if one.status is not EntryStatus.DELETED),
            removed=tuple(removed),
            payments=tuple(payments),
            until=asked_at - OVERLAP,
            removals_missing=missing,
        )


def rows_by_entity(answer: Answer, entities: tuple[str, ...]) -> dict[str, list[Transaction]]:
    """The rows of the feed's answer, by kind.

    Raises:
        ProtocolError: not an answer of the feed.
    """
    found: dict[str, list[Transaction]] = {entity: [] for entity in entities}
    for part in answer.decode(Feed).changes:
        for told in part.query:
            for entity in entities:
                found[entity] += rows_in(answer, told.get(entity), Transaction)
    return found


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
