"""Money that leaks: units that are counted and billed nowhere, lines that bill what nobody counts.

Found by reckoning the month from our own books. An estimate is the count times the price that
holds, without quantity rules; it is left out where no price is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from syncd.core.billing.arithmetic import BYTES_PER_GB, product, quotient, rounded
from syncd.core.billing.model import Mode, Owner
from syncd.core.service.draft import Draft, Drafting
from syncd.core.service.leak_kinds import LeakKind as LeakKind
from syncd.core.service.leak_records import Leak as Leak
from syncd.core.service.leak_records import LeakReport as LeakReport
from syncd.core.service.ledger import line_key
from syncd.core.service.purchase_leaks import PurchaseLeaks, cost_of, purchase_leaks, seller_of
from syncd.core.service.reckoning import Carried, ReckoningRules, Sources, reckon
from syncd.core.service.usage import count
from syncd.core.store.billed_amounts import billed_accounts
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.decisions import SourceAccount, SourceProduct, StoredConfiguration
from syncd.core.store.golive import load_golive
from syncd.core.store.lines import LedgerRecord, RecordStatus
from syncd.sdk.period import Period
from syncd.sdk.records import Part, ProductKind

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

NOTHING_BOUGHT: Final = PurchaseLeaks()

_OF_ANOTHER: Final = frozenset({LeakKind.NOT_CONFIGURED, LeakKind.UNMAPPED_PRODUCT})
"""Why a product is not billed by itself, which is right where another stands for it."""


class LeakRules(ReckoningRules, Protocol):
    """The settings of `[billing]` that this needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...


async def read_leaks(
    database: Database,
    *,
    rules: LeakRules,
    timezone: ZoneInfo,
    psa: ConnectionRef,
    sources: Sources,
    period: Period,
    purchase_sources: Collection[str] = (),
) -> LeakReport:
    """Reckon a month that is over and compare it with what is billed.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa: the PSA connection.
        sources: which connections count.
        period: the month.
        purchase_sources: names of the connections that tell what is bought.
    """
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        drafting = await reckon(
            conn,
            data,
            psa_id=psa.id,
            sources=sources,
            period=period,
            timezone=timezone,
            rules=rules,
            corrections=Carried.SENT,
        )
        everything = replace(data, exclusions={})
        kept_out: dict[tuple[int, int], Decimal] = {}
        for connection_id in data.connections:
            concerned = {
                account_id: snapshot
                for account_id, snapshot in drafting.snapshots.items()
                if account_id in data.exclusions
                and data.accounts[account_id].connection_id == connection_id
            }
            if not concerned:
                continue
            whole = await count(conn, everything, connection_id, period, timezone, concerned)
            for group, found in whole.items():
                counted = drafting.usages.counted.get(group)
                kept_out[group] = found.raw - (counted.raw if counted else Decimal(0))
        billed = await billed_accounts(conn, str(period))
        golive = await load_golive(conn, psa.id, mode=rules.mode)
        purchases = await purchase_leaks(
            conn,
            psa=psa,
            purchase_sources=purchase_sources,
            sources=sources,
            rules=rules,
            timezone=timezone,
            period=period,
        )
    # Whoever is in shadow is billed by others, and no plan of ours would send a bill.
    shadow = {
        one
        for one in data.accounts_of_psa(psa.id)
        if not golive.is_live(data.links[one].client_key, str(period))
    }
    return find_leaks(drafting, kept_out=kept_out, billed={*billed, *shadow}, purchases=purchases)


def find_leaks(
    drafting: Drafting,
    *,
    kept_out: Mapping[tuple[int, int], Decimal],
    billed: Collection[int],
    purchases: PurchaseLeaks = NOTHING_BOUGHT,
) -> LeakReport:
    """Every leak of a reckoned month.

    Args:
        drafting: the month by our own books.
        kept_out: what people keep out of the counts by hand, by account and product id.
        billed: accounts that have a bill of the month, or need none of ours.
        purchases: what is bought and billed nowhere.
    """
    search = _Search(drafting)
    found = [
        *search.counted(purchases.told), *search.kept_out(kept_out), *_bought(purchases)
    ]  # fmt: skip
    for draft in drafting.drafts(sorted(drafting.data.accounts)):
        found += search.drafted(draft, billed=draft.account.id in billed)
    found.sort(key=lambda one: (-(one.money or Decimal(0)), -one.quantity, one.account, one.what))
    return LeakReport(
        period=str(drafting.period),
        not_billed=tuple(
            one for one in found if not one.kind.bills_too_much and one.kind is not LeakKind.FREE
        ),
        not_counted=tuple(one for one in found if one.kind.bills_too_much),
        free=tuple(one for one in found if one.kind is LeakKind.FREE),
    )


