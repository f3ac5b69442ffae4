"""Which products stand for which purchase of a client: by proof of ids first, else by asset type.

A product that names the purchases behind it is theirs; one that does not is joined to the purchase
with its asset type. Purchases that one product stands for together become one row, so that nothing
is counted twice and nothing is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.core.service.reconciliation import Money, Reconciled, status_of


@dataclass(slots=True, kw_only=True)
class Bought:
    """One thing bought for one client, over all its purchases.

    Attributes:
        sku: the vendor's id.
        name: for people.
        seats: at the end of the month; None if it is not known.
        counted: its seats are counted at all.
        kept_out: seats kept out of counts, by reason.
        cost: by currency; None if unknown.
        subscriptions: ids of the purchases.
        products: row ids of the products that count its seats.
        asset_types: of those products.
    """

    sku: str
    name: str = ""
    seats: int | None = 0
    counted: bool = False
    kept_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    cost: dict[str, Decimal] | None = field(default_factory=lambda: defaultdict(Decimal))
    subscriptions: set[str] = field(default_factory=set)
    products: set[int] = field(default_factory=set)
    asset_types: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A product of the client that may stand for something bought, and counts no seats itself.

    Attributes:
        id: row id.
        key: product key with its connection, for people.
        name: for people.
        group: products of one group are told together, e.g. all figures of one licence.
        purchases: ids of purchases that its group names, of this client.
        asset_types: of the product.
        used: units in use, where this product tells what is used; None if that is unknown.
        tells_use: this product tells what is used.
        licence: some purchase somewhere has its group or asset type, so that it must be bought.
    """

    id: int
    key: str
    name: str
    group: str
    purchases: frozenset[str] = frozenset()
    asset_types: frozenset[str] = frozenset()
    used: int | None = None
    tells_use: bool = False
    licence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """What a client's bills of the month say of one product.

    Attributes:
        units: whole units.
        price: by currency; None where the PSA sets the price.
    """

    units: int
    price: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFacts:
    """Everything known of one client.

    Attributes:
        client: PSA client id, empty for customers without one.
        name: for people.
        linked: the bought things are of accounts linked to the client.
        bought: by SKU.
        others: products that may stand for them.
        billed: by product id; a product that no line has is absent.
        open: product id -> why what is billed of it is not known.
        unknown: sentences that hold for every row of the client.
        seats_known: accounts of the client tell what is bought; else what is not there is unknown.
        unclear: sentences on accounts of which nobody knows what they used: a purchase that no bill
            seems to hold may be billed by them.
        names: keys of products with their connections, by product id.
    """

    client: str
    name: str
    linked: bool
    bought: Mapping[str, Bought]
    others: Sequence[Other] = ()
    billed: Mapping[int, Billing] = field(default_factory=dict)
    open: Mapping[int, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    seats_known: bool = True
    unclear: tuple[str, ...] = ()
    names: Mapping[int, str] = field(default_factory=dict)


def reconcile_client(facts: ClientFacts) -> list[Reconciled]:
    """The rows of one client, unordered; what is neither bought nor billed has none."""
    sets = _Sets(facts.bought)
    # A purchase that changed what it is of goes on under its id: two SKUs, and one set of seats.
    for skus in _by_purchase(facts).values():
        if any(facts.bought[sku].counted for sku in skus):
            sets.join(skus)
    owners = _owners(facts)
    for skus in owners.values():
        sets.join(skus)
    attached: dict[str, list[Other]] = defaultdict(list)
    alone: dict[str, list[Other]] = defaultdict(list)
    for other in facts.others:
        if other.id in owners:
            attached[sets.root(owners[other.id][0])].append(other)
        elif other.licence:
            alone[other.group].append(other)
    rows = [
        _row(facts, [facts.bought[sku] for sku in sorted(skus)], attached[root])
        for root, skus in sets.parts().items()
    ]
    rows += [_row(facts, [], others) for others in alone.values()]
    return [row for row in rows if _says_something(row)]


def _by_purchase(facts: ClientFacts) -> dict[str, list[str]]:
    """SKUs of each purchase."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in facts.bought.values():
        for purchase in one.subscriptions:
            found[purchase].append(one.sku)
    return found


def _owners(facts: ClientFacts) -> dict[int, list[str]]:
    """SKUs that each other product stands for."""
    by_purchase = _by_purchase(facts)
    by_type: dict[str, list[str]] = defaultdict(list)
    for one in facts.bought.values():
        for asset_type in one.asset_types:
            by_type[asset_type].append(one.sku)
    found: dict[int, list[str]] = {}
    for other in facts.others:
        skus = {sku for one in other.purchases for sku in by_purchase.get(one, ())}
        if not other.purchases:
            skus = {sku for one in other.asset_types for sku in by_type.get(one, ())}
        if skus:
            found[other.id] = sorted(skus)
    return found


def _row(facts: ClientFacts, bought: Sequence[Bought], others: Sequence[Other]) -> Reconciled:
    counting = {product for one in bought for product in one.products}
    products = sorted(counting | {one.id for one in others})
    uses = [one.used for one in others if one.tells_use]
    why = list(facts.unknown)
    units: int | None = 0
    price: dict[str, Decimal] | None = defaultdict(Decimal)
    if facts.unknown:
        units = price = None
    for product in products:
        reason = facts.open.get(product)
        if reason is not None:
            units = price = None
            why.append(reason)
        billing = facts.billed.get(product)
        if billing is None:
            continue
        units = None if units is None else units + billing.units
        price = _plus(price, billing.price)
    if bought and not others and facts.unclear and not units and not any((price or {}).values()):
        units = price = None
        why += facts.unclear
    seats: int | None = 0
    cost: dict[str, Decimal] | None = defaultdict(Decimal)
    kept_out: dict[str, int] = defaultdict(int)
    for one in bought:
        seats = None if seats is None or one.seats is None else seats + one.seats
        cost = _plus(cost, one.cost)
        for reason, quantity in one.kept_out.items():
            kept_out[reason] += quantity
    counted = any(one.counted for one in bought) or not bought
    if not facts.seats_known:
        seats = None
        cost = cost if bought else None
        why.append("no proven account of the client tells what is bought")
    if not counted:
        seats = None
    known_uses = [one for one in uses if one is not None]
    used = sum(known_uses) if uses and len(known_uses) == len(uses) else None
    final_cost, final_price = _money(cost), _money(price)
    return Reconciled(
        client=facts.client,
        client_name=facts.name,
        sku=" + ".join(one.sku for one in bought) or others[0].group,
        name=" + ".join(dict.fromkeys(one.name or one.sku for one in bought)) or others[0].name,
        bought=seats,
        kept_out=dict(sorted(kept_out.items())),
        cost=final_cost,
        used=used,
        billed=units,
        price=final_price,
        status=status_of(
            linked=facts.linked,
            bought=seats,
            counted=counted,
            kept_out=kept_out,
            cost=final_cost,
            used=used,
            billed=units,
            price=final_price,
        ),
        why=tuple(dict.fromkeys(why)),
        subscriptions=tuple(sorted({sub for one in bought for sub in one.subscriptions})),
        products=tuple(facts.names.get(one, str(one)) for one in products),
        counted=counted,
    )


def _says_something(row: Reconciled) -> bool:
    """Something is bought, charged or billed, or it may be and is not known."""
    if row.bought or row.billed or row.kept_out:
        return True
    if any((row.cost or {}).values()) or any((row.price or {}).values()):
        return True
    return row.bought is None and bool(row.subscriptions) and row.cost is None


def _plus(total: dict[str, Decimal] | None, more: Money | None) -> dict[str, Decimal] | None:
    if total is None or more is None:
        return None
    for currency, amount in more.items():
        total[currency] += amount
    return total


def _money(found: Mapping[str, Decimal] | None) -> dict[str, Decimal] | None:
    return None if found is None else dict(sorted(found.items()))


class _Sets:
    """SKUs that are told together."""

    def __init__(self, skus: Iterable[str]) -> None:
        self._parent = {sku: sku for sku in skus}

    def root(self, sku: str) -> str:
        while self._parent[sku] != sku:
            sku = self._parent[sku]
        return sku

    def join(self, skus: Sequence[str]) -> None:
        first = self.root(skus[0])
        for sku in skus[1:]:
            self._parent[self.root(sku)] = first

    def parts(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for sku in self._parent:
            found[self.root(sku)].append(sku)
        return found
