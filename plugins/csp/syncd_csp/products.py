"""What the partner's customers can be counted by: offers with their term and cycle, and licences.

Nothing is enumerated in code: every offer that a customer holds is a product, named by Microsoft.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from syncd.sdk.records import Product
from syncd_csp.models import Subscription
from syncd_csp.values import enum

AZURE_PLAN: Final = "DZH318Z0BPS6"
"""Product of every Azure plan; what it costs is metered."""

LEGACY: Final = "legacy"
NONE: Final = "none"

LICENCES: Final = {
    "assigned": "assigned seats",
    "bought": "bought seats",
    "committed": "committed seats",
}
"""Kind of a licence's product → how its name ends."""

TERMS: Final = {"P1M": "monthly term", "P1Y": "yearly term", "P3Y": "term of three years"}


class Offer(NamedTuple):
    """What a subscription is of.

    Attributes:
        product: ProductId, or the GUID of an offer of the former commerce.
        sku: SkuId, `legacy` in the former commerce.
    """

    product: str
    sku: str

    @property
    def key(self) -> str:
        """As bills name it."""
        return f"{self.product}:{self.sku}"


def offer_of(one: Subscription) -> Offer | None:
    """The offer; None where the subscription names none."""
    parts = (one.offer or "").strip().upper().split(":")
    if not parts[0]:
        return None
    if len(parts) == 1:
        return Offer(parts[0].lower(), LEGACY)
    return Offer(parts[0], parts[1] or NONE)


def is_metered(one: Subscription, offer: Offer | None) -> bool:
    """Whether it is charged by what is used, so that its quantity is no number of seats."""
    if enum(one.billing) == "usage" or enum(one.unit) == "usage_based":
        return True
    return offer is not None and offer.product == AZURE_PLAN


def seat_product(offer: Offer, term: str, cycle: str) -> str:
    return f"seat:{offer.key}:{term or NONE}:{cycle or NONE}"


def usage_product(offer: Offer) -> str:
    return f"usage:{offer.key}"


def licence_product(guid: str, kind: str) -> str:
    return f"licence:{guid}:{kind}"


class Catalogue:
    """The products of one connection, as far as they were met.

    Attributes:
        bought: subscription → product, for the lines of a bill that is read beside a census.
    """

    def __init__(self) -> None:
        self._found: dict[str, Product] = {}
        self.bought: dict[str, str] = {}

    def all(self) -> list[Product]:
        return list(self._found.values())

    def seats(self, offer: Offer, name: str, term: str, cycle: str) -> str:
        """Key of the product of these seats; it is declared when it is first met."""
        key = seat_product(offer, term, cycle)
        if key not in self._found:
            words = [TERMS.get(term, term), cycle.replace("_", " ")]
            told = ", ".join(word for word in words if word)
            self._add(Product(key, f"{name} ({told})" if told else name))
        return key

    def usage(self, offer: Offer, name: str) -> str:
        key = usage_product(offer)
        if key not in self._found:
            self._add(Product(key, f"{name} (by use)"))
        return key

    def licence(self, guid: str, name: str) -> None:
        """Declare the three products of a licence."""
        if licence_product(guid, "assigned") not in self._found:
            for kind, ending in LICENCES.items():
                self._add(Product(licence_product(guid, kind), f"{name}: {ending}"))

    def _add(self, product: Product) -> None:
        self._found[product.key] = product
