"""Products that may stand for something bought: the other figures of a client's connections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from syncd.core.service.reconciliation_joins import Other
from syncd.core.store.billing_data import BillingData, SourceProduct
from syncd.sdk.records import USED

if TYPE_CHECKING:
    from syncd.core.service.reconciliation_facts import FactBook


def families(data: BillingData, connection_id: int, seats: Collection[int]) -> dict[int, str]:
    """Families of the products of a connection that have a figure of what is in use.

    Args:
        data: what is known of products.
        connection_id: whose.
        seats: products that count purchases; they are none of it.
    """
    keys = {
        one.key: one.id
        for one in data.products.values()
        if one.connection_id == connection_id and one.id not in seats
    }
    found = {}
    for key, product_id in keys.items():
        family, colon, _ = key.rpartition(":")
        if colon and f"{family}:{USED}" in keys:
            found[product_id] = family
    return found


class Candidates:
    """Products that may stand for something bought."""

    def __init__(self, book: FactBook) -> None:
        self._book = book
        self._types = {
            asset_type
            for bought in book.bought.values()
            for one in bought.values()
            for asset_type in one.asset_types
        }
        self._bridged = {group for _, group in book.named}
        self._products: dict[int, list[tuple[SourceProduct, str, bool]]] = {}

    def of(self, client: str, accounts: Iterable[int]) -> list[Other]:
        book, data = self._book, self._book.data
        by_connection: dict[int, list[int]] = defaultdict(list)
        for account_id in accounts:
            by_connection[data.accounts[account_id].connection_id].append(account_id)
        found = []
        for connection_id, own in by_connection.items():
            types: dict[str, set[str]] = defaultdict(set)
            products = self._of_connection(connection_id)
            for product, group, _ in products:
                for account_id in own:
                    types[group] |= book.asset_types(account_id, product) & self._types
            for product, group, tells_use in products:
                if not types[group] and group not in self._bridged:
                    continue
                proven = not any(one in book.unproven for one in own)
                found.append(
                    Other(
                        id=product.id,
                        key=product.key,
                        name=product.name,
                        group=group,
                        purchases=frozenset(book.named.get((client, group), ())),
                        asset_types=frozenset(types[group]),
                        used=sum(book.counts.get((one, product.id), 0) for one in own)
                        if proven
                        else None,
                        tells_use=tells_use,
                        licence=True,
                    )
                )
        return found

    def _of_connection(self, connection_id: int) -> list[tuple[SourceProduct, str, bool]]:
        """Products with their group, and whether they tell what is in use."""
        if connection_id not in self._products:
            book = self._book
            name = book.data.connections[connection_id].name
            figures = families(book.data, connection_id, book.seats)
            self._products[connection_id] = [
                (
                    one,
                    f"{name} {figures.get(one.id, one.key)}",
                    one.id not in figures or one.key.endswith(f":{USED}"),
                )
                for one in book.data.products.values()
                if one.connection_id == connection_id and one.id not in book.seats
            ]
        return self._products[connection_id]
