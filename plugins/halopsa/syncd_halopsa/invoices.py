"""Reads finished invoices whole: by their last change where that filter is proven, else all.

A filter that HaloPSA does not know would hide changes without a word. So the newest changes are
looked at from the other end, by order, and every one of them must be in the filtered list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from syncd.sdk.invoice_records import PsaInvoice
from syncd_halopsa.bookkeeping import client_names, currencies_of, links_of, modules_on
from syncd_halopsa.client import HaloApi
from syncd_halopsa.concurrency import together
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.finality import checks_of
from syncd_halopsa.invoice_models import WireInvoice
from syncd_halopsa.invoice_resources import INVOICES
from syncd_halopsa.invoice_translation import (
    Reading,
    invoice_of,
    is_pointed,
    is_sale,
    is_whole,
)
from syncd_halopsa.listing import Page
from syncd_halopsa.ownership import Traces
from syncd_halopsa.translation import moment_of

BATCH = 100
"""Invoices handed over at once."""

NO_END = "2100-01-01T00:00:00Z"
"""End of every filter by date; no clock of ours decides what has happened in HaloPSA."""

FEW = 5
"""Up to so many invoices are read one by one without a look at what a sweep would cost."""


class InvoiceReader:
    """Reads invoices over one opened connection.

    Args:
        api: the signed API.
        config: the connection's settings.
        clock: for the day of the read.
        zone: where that day begins and ends.
    """

    def __init__(
        self,
        api: HaloApi,
        config: HaloPsaConfig,
        clock: Callable[[], datetime],
        zone: tzinfo = UTC,
    ) -> None:
        self._api = api
        self._config = config
        self._clock = clock
        self._zone = zone
        self._currencies: Mapping[int, str] | None = None
        self._clients: Mapping[str, str] | None = None
        self._read_alone: dict[int, tuple[WireInvoice, WireInvoice]] = {}

    async def changed(self, since: datetime | None) -> AsyncIterator[Sequence[PsaInvoice]]:
        """Invoices changed at or after a moment, all where it is None, a hundred at a time.

        Raises:
            ProtocolError: a list is not whole.
            ConnectorError: it cannot be read.
        """
        rows = await self._changed_rows(since)
        rows = [row for row in rows if is_sale(row)]
        reading = await self._reading(rows)
        for start in range(0, len(rows), BATCH):
            some = await self._with_lines(rows[start : start + BATCH])
            yield [invoice_of(row, reading) for row in some]

    async def read(self, keys: Collection[str]) -> dict[str, PsaInvoice]:
        """Invoices by id, as they are now; what is gone is absent."""
        rows = [row for row in (await self.rows(keys)).values() if is_sale(row)]
        if not rows:
            return {}
        reading = await self._reading(rows)
        found = [invoice_of(row, reading) for row in await self._with_lines(rows)]
        return {one.key: one for one in found}

    async def rows(self, keys: Collection[str], **filters: str | int) -> dict[str, WireInvoice]:
        """Rows by id: one by one, or from a sweep where that takes fewer calls.

        An id that a sweep does not show is asked for by itself before it counts as gone.

        Args:
            keys: ids.
            filters: of the sweep, e.g. `notpostedonly`.
        """
        wanted = set(keys)
        found: dict[str, WireInvoice] = {}
        if len(wanted) > FEW:
            first = await self._api.page(INVOICES, 1, **filters)
            if first.pages < len(wanted):
                for row in await self._api.rows(INVOICES, first, **filters):
                    if str(row.id) in wanted:
                        found[str(row.id)] = row
        missing = sorted(wanted - found.keys())
        for single in await together(map(self._api.invoice, missing)):
            if single is not None:
                found[str(single.id)] = single
        return found

    async def _changed_rows(self, since: datetime | None) -> list[WireInvoice]:
        if since is None:
            return await self._api.rows(INVOICES)
        start = since - timedelta(hours=self._config.changes_overlap_hours)
        newest = await self._api.page(
            INVOICES, order="last_modified", orderdesc="true", includelines="false"
        )
        rows = await self._api.rows(
            INVOICES,
            datesearch="last_modified",
            start_date=start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            end_date=NO_END,
        )
        if not _proves(newest, {row.id for row in rows}, start):
            rows = await self._api.rows(INVOICES)
        return [row for row in rows if _is_since(row, start)]

    async def _reading(self, rows: Sequence[WireInvoice]) -> Reading:
        """What the rows are judged by; links are asked for where the rows do not show them."""
        if self._currencies is None:
            self._currencies = await currencies_of(self._api)
        hidden = [
            row.id for row in rows if not isinstance(row.external_links, list) and _is_marked(row)
        ]
        traces = Traces(
            modules=await modules_on(self._api),
            links=(await links_of(self._api, hidden) if hidden else None) or {},
            checks=checks_of(self._config.finalised),
            dont_sync=self._config.dont_sync,
        )
        if self._clients is None and any(map(is_pointed, rows)):
            self._clients = await client_names(self._api)
        today = self._clock().astimezone(self._zone).date()
        return Reading(self._config, self._currencies, traces, today, self._clients or {})

    async def _with_lines(self, rows: Sequence[WireInvoice]) -> list[WireInvoice]:
        """The rows with all of their lines; those that show too little are read by themselves.

        One that was read so is not read again until it changes.
        """
        bare = {row.id: row for row in rows if not is_whole(row) and not self._known(row)}
        singles = await together(self._api.invoice(str(number)) for number in bare)
        for number in bare:
            self._read_alone.pop(number, None)
        for single in singles:
            if single is not None:
                self._read_alone[single.id] = (bare[single.id], single)
        whole = []
        for row in rows:
            if is_whole(row):
                whole.append(row)
            elif row.id in self._read_alone:
                whole.append(self._read_alone[row.id][1])
        return whole

    def _known(self, row: WireInvoice) -> bool:
        """Whether it was read by itself when the list showed it just so."""
        known = self._read_alone.get(row.id)
        return known is not None and known[0] == row


def _proves(newest: Page[WireInvoice], found: Collection[int], start: datetime) -> bool:
    """Whether the newest changes show that a list filtered by change misses none of them.

    They do where they come in order, or are all that there is, and each that is new enough was
    found. An order or a stamp that cannot be read proves nothing.
    """
    stamps = [moment_of(row.last_modified) for row in newest.rows]
    told = [stamp for stamp in stamps if stamp is not None]
    if len(told) != len(stamps) or (not stamps and newest.declared != 0):
        return False
    everything = newest.declared is not None and newest.declared <= len(newest.rows)
    if not everything and told != sorted(told, reverse=True):
        return False
    recent = [row.id for row, stamp in zip(newest.rows, told, strict=True) if stamp >= start]
    return all(number in found for number in recent)


def _is_since(row: WireInvoice, start: datetime) -> bool:
    stamp = moment_of(row.last_modified)
    return stamp is None or stamp >= start


def _is_marked(row: WireInvoice) -> bool:
    """Whether anybody carried it, as far as the row itself says; then a link may tell who."""
    return bool(row.posted or (row.thirdpartyinvoicenumber or "").strip() or row.xeroid)
