"""What is known of each client for a reconciliation, gathered from counts, links and bills.

Everything is read in bulk inside of one transaction; nothing asks a vendor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

import msgspec

from syncd.core.service.reconciliation_candidates import Candidates
from syncd.core.service.reconciliation_joins import Billing, Bought, ClientFacts
from syncd.core.service.snapshots import Snapshot
from syncd.core.store.billing_data import BillingData, SourceProduct
from syncd.core.store.census.countable import BY_HAND, CountPolicy
from syncd.core.store.golive import GoLiveBook
from syncd.core.store.purchase_units import PurchaseUnit
from syncd.core.store.purchases import Summed
from syncd.core.store.references import ReferenceKind

UNNAMED = "(no customer)"


class Place(NamedTuple):
    """Whose something is: a client, or a customer without one."""

    client: str
    customer: str = ""


class _Product(msgspec.Struct, frozen=True):
    key: str
    product_id: int | None
    quantity: int
    price: Decimal


class _Line(msgspec.Struct, frozen=True):
    products: tuple[_Product, ...]


class _Bill(msgspec.Struct, frozen=True):
    connection_id: int


class _Basis(msgspec.Struct, frozen=True):
    """As much of a line's basis as this needs; see `service.basis`."""

    bill: _Bill
    line: _Line


_BASIS = msgspec.json.Decoder(_Basis)


