"""Finding documents: by number, by our marker, by id, by day.

The note that holds our marker cannot be searched, so documents whose number is not ours any more
are found by customer and day, and recognised by the marker.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date
from typing import Final

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry
from syncd.sdk.ledger_writes import Wanted
from syncd_quickbooks.client import CompanyClient, one_of, quoted
from syncd_quickbooks.entries import Reader
from syncd_quickbooks.models import Transaction
from syncd_quickbooks.payload import ENTITIES

CHUNK: Final = 50
"""Values of one condition; an address with fifty numbers of 21 characters stays below 2 kB."""


class Search:
    """Asks for documents of one company."""

    def __init__(self, client: CompanyClient, reader: Reader) -> None:
        self._client = client
        self._reader = reader

    async def wanted(self, wanted: Sequence[Wanted]) -> dict[str, list[LedgerEntry]]:
        """Documents with such a number or such a marker, by our key."""
        found: dict[str, dict[str, LedgerEntry]] = {one.key: {} for one in wanted}
        for kind in ENTITIES:
            of_kind = [one for one in wanted if one.kind is kind]
            numbered = await self.numbered(kind, [one.number for one in of_kind])
            for one in of_kind:
                for entry in numbered.get(one.number.casefold(), ()):
                    found[one.key][entry.remote] = entry
            missing = [
                one
                for one in of_kind
                if one.contact
                and not any(entry.marker == one.marker for entry in found[one.key].values())
            ]
            for contact, day in sorted({(one.contact, one.dated) for one in missing}):
                entries = await self._of_day(kind, contact, day)
                for one in missing:
                    if (one.contact, one.dated) == (contact, day):
                        same = [entry for entry in entries if entry.marker == one.marker]
                        found[one.key].update({entry.remote: entry for entry in same})
        return {key: list(entries.values()) for key, entries in found.items()}

    async def numbered(
        self, kind: DocumentKind, numbers: Sequence[str]
    ) -> dict[str, list[LedgerEntry]]:
        """Documents of a kind with one of these numbers, by the number in small letters."""
        found: dict[str, list[LedgerEntry]] = {}
        asked = list(dict.fromkeys(number for number in numbers if number))
        for at in range(0, len(asked), CHUNK):
            for entry in await self._entries(kind, one_of("DocNumber", asked[at : at + CHUNK])):
                found.setdefault(entry.number.casefold(), []).append(entry)
        return found

    async def by_id(self, remotes: Mapping[str, DocumentKind]) -> dict[str, LedgerEntry]:
        """Documents by id; those that are gone are absent."""
        found: dict[str, LedgerEntry] = {}
        for kind in ENTITIES:
            ids = sorted(remote for remote, one in remotes.items() if one is kind)
            for at in range(0, len(ids), CHUNK):
                for entry in await self._entries(kind, one_of("Id", ids[at : at + CHUNK])):
                    found[entry.remote] = entry
        return found

    async def rows(self, entity: str, ids: Collection[str]) -> dict[str, Transaction]:
        """Transactions by id as they are told; those that are gone are absent."""
        asked, found = sorted(set(ids)), {}
        for at in range(0, len(asked), CHUNK):
            where = one_of("Id", asked[at : at + CHUNK])
            for row in await self._client.query(entity, Transaction, where):
                found[row.id] = row
        return found

    async def between(self, first: date, last: date) -> AsyncIterator[list[LedgerEntry]]:
        """Documents dated in a span, of anybody."""
        where = f" where TxnDate >= {quoted(str(first))} and TxnDate <= {quoted(str(last))}"
        for kind, entity in ENTITIES.items():
            async for rows in self._client.pages(entity, Transaction, where):
                yield [self._reader.entry(row, kind) for row in rows]

    async def _of_day(self, kind: DocumentKind, contact: str, day: date) -> list[LedgerEntry]:
        where = f" where CustomerRef = {quoted(contact)} and TxnDate = {quoted(str(day))}"
        return await self._entries(kind, where)

    async def _entries(self, kind: DocumentKind, where: str) -> list[LedgerEntry]:
        rows = await self._client.query(ENTITIES[kind], Transaction, where)
        return [self._reader.entry(row, kind) for row in rows]
