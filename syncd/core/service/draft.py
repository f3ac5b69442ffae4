"""The bill of one account as our own data gives it, before the PSA was asked anything.

A draft is computed from counts, links, rates and rules alone; an error in one account is a finding
of that account and never stops the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from syncd.core.billing.bill import compute_bill
from syncd.core.billing.billed_days import Billed
from syncd.core.billing.model import (
    Bill,
    BillInput,
    LicenceUsage,
    Mode,
    RoundingPolicy,
    Settings,
)
from syncd.core.billing.plan_input import RecordState, Style
from syncd.core.service.catalogue import Catalogue
from syncd.core.service.correction_book import (
    NO_CORRECTIONS,
    Bearer,
    CorrectionBook,
    as_due,
    without_rest,
)
from syncd.core.service.ledger import AccountBooks, Books
from syncd.core.service.month_usage import resting_on
from syncd.core.service.snapshots import Snapshot
from syncd.core.service.storage_parts import PartBook, foreign_money
from syncd.core.service.usage import Usages
from syncd.core.store.billing_data import BillingData, Link, SourceAccount, SourceConnection
from syncd.core.store.corrections import StoredCorrection
from syncd.core.store.references import ReferenceKind
from syncd.sdk.period import Period

SOURCE_DISABLED = "SOURCE_DISABLED"
SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"


class BillingRules(Protocol):
    """The settings of `[billing]` that decide how a bill is computed; see docs/config.md."""

    @property
    def currency(self) -> str: ...
    @property
    def money_scale(self) -> int: ...
    @property
    def unit_scale(self) -> int: ...
    @property
    def rounding_policy(self) -> RoundingPolicy: ...
    @property
    def subscription_style(self) -> str: ...
    @property
    def missing_price(self) -> str: ...
    @property
    def supplier(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The bill of an account before the PSA was read.

    Attributes:
        account: whose bill.
        connection: its source.
        link: to the client, None where there is none.
        client: PSA client id, empty without a link.
        client_name: for people; the account's name without a link.
        client_active: False when the PSA shows the client as inactive or no longer at all.
        site: PSA site id, None for the whole client.
        snapshot: the pull it rests on, None for a source that was not asked.
        books: what was sent before.
        data: what the bill was computed from, None for a bill that was not computed.
        bill: lines or errors.
        frozen: nothing of it may change.
        agreement: PSA agreement that its account names, empty for none.
    """

    account: SourceAccount
    connection: SourceConnection
    link: Link | None
    client: str
    client_name: str
    client_active: bool
    site: str | None
    snapshot: Snapshot | None
    books: AccountBooks
    data: BillInput | None
    bill: Bill
    frozen: bool = False
    agreement: str = ""

    @property
    def key(self) -> str:
        return f"{self.connection.uid}:{self.account.key}"

    @property
    def needs_psa(self) -> bool:
        """Whether its lines have to be compared with the PSA."""
        return bool(self.bill.lines) and not self.frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafting:
    """Everything that drafts are made from.

    Attributes:
        data: links, rates, rules, configurations.
        usages: figures of the month.
        snapshots: by account id; accounts of connections that rest are absent.
        resting: connection id -> SOURCE_DISABLED or SOURCE_UNAVAILABLE.
        books: what was sent before.
        psa_id: row id of the PSA connection.
        period: the month billed.
        rules: settings.
        settled: account id -> code of the bills that stay as they are, whatever was counted.
        running: the month is not over; its bills carry no corrections.
        corrections: accepted differences of earlier months.
        parts: by account id: its billed days, where the month is not billed whole.
    """

    data: BillingData
    usages: Usages
    snapshots: Mapping[int, Snapshot]
    resting: Mapping[int, str]
    books: Books
    psa_id: int
    period: Period
    rules: BillingRules
    settled: Mapping[int, str] = field(default_factory=dict)
    running: bool = False
    corrections: CorrectionBook = NO_CORRECTIONS
    parts: Mapping[int, Billed] = field(default_factory=dict)
    _part_books: list[PartBook] = field(init=False, repr=False, compare=False, default_factory=list)
    _catalogues: dict[int, Catalogue] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _settings: list[Settings] = field(init=False, repr=False, compare=False, default_factory=list)
    _type_names: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        types = self.data.references.of(self.psa_id, ReferenceKind.ASSET_TYPE)
        self._type_names.update({key: entry.name for key, entry in types.items()})
        self._settings.append(
            Settings(
                currency=self.rules.currency,
                money_scale=self.rules.money_scale,
                unit_scale=self.rules.unit_scale,
                rounding_policy=self.rules.rounding_policy,
            )
        )

    @property
    def style(self) -> Style:
        return Style(self.rules.subscription_style)

    def states(self, books: AccountBooks) -> dict[str, RecordState]:
        """The records that a bill of this month writes to, by line key."""
        return books.states(self.style, self.period, running=self.running)

    def drafts(self, accounts: Iterator[int] | list[int]) -> Iterator[Draft]:
        """A draft of every account that has something to bill, or had."""
        for account_id in accounts:
            account = self.data.accounts[account_id]
            books = self.books.of(account_id)
            if account.connection_id in self.resting:
                if books.records:
                    yield self._resting(account, books)
            elif not self._concerns(account, books):
                continue
            elif account_id in self.settled:
                bill = Bill(lines=(), errors=(), warnings=(self.settled[account_id],), skipped=())
                yield self._made(account, books, None, None, bill, frozen=True)
            else:
                yield self._draft(account, books)

    def _concerns(self, account: SourceAccount, books: AccountBooks) -> bool:
        """Whether there is anything to say: it was billed, or it is linked, or it has units."""
        configurations = self.data.configurations_for(account.id)
        if not books.records and (part := self.parts.get(account.id)) and part.over:
            return False
        if books.records or (self._link(account.id) is not None and configurations):
            return True
        used = self.usages.usage.get(account.id, {}).values()
        return bool(configurations or self._link(account.id)) and any(
            usage.raw if isinstance(usage, LicenceUsage) else usage.average_bytes for usage in used
        )

    def _draft(self, account: SourceAccount, books: AccountBooks) -> Draft:
        snapshot = resting_on(self._part_book(), account.id, self.snapshots[account.id])
        if books.unsettled:
            return self._made(account, books, snapshot, None, _stopped("DELIVERY_UNSETTLED"))
        try:
            data = self._input(account, books, snapshot)
            faults = self._catalogue(account.connection_id).faults(
                data, self._client(account.id), self.data.configurations_for(account.id)
            )
            bill = compute_bill(data, faults)
        except Exception as error:  # noqa: BLE001 - recorded as this bill's error; others go on
            code = f"BILL_FAILED:{type(error).__name__}"
            return self._made(account, books, snapshot, None, _stopped(code))
        return self._made(account, books, snapshot, data, bill)

    def _resting(self, account: SourceAccount, books: AccountBooks) -> Draft:
        code = self.resting[account.connection_id]
        if code == SOURCE_UNAVAILABLE:
            return self._made(account, books, None, None, _stopped(code))
        bill = Bill(lines=(), errors=(), warnings=(code,), skipped=())
        return self._made(account, books, None, None, bill, frozen=True)

    def _made(
        self,
        account: SourceAccount,
        books: AccountBooks,
        snapshot: Snapshot | None,
        data: BillInput | None,
        bill: Bill,
        *,
        frozen: bool = False,
    ) -> Draft:
        link = self._link(account.id)
        references = self.data.references.of(self.psa_id, ReferenceKind.CLIENT)
        entry = references.get(link.client_key) if link is not None else None
        return Draft(
            account=account,
            connection=self.data.connections[account.connection_id],
            link=link,
            client=self._client(account.id),
            client_name=entry.name if entry is not None else account.name,
            client_active=not references or (entry is not None and entry.active),
            site=self._site(link),
            snapshot=snapshot,
            books=books,
            data=data,
            bill=bill,
            frozen=frozen,
            agreement=self.data.choice_for(account.id).agreement,
        )

    def _link(self, account_id: int) -> Link | None:
        link = self.data.links.get(account_id)
        return link if link is not None and link.psa_connection_id == self.psa_id else None

    def _client(self, account_id: int) -> str:
        """PSA client id, empty without a link."""
        link = self._link(account_id)
        return link.client_key if link is not None else ""

    def _site(self, link: Link | None) -> str | None:
        """The site of the link, else the client's main site, else none: the whole client."""
        if link is None:
            return None
        clients = self.data.references.of(self.psa_id, ReferenceKind.CLIENT)
        main = clients[link.client_key].main_site if link.client_key in clients else ""
        return link.site_key or main or None

    def _input(self, account: SourceAccount, books: AccountBooks, snapshot: Snapshot) -> BillInput:
        link = self._link(account.id)
        client = self._client(account.id)
        stored = self.data.configurations_for(account.id)
        catalogue = self._catalogue(account.connection_id)
        existing: Mapping[str, Mode] = books.modes(self.style, self.period, running=self.running)
        due = self.carried(account.id, client, books)
        if account.id in self.corrections.rows:
            existing = without_rest(existing, books, str(self.period))
        return BillInput(
            products=catalogue.products,
            rates=catalogue.rates(client),
            rules=catalogue.rules(client),
            usage=self.usages.usage.get(account.id, {}),
            configurations=tuple(catalogue.configuration(one) for one in stored),
            existing=existing,
            site=None if link is None else self._site(link) or link.client_key,
            supplier=self.rules.supplier or None,
            supplier_resolves=self.supplier_id(self.rules.supplier) is not None,
            unknown_suppliers=frozenset(
                one.supplier
                for one in stored
                if one.supplier and self.supplier_id(one.supplier) is None
            ),
            source_errors=(*snapshot.errors, *self._foreign_money(account)),
            source_warnings=(snapshot.warning,) if snapshot.warning else (),
            asset_type_names=self._type_names,
            settings=self._settings[0],
            span=self.parts.get(account.id),
            corrections=as_due(due),
        )

    def carried(
        self, account_id: int, client: str, books: AccountBooks
    ) -> tuple[StoredCorrection, ...]:
        """Corrections that the account's bill of this month carries; most have none."""
        if self.running or account_id not in self.corrections.rows:
            return ()
        bill = Bearer(period=str(self.period), client=client, currency=self.rules.currency)
        return self.corrections.due(account_id, bill, books)

    def _foreign_money(self, account: SourceAccount) -> tuple[str, ...]:
        book = self._part_book()
        holder = book.holder(account.id)
        if holder is None:
            return ()
        parts = self.usages.parts.get((account.id, holder.product.id), ())
        found = [(self.data.products[product_id], raw) for product_id, raw in parts]
        return foreign_money(found, holder, self.rules.currency)

    def _part_book(self) -> PartBook:
        if not self._part_books:
            self._part_books.append(PartBook(self.data))
        return self._part_books[0]

    def _catalogue(self, connection_id: int) -> Catalogue:
        made = self._catalogues.get(connection_id)
        if made is None:
            made = Catalogue(self.data, connection_id, self.psa_id)
            self._catalogues[connection_id] = made
        return made

    def supplier_id(self, name: str | None) -> str | None:
        """The PSA's id of a supplier; None where it is unknown or two have the name."""
        if not name:
            return None
        found = self.data.references.named(self.psa_id, ReferenceKind.SUPPLIER, name)
        return found[0].key if len(found) == 1 else None


def _stopped(code: str) -> Bill:
    return Bill(lines=(), errors=(code,), warnings=(), skipped=())