@dataclass(kw_only=True)
class FactBook:
    """Everything read so far, by client.

    Attributes:
        data: links, mappings and configurations.
        psa_id: row id of the PSA connection.
        period: the month, `YYYY-MM`.
        golive: who is live.
        billed_accounts: that have a bill of the month.
    """

    data: BillingData
    psa_id: int
    period: str
    golive: GoLiveBook
    billed_accounts: Collection[int]
    warnings: list[str] = field(default_factory=list)
    bought: dict[Place, dict[str, Bought]] = field(default_factory=lambda: defaultdict(dict))
    customers: dict[Place, str] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    """Clients of which an account tells what is bought."""
    incomplete: set[str] = field(default_factory=set)
    """Clients of which an account does not, though it should."""
    seats: set[int] = field(default_factory=set)
    """Products that count purchases."""
    counted_skus: set[str] = field(default_factory=set)
    counts: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    """By account and product."""
    named: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """Ids of purchases by client and group of products."""
    unproven: set[int] = field(default_factory=set)
    """Accounts whose counts at the end of the month are not known."""
    naming: set[int] = field(default_factory=set)
    """Connections whose products may name purchases, beside those that count them."""
    billed: dict[str, dict[int, Billing]] = field(default_factory=lambda: defaultdict(dict))
    _products: dict[int, dict[str, int]] = field(default_factory=dict)

    # -- purchases

    def place_of(self, account_id: int) -> Place:
        link = self.data.links.get(account_id)
        if link is not None and link.psa_connection_id == self.psa_id:
            return Place(link.client_key)
        account = self.data.accounts[account_id]
        place = Place("", f"{account.connection_id} {account.key}")
        self.customers[place] = account.name
        return place

    def add_snapshots(self, snapshots: Mapping[int, Snapshot], *, purchases: bool) -> None:
        """Note which accounts are proven; those that are not make what they tell unknown."""
        for account_id, snapshot in snapshots.items():
            if not snapshot.is_proven:
                self.unproven.add(account_id)
            if purchases:
                clients = self.proven if snapshot.is_proven else self.incomplete
                clients.add(self.place_of(account_id).client)

    def add_units(self, units: Iterable[PurchaseUnit]) -> None:
        """Seats of purchases, at the end of the month."""
        by_hand = [one for held in self.data.exclusions.values() for one in held]
        policy = CountPolicy(by_hand=by_hand)
        for unit in units:
            product = self.data.products[unit.product_id]
            one = self._bought(self.place_of(unit.account_id), unit.sku)
            one.counted = True
            one.name = one.name or product.name
            one.subscriptions.add(unit.unit)
            one.products.add(unit.product_id)
            one.asset_types |= self.asset_types(unit.account_id, product)
            self.seats.add(unit.product_id)
            self.counted_skus.add(unit.sku)
            reason = unit.excluded
            if policy.words(unit.account_id, product.key, unit.unit) is not None:
                reason = BY_HAND
            if reason is not None:
                one.kept_out[reason] += unit.quantity
                continue
            if one.seats is not None:
                one.seats += unit.quantity
            self.counts[unit.account_id, unit.product_id] += unit.quantity

    def add_sums(self, connection_id: int, sums: Iterable[Summed]) -> None:
        """What the vendor charged."""
        accounts = {
            one.key: one
            for one in self.data.accounts.values()
            if one.connection_id == connection_id
        }
        products = {
            one.key: one
            for one in self.data.products.values()
            if one.connection_id == connection_id
        }
        for one in sums:
            account = accounts.get(one.account)
            if account is None:
                place = Place("", f"{connection_id} {one.account}")
                self.customers[place] = one.account_name or one.account or UNNAMED
            else:
                place = self.place_of(account.id)
            found = self._bought(place, one.sku)
            found.name = found.name or one.name
            if one.subscription:
                found.subscriptions.add(one.subscription)
            product = products.get(one.product)
            if product is not None:
                found.counted = True
                found.products.add(product.id)
                self.seats.add(product.id)
                if account is not None:
                    found.asset_types |= self.asset_types(account.id, product)
            if account is None or account.id in self.unproven:
                found.seats, found.counted = None, True
            elif one.sku in self.counted_skus:
                found.counted = True
            if found.cost is not None:
                found.cost[one.currency] += one.cost

    def without_cost(self, places: Iterable[Place]) -> None:
        """The vendor's lines of the month are not there: what these were charged is unknown."""
        for place in places:
            for one in self.bought[place].values():
                one.cost = None

    def _bought(self, place: Place, sku: str) -> Bought:
        return self.bought[place].setdefault(sku, Bought(sku=sku))

    # -- other products

    def asset_types(self, account_id: int, product: SourceProduct) -> set[str]:
        """Asset types under which the account's units of a product are billed."""
        own = {
            one.asset_type_key
            for one in self.data.configurations_for(account_id)
            if product.key in one.products and one.asset_type_key
        }
        default = self.data.asset_types.get(product.id)
        if not own and default is not None and default.psa_connection_id == self.psa_id:
            return {default.asset_type_key}
        return own

    # -- bills

    def add_line(self, client: str, currency: str, *, priced: bool, basis: str) -> None:
        """A line of a bill of the month."""
        found = _BASIS.decode(basis)
        ids = self._ids(found.bill.connection_id)
        for item in found.line.products:
            product_id = ids.get(item.key, item.product_id)
            if product_id is None:
                continue
            before = self.billed[client].get(product_id, Billing(units=0, price={}))
            price = None
            if priced and before.price is not None:
                price = {**before.price}
                price[currency] = price.get(currency, Decimal(0)) + item.price
            self.billed[client][product_id] = Billing(
                units=before.units + item.quantity, price=price
            )

    def _ids(self, connection_id: int) -> dict[str, int]:
        if connection_id not in self._products:
            self._products[connection_id] = {
                one.key: one.id
                for one in self.data.products.values()
                if one.connection_id == connection_id
            }
        return self._products[connection_id]

    # -- clients

    def facts(self, chosen: str | None = None) -> Iterator[ClientFacts]:
        """The facts of each client, or of one."""
        accounts: dict[str, list[int]] = defaultdict(list)
        for link in self.data.links.values():
            if link.psa_connection_id == self.psa_id and link.account_id in self.data.accounts:
                accounts[link.client_key].append(link.account_id)
        names = self.data.references.of(self.psa_id, ReferenceKind.CLIENT)
        candidates = Candidates(self)
        for client in sorted(accounts):
            if chosen is not None and client != chosen:
                continue
            live = self.golive.is_live(client, self.period)
            others = candidates.of(client, sorted(accounts[client]))
            bought = self.bought.get(Place(client), {})
            concerned = {one.id for one in others}
            concerned |= {product for one in bought.values() for product in one.products}
            yield ClientFacts(
                client=client,
                name=names[client].name if client in names else client,
                linked=True,
                bought=bought,
                others=others,
                billed=self.billed.get(client, {}),
                open=self._open(accounts[client], concerned),
                unknown=() if live else ("the client is in shadow: others bill it",),
                seats_known=client in self.proven - self.incomplete,
                unclear=self._unclear(accounts[client]),
                names=self._names(concerned),
            )
        for place in sorted(self.bought):
            if place.client or chosen is not None:
                continue
            yield ClientFacts(
                client="",
                name=self.customers[place],
                linked=False,
                bought=self.bought[place],
                unknown=("no client is linked, so what is used and billed is not known",),
            )

    def _open(self, accounts: Iterable[int], products: Collection[int]) -> dict[int, str]:
        """Products that wait for a bill which is not there yet."""
        found = {}
        for account_id in accounts:
            account = self.data.accounts[account_id]
            if account_id in self.billed_accounts:
                continue
            configured = {
                key for one in self.data.configurations_for(account_id) for key in one.products
            }
            for product_id in products:
                product = self.data.products[product_id]
                if product.connection_id != account.connection_id or product.key not in configured:
                    continue
                if account_id in self.unproven or self.counts.get((account_id, product_id)):
                    name = self.data.connections[account.connection_id].name
                    found[product_id] = f"{account.name} of {name} has no bill of the month"
        return found

    def _unclear(self, accounts: Iterable[int]) -> tuple[str, ...]:
        found = []
        for account_id in sorted(accounts):
            account = self.data.accounts[account_id]
            if account_id in self.unproven and account.connection_id in self.naming:
                name = self.data.connections[account.connection_id].name
                found.append(f"what {account.name} of {name} used is not known")
        return tuple(found)

    def _names(self, products: Iterable[int]) -> dict[int, str]:
        found = {}
        for product_id in products:
            product = self.data.products[product_id]
            found[product_id] = f"{self.data.connections[product.connection_id].name} {product.key}"
        return found
