"""Finds documents again: by id, by number, by our marker, by day; each answer is whole.

A number is looked up first, many in one call. What it does not show as ours is looked up by its
marker, since a person may have renumbered the document meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerEntry
from syncd.sdk.ledger_writes import Wanted
from syncd_xero.client import Params, XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.entries import entry_of, is_sale
from syncd_xero.listing import Pages
from syncd_xero.models import Envelope, WireDocument
from syncd_xero.values import either, filter_day, identifier, lists, quoted

INVOICES: Final = "/Invoices"
CREDITS: Final = "/CreditNotes"
PATHS: Final = {DocumentKind.INVOICE: INVOICES, DocumentKind.CREDIT: CREDITS}
SALES: Final = {
    DocumentKind.INVOICE: 'Type=="ACCREC"',
    DocumentKind.CREDIT: 'Type=="ACCRECCREDIT"',
}

IDS_AT_ONCE: Final = 40
NUMBERS_AT_ONCE: Final = 50
CREDITS_AT_ONCE: Final = 15
"""Conditions of one filter; credit notes have no list of numbers or ids."""

NEAR: Final = timedelta(days=3)
"""Days of documents that are read as one span, though nothing wanted is dated between them."""


def documents_in(answer: Envelope) -> list[WireDocument] | None:
    return answer.invoices if answer.invoices is not None else answer.credit_notes


class Lookup:
    """Reads documents of one organisation."""

    def __init__(self, client: XeroClient, config: XeroConfig, connection: str) -> None:
        self._client = client
        self._config = config
        self._connection = connection

    async def by_remote(
        self, remotes: Mapping[str, DocumentKind], *, essential: bool = False
    ) -> dict[str, LedgerEntry]:
        """Documents by id; those that are gone are absent."""
        rows = await self.wires(remotes, essential=essential)
        return {remote: self.entry(row) for remote, row in rows.items()}

    async def wires(
        self, remotes: Mapping[str, DocumentKind], *, essential: bool = False
    ) -> dict[str, WireDocument]:
        """As `by_remote`, in Xero's own shape."""
        found: dict[str, WireDocument] = {}
        invoices = [key for key, kind in remotes.items() if kind is DocumentKind.INVOICE]
        credits_ = [key for key, kind in remotes.items() if kind is DocumentKind.CREDIT]
        for group in lists(invoices, IDS_AT_ONCE):
            rows = await self._read(INVOICES, {"IDs": ",".join(group)}, essential=essential)
            found.update((identifier(row.id), row) for row in rows)
        for group in lists(credits_, CREDITS_AT_ONCE):
            where = either(f'CreditNoteID==Guid("{key}")' for key in group)
            rows = await self._read(CREDITS, {"where": where}, essential=essential)
            found.update((identifier(row.id), row) for row in rows)
        return {key: found[identifier(key)] for key in remotes if identifier(key) in found}

    async def numbered(
        self, numbers: Collection[str], kind: DocumentKind, *, essential: bool = True
    ) -> list[WireDocument]:
        """Sales documents with one of these numbers, of any status."""
        found: list[WireDocument] = []
        field = "InvoiceNumber" if kind is DocumentKind.INVOICE else "CreditNoteNumber"
        listed = [] if kind is DocumentKind.CREDIT else [one for one in numbers if "," not in one]
        filtered = [one for one in numbers if one not in listed]
        for group in lists(listed, NUMBERS_AT_ONCE):
            params = {"InvoiceNumbers": ",".join(group)}
            found += await self._read(INVOICES, params, essential=essential)
        for group in lists(filtered, CREDITS_AT_ONCE):
            # Brackets in filters are not documented; bills with the number are left out below.
            params = {"where": either(f"{field}=={quoted(one)}" for one in group)}
            found += await self._read(PATHS[kind], params, essential=essential)
        return found

    async def find(self, wanted: Sequence[Wanted]) -> dict[str, list[LedgerEntry]]:
        """Documents with such a number or such a marker, by our key."""
        found: dict[str, dict[str, LedgerEntry]] = {one.key: {} for one in wanted}
        for kind in DocumentKind:
            ours = [one for one in wanted if one.kind is kind]
            if ours:
                await self._find(kind, ours, found)
        return {key: list(entries.values()) for key, entries in found.items()}

    async def _find(
        self, kind: DocumentKind, wanted: list[Wanted], found: dict[str, dict[str, LedgerEntry]]
    ) -> None:
        numbers = list(dict.fromkeys(one.number for one in wanted if '"' not in one.number))
        self._assign(await self.numbered(numbers, kind), wanted, found)
        missing = [
            one
            for one in wanted
            if not any(entry.marker == one.marker for entry in found[one.key].values())
        ]
        if missing:
            self._assign(await self._marked(kind, missing), missing, found)

    def _assign(
        self,
        rows: Sequence[WireDocument],
        wanted: Sequence[Wanted],
        found: dict[str, dict[str, LedgerEntry]],
    ) -> None:
        entries = [self.entry(row) for row in rows]
        for one in wanted:
            for entry in entries:
                same = entry.number.casefold() == one.number.casefold()
                if same or entry.marker == one.marker:
                    found[one.key][entry.remote] = entry

    async def _marked(self, kind: DocumentKind, wanted: list[Wanted]) -> list[WireDocument]:
        """Documents with one of the markers, in the fewest calls.

        No filter finds many markers: a search takes one of them, a span of days shows all that are
        dated in it.
        """
        spans = spans_of([one.dated for one in wanted])
        rows: list[WireDocument] = []
        if kind is DocumentKind.INVOICE and len(wanted) <= len(spans):
            for one in wanted:
                rows += await self._read(INVOICES, {"searchTerm": one.marker}, essential=True)
            return rows
        markers = {one.marker for one in wanted}
        for first, last in spans:
            params = {"where": _within(kind, first, last)}
            rows += await self._read(PATHS[kind], params, essential=True)
        return [row for row in rows if self.entry(row).marker in markers]

    async def dated(
        self, kind: DocumentKind, first: date, last: date
    ) -> AsyncIterator[Sequence[LedgerEntry]]:
        """Sales documents dated in a span, page by page."""
        pages = self._pages(PATHS[kind], {"where": _within(kind, first, last)})
        async for rows in pages.each(documents_in, lambda row: row.id):
            yield [self.entry(row) for row in rows if is_sale(row)]

    def entry(self, row: WireDocument) -> LedgerEntry:
        return entry_of(row, self._connection, self._config.link_pattern)

    async def _read(self, path: str, params: Params, *, essential: bool) -> list[WireDocument]:
        pages = self._pages(path, params, essential=essential)
        rows = await pages.all(documents_in, lambda row: row.id)
        return [row for row in rows if is_sale(row)]

    def _pages(self, path: str, params: Params, *, essential: bool = False) -> Pages:
        return Pages(
            self._client,
            path,
            {**params, "unitdp": 4},
            page_size=self._config.page_size,
            connection=self._connection,
            essential=essential,
        )


def spans_of(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last days of groups of days that are near each other, in order."""
    spans: list[tuple[date, date]] = []
    for one in sorted(set(days)):
        if spans and one - spans[-1][1] <= NEAR:
            spans[-1] = (spans[-1][0], one)
        else:
            spans.append((one, one))
    return spans


def _within(kind: DocumentKind, first: date, last: date) -> str:
    return f"{SALES[kind]} AND Date>={filter_day(first)} AND Date<={filter_day(last)}"
