"""HaloPSA as the project's `Psa` port: bulk reads proven whole, keyed writes, look-ups by key."""

from __future__ import annotations

import hashlib
from collections.abc import (
    AsyncIterator,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)

from msgspec import UNSET

from syncd.sdk.connector import Context
from syncd.sdk.period import Period
from syncd.sdk.records import (
    Agreement,
    AssetChange,
    AssetType,
    BatchLimit,
    CheckResult,
    KeyedChange,
    LinkChange,
    Outcome,
    PsaAsset,
    PsaClient,
    PsaSite,
    Receipt,
    RecurringLine,
    Subscription,
    Supplier,
)
from syncd_halopsa.asset_type import NONE
from syncd_halopsa.asset_writer import AssetWriter
from syncd_halopsa.assets import AssetShape
from syncd_halopsa.client import HaloApi
from syncd_halopsa.concurrency import together
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.invoice_keeping import InvoiceKeeping
from syncd_halopsa.models import WireLicence, WireRecurring
from syncd_halopsa.payload import SUBSCRIPTION
from syncd_halopsa.recurring_lines import lines_of
from syncd_halopsa.recurring_writer import RecurringWriter
from syncd_halopsa.resources import (
    AGREEMENTS,
    ASSET_TYPES,
    ASSETS,
    CLIENTS,
    RECURRING,
    SITES,
    SUBSCRIPTIONS,
    SUPPLIERS,
    Resource,
    Row,
)
from syncd_halopsa.translation import (
    agreement_of,
    asset_type_record,
    client_of,
    marker_of,
    site_of,
    subscription_of,
    supplier_of,
)
from syncd_halopsa.trial import Trial
from syncd_halopsa.writer import Writer

FEW = 5
"""Up to so many keys are searched one by one; more are found by one sweep."""

HASHED = "syncd-"


