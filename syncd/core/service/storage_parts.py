"""What is billed with an account's storage: restored volume and the price of limits.

A source reports them as products of their own, and says in `Product.part` what they are; people
choose only the storage product, and the first one of an account carries the parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from syncd.core.billing.arithmetic import total
from syncd.core.billing.model import Mode, StorageUsage
from syncd.core.store.billing_data import BillingData, SourceProduct
from syncd.sdk.money import from_scaled
from syncd.sdk.records import Part, ProductKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The storage product of an account that carries its restored volume and its limits.

    Attributes:
        product: the first storage product of the account's configurations, in their order.
        mode: of the configuration that names it.
    """

    product: SourceProduct
    mode: Mode


class PartBook:
    """Which products of each connection are parts, and which product carries them."""

    def __init__(self, data: BillingData) -> None:
        self._data = data
        self._products: dict[int, dict[str, SourceProduct]] = {}
        self._parts: dict[int, list[SourceProduct]] = {}
        for product in data.products.values():
            self._products.setdefault(product.connection_id, {})[product.key] = product
            if product.part is not Part.WHOLE:
                self._parts.setdefault(product.connection_id, []).append(product)

    def parts(self, connection_id: int) -> Iterable[SourceProduct]:
        """The products of a connection that are billed with storage."""
        return self._parts.get(connection_id, ())

    def configured(self, account_id: int) -> Iterator[SourceProduct]:
        """Products that the account's configurations name and its source has, in their order."""
        known = self._products.get(self._data.accounts[account_id].connection_id, {})
        for configuration in self._data.configurations_for(account_id):
            yield from (known[key] for key in configuration.products if key in known)

    def holder(self, account_id: int) -> Holder | None:
        """The product that carries the parts; None where no storage of months is billed."""
        known = self._products.get(self._data.accounts[account_id].connection_id, {})
        for configuration in self._data.configurations_for(account_id):
            for key in configuration.products:
                product = known.get(key)
                if product is not None and _holds(product):
                    return Holder(product=product, mode=Mode(configuration.mode))
        return None


def folded(usage: StorageUsage, parts: Iterable[tuple[SourceProduct, Decimal]]) -> StorageUsage:
    """The storage with what is billed with it.

    Args:
        usage: of the product that carries the parts.
        parts: each with its quantity: bytes, or money as sources report it.
    """
    found = list(parts)
    return msgspec.structs.replace(
        usage,
        restore_bytes=total(raw for one, raw in found if one.part is Part.RESTORED),
        limit_price=total(as_money(raw) for one, raw in found if one.part is Part.LIMIT),
    )


def as_money(raw: Decimal) -> Decimal:
    """Money of a source's quantity, which counts 10^-8."""
    return from_scaled(int(raw))


def foreign_money(
    parts: Iterable[tuple[SourceProduct, Decimal]], holder: Holder | None, currency: str
) -> tuple[str, ...]:
    """Codes of limits in another currency than is billed; no mode without money minds them."""
    if holder is None or holder.mode is Mode.QUANTITY:
        return ()
    return tuple(
        f"CURRENCY_MISMATCH:{one.key}"
        for one, raw in parts
        if one.part is Part.LIMIT and raw and one.currency != currency
    )


def _holds(product: SourceProduct) -> bool:
    of_months = product.monthly and product.part is Part.WHOLE
    return of_months and product.kind is ProductKind.STORAGE