class _Search:
    def __init__(self, drafting: Drafting) -> None:
        self._drafting = drafting
        self._data: BillingData = drafting.data

    def counted(self, told: Collection[tuple[str, str]]) -> Iterator[Leak]:
        """Counts without a link, a configuration, an asset type or a price.

        What stands for a purchase is `told` with that: only one figure of it is billed.
        """
        for (account_id, product_id), counted in self._drafting.usages.counted.items():
            item, account = self._data.products[product_id], self._data.accounts[account_id]
            if counted.raw <= 0 or item.part is not Part.WHOLE:
                continue
            kind = self._why(account, item)
            if kind in _OF_ANOTHER and self._named(account, item) in told:
                continue
            if kind is not None:
                yield self._leak(kind, account, item, counted.raw)

    def kept_out(self, figures: Mapping[tuple[int, int], Decimal]) -> Iterator[Leak]:
        for (account_id, product_id), amount in figures.items():
            account, item = self._data.accounts[account_id], self._data.products[product_id]
            if amount > 0 and self._client(account_id):
                yield self._leak(LeakKind.KEPT_OUT_BY_HAND, account, item, amount)

    def drafted(self, draft: Draft, *, billed: bool) -> Iterator[Leak]:
        """What the account's records bill that nobody counts; a month that was not billed."""
        lines = {line.key: line for line in draft.bill.lines}
        slots = {uid: line_key(slot) for uid, slot in draft.books.lines.slots.items()}
        for record in draft.books.records:
            if record.status is not RecordStatus.LIVE or not _bills(record, self._drafting):
                continue
            line = lines.get(slots.get(record.line_uid, ""))
            kind = None
            if draft.frozen and draft.snapshot is None:
                kind = LeakKind.FROZEN
            elif draft.account.removed is not None:
                kind = LeakKind.ACCOUNT_REMOVED
            elif draft.link is None:
                kind = LeakKind.UNLINKED_SINCE
            elif line is not None and line.removed_by_configuration:
                kind = LeakKind.NOT_CONFIGURED_ANY_MORE
            elif line is not None and not line.units:
                kind = LeakKind.FELL_TO_ZERO
            if kind is not None:
                yield self._record(kind, draft, record)
        if billed or draft.frozen or draft.link is None:
            return
        units = sum(line.units for line in draft.bill.lines)
        if units:
            prices = [line.total_price for line in draft.bill.lines]
            known = [price for price in prices if price is not None]
            yield Leak(
                kind=LeakKind.NOT_BILLED,
                connection=draft.connection.name,
                account=draft.account.key,
                account_name=draft.account.name,
                client=draft.client,
                what=f"{len(lines)} lines",
                quantity=Decimal(units),
                money=sum(known, Decimal(0)) if len(known) == len(prices) else None,
                currency=self._drafting.rules.currency,
                remedy=f"syncd plan billing --period {self._drafting.period}",
            )

    def _why(self, account: SourceAccount, item: SourceProduct) -> LeakKind | None:
        client = self._client(account.id)
        if not client:
            return LeakKind.UNLINKED_ACCOUNT
        if (part := self._drafting.parts.get(account.id)) is not None and part.over:
            return LeakKind.BILLING_ENDED
        holding = [
            one for one in self._data.configurations_for(account.id) if item.key in one.products
        ]
        if not holding:
            return LeakKind.NOT_CONFIGURED
        if item.id not in self._data.asset_types and not all(one.asset_type_key for one in holding):
            return LeakKind.UNMAPPED_PRODUCT
        if not any(_ours(one) for one in holding):
            return None
        price = self._price(item.id, client)
        if price is None:
            return LeakKind.PRICE_UNSET
        return LeakKind.FREE if price == 0 else None

    def _leak(
        self, kind: LeakKind, account: SourceAccount, item: SourceProduct, raw: Decimal
    ) -> Leak:
        amount = quotient(raw, BYTES_PER_GB) if item.kind is ProductKind.STORAGE else raw
        client = self._client(account.id)
        price = self._price(item.id, client)
        scale = self._drafting.rules.money_scale
        return Leak(
            kind=kind,
            connection=self._data.connections[account.connection_id].name,
            account=account.key,
            account_name=account.name,
            client=client,
            what=item.name,
            quantity=amount,
            money=None if price is None else rounded(product(amount, price), scale),
            currency=self._drafting.rules.currency,
            remedy=kind.remedy,
        )

    def _record(self, kind: LeakKind, draft: Draft, record: LedgerRecord) -> Leak:
        return Leak(
            kind=kind,
            connection=draft.connection.name,
            account=draft.account.key,
            account_name=draft.account.name,
            client=draft.client or (record.sent.client if record.sent is not None else ""),
            what=f"{record.name} (record {record.remote})",
            quantity=Decimal(record.billed),
            money=record.total_price,
            currency=self._drafting.rules.currency,
            remedy=kind.remedy,
        )

    def _named(self, account: SourceAccount, item: SourceProduct) -> tuple[str, str]:
        name = self._data.connections[account.connection_id].name
        return self._client(account.id), f"{name} {item.key}"

    def _client(self, account_id: int) -> str:
        link = self._data.links.get(account_id)
        if link is None or link.psa_connection_id != self._drafting.psa_id:
            return ""
        return link.client_key

    def _price(self, product_id: int, client: str) -> Decimal | None:
        currency = self._drafting.rules.currency
        rates = self._data.rates_for(product_id, client)
        return next((rate.price for rate in rates if rate.currency == currency), None)


def _bought(purchases: PurchaseLeaks) -> Iterator[Leak]:
    """Purchases that nothing bills, with what they cost."""
    for row in purchases.lost:
        money, currency = cost_of(row)
        yield Leak(
            kind=LeakKind.BOUGHT,
            connection=seller_of(row, purchases.sellers),
            account=row.client,
            account_name=row.client_name,
            client=row.client,
            what=row.name,
            quantity=Decimal(row.bought or 0),
            money=money,
            currency=currency,
            remedy=LeakKind.BOUGHT.remedy,
        )


def _ours(configuration: StoredConfiguration) -> bool:
    """We send its price, so that a missing one is missing money."""
    owned = configuration.price_owner == Owner.SYNCD.value
    return owned and configuration.mode != Mode.QUANTITY.value


def _bills(record: LedgerRecord, drafting: Drafting) -> bool:
    """It goes on billing something: a lasting record, or one of this month."""
    if record.period not in {"", str(drafting.period)}:
        return False
    if record.sent is None:
        return True  # adopted: it bills whatever it held before us
    if record.mode == Mode.TOTAL.value:
        return bool(record.total_price)
    return bool(record.billed)