class HaloPsa(InvoiceKeeping):
    """One opened connection."""

    def __init__(self, api: HaloApi, context: Context[HaloPsaConfig]) -> None:
        super().__init__(api, context)
        self._config = context.config
        self._writer = Writer(api, context.config, self.marker, self._asset_type_names)
        self._links = RecurringWriter(api, context.config.settle_seconds)
        self._shape = AssetShape(context.config, self.marker)
        self._assets = AssetWriter(api, context.config, self._shape)
        self._names: Mapping[str, str] | None = None
        self._search_covers_key: bool | None = None  # until a sweep and a search were compared
        self.write_batch = BatchLimit(
            size=self._config.write_batch, settle_seconds=self._config.settle_seconds
        )
        self.asset_batch = self.write_batch

    async def check(self) -> CheckResult:
        return await Trial(self._api, self._context).result()

    def marker(self, key: str) -> str:
        if len(key) <= self._config.key_length:
            return key
        return HASHED + hashlib.sha256(key.encode()).hexdigest()[:32]

    @property
    def asset_type_field(self) -> str:
        return self._config.asset_type_field

    async def clients(self) -> AsyncIterator[Sequence[PsaClient]]:
        everyone = "true" if self._config.include_inactive_clients else "false"
        rows = await self._api.rows(CLIENTS, includeinactive=everyone)
        yield [client_of(row) for row in rows]

    async def sites(self) -> AsyncIterator[Sequence[PsaSite]]:
        yield [site_of(row) for row in await self._api.rows(SITES)]

    async def asset_types(self) -> AsyncIterator[Sequence[AssetType]]:
        yield [asset_type_record(row) for row in await self._api.rows(ASSET_TYPES)]

    async def suppliers(self) -> AsyncIterator[Sequence[Supplier]]:
        yield [supplier_of(row) for row in await self._api.rows(SUPPLIERS)]

    async def subscriptions(
        self,
        *,
        clients: Collection[str] | None,
        period: Period | None,  # noqa: ARG002 - HaloPSA's records are as of now
    ) -> AsyncIterator[Sequence[Subscription]]:
        rows = await self._of_clients(SUBSCRIPTIONS, clients)
        yield [self._record(row) for row in rows if _is_subscription(row)]

    async def recurring_lines(
        self, *, clients: Collection[str] | None
    ) -> AsyncIterator[Sequence[RecurringLine]]:
        rows = await self._with_sources(await self._of_clients(RECURRING, clients))
        yield [line for row in rows for line in lines_of(row, self._config.period_codes)]

    async def invoice_digests(self, invoices: Collection[str]) -> Mapping[str, str]:
        return await self._links.digests(invoices)

    async def link(self, changes: Sequence[LinkChange]) -> Sequence[Outcome]:
        return await self._links.link(changes)

    @property
    def agreement_field(self) -> str:
        field = self._config.agreement_field
        return "" if field == NONE else field

    async def agreements(self, *, clients: Collection[str]) -> AsyncIterator[Sequence[Agreement]]:
        yield [agreement_of(row) for row in await self._of_clients(AGREEMENTS, clients)]

    async def check_assets(self) -> CheckResult:
        return await Trial(self._api, self._context).assets()

    async def assets(self, *, clients: Collection[str] | None) -> AsyncIterator[Sequence[PsaAsset]]:
        yield [self._shape.record(row) for row in await self._of_clients(ASSETS, clients)]

    async def find_assets(self, keys: Collection[str]) -> Mapping[str, Sequence[PsaAsset]]:
        """Found in one sweep of all assets, which alone proves absence."""
        rows = await self._api.rows(ASSETS) if keys else []
        return self._shape.sorted(rows, keys)

    async def apply_assets(self, changes: Sequence[AssetChange]) -> Sequence[Outcome]:
        return await self._assets.apply(changes)

    async def find_many(self, keys: Collection[str]) -> Mapping[str, Sequence[Receipt]]:
        """Records by key: searched while they are few, else found in one sweep of all.

        HaloPSA's search covers a fixed set of fields that nobody documents, so a search proves
        nothing, neither absence nor that a record is the only one, until a sweep has once shown
        the very same records. From then on it proves what it finds, and still no absence.
        """
        wanted = {self.marker(key): key for key in keys}
        searched: dict[str, list[Receipt]] | None = None
        if 0 < len(wanted) <= FEW and self._search_covers_key is not False:
            answers = await together(
                self._api.rows(SUBSCRIPTIONS, search=marker) for marker in wanted
            )
            unique = {row.id: row for rows in answers for row in rows}
            searched = self._sorted(unique.values(), wanted)
            if self._search_covers_key and all(searched.values()):
                return searched
        if not wanted:
            return {}
        swept = self._sorted(await self._api.rows(SUBSCRIPTIONS), wanted)
        if searched is not None and any(swept.values()):
            self._search_covers_key = _remotes(searched) == _remotes(swept)
        return swept

    async def read_many(self, remotes: Collection[str]) -> Mapping[str, Subscription]:
        """Records by id: one by one, or from a sweep where that takes fewer calls.

        An id that a sweep does not show is asked for by itself before it counts as gone.
        """
        wanted = set(remotes)
        records: dict[str, Subscription] = {}
        if len(wanted) > FEW:
            first = await self._api.page(SUBSCRIPTIONS)
            if first.pages < len(wanted):
                for row in await self._api.rows(SUBSCRIPTIONS, first):
                    if str(row.id) in wanted:
                        records[str(row.id)] = self._record(row)
        missing = sorted(wanted - records.keys())
        for single in await together(map(self._api.subscription, missing)):
            if single is not None:
                records[str(single.id)] = self._record(single)
        return records

    async def apply(self, changes: Sequence[KeyedChange]) -> Sequence[Outcome]:
        return await self._writer.apply(changes)

    def _record(self, row: WireLicence) -> Subscription:
        return subscription_of(
            row,
            key_field=self._config.key_field,
            asset_type_field=self._config.asset_type_field,
        )

    def _sorted(
        self, rows: Iterable[WireLicence], wanted: Mapping[str, str]
    ) -> dict[str, list[Receipt]]:
        """The rows by the key that they carry; a key that none carries has an empty list."""
        found: dict[str, list[Receipt]] = {key: [] for key in wanted.values()}
        for row in rows:
            key = wanted.get(marker_of(row, self._config.key_field) or "")
            if key is not None:
                found[key].append(Receipt(key, str(row.id), self._record(row)))
        return found

    async def _of_clients(
        self, resource: Resource[Row], clients: Collection[str] | None
    ) -> list[Row]:
        """Rows of these clients by the way that takes fewer calls: one by one, or all at once."""
        if clients is None:
            return await self._api.rows(resource)
        wanted = {int(client) for client in clients}
        if len(wanted) > 1:
            first = await self._api.page(resource)
            if first.pages <= len(wanted):
                rows = await self._api.rows(resource, first)
                return [row for row in rows if _client_id(row) in wanted]
        lists = await together(
            self._api.rows(resource, client_id=client) for client in sorted(wanted)
        )
        return [row for rows in lists for row in rows if _client_id(row) in wanted]

    async def _with_sources(self, rows: list[WireRecurring]) -> list[WireRecurring]:
        """Recurring invoices with their lines and what makes the lines' quantities.

        Whether the list carries those is not documented. Where it shows none, one invoice is read
        by itself; only if that shows more are the others read as well.
        """
        bare = [row for row in rows if _lacks_sources(row)]
        if not bare:
            return rows
        probe = await self._api.recurring(str(bare[0].id))
        if probe is None or _lacks_sources(probe):
            return rows
        whole = {probe.id: probe}
        for row in await together(self._api.recurring(str(one.id)) for one in bare[1:]):
            if row is not None:
                whole[row.id] = row
        return [whole.get(row.id, row) for row in rows]

    async def _asset_type_names(self) -> Mapping[str, str]:
        if self._names is None:
            rows = await self._api.rows(ASSET_TYPES)
            self._names = {str(row.id): (row.name or "").strip() for row in rows}
        return self._names


def _remotes(found: Mapping[str, Sequence[Receipt]]) -> set[str]:
    return {receipt.remote for receipts in found.values() for receipt in receipts}


def _is_subscription(row: WireLicence) -> bool:
    return row.type is None or row.type == SUBSCRIPTION


def _client_id(row: object) -> int | None:
    client: int | None = getattr(row, "client_id", None)
    return client


def _lacks_sources(row: WireRecurring) -> bool:
    return row.lines is None or any(line.quantity_subscriptions is UNSET for line in row.lines)
