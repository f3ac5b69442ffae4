"""The subscriptions of one customer as units: seats with their term, kept or counted.

A unit is a subscription under Microsoft's own id, which also stands on the bill; add-ons are units
of their own that name their parent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from syncd.sdk.errors import ProtocolError
from syncd.sdk.records import Observation
from syncd.sdk.terms import with_term
from syncd_csp.config import CspConfig
from syncd_csp.exclusions import USAGE, Exclusions, Why
from syncd_csp.models import Subscription
from syncd_csp.products import Catalogue, Offer, offer_of
from syncd_csp.terms import Reader
from syncd_csp.values import enum, whole

_UNSAID: Final = (None, "", False, 0)


class Seats:
    """The subscriptions of one customer in one read.

    Attributes:
        doubts: codes with values that this version does not know or cannot read, and how often.
    """

    def __init__(
        self,
        customer: str,
        config: CspConfig,
        catalogue: Catalogue,
        *,
        connection: str,
        now: datetime,
    ) -> None:
        self._customer = customer
        self._config = config
        self._catalogue = catalogue
        self._connection = connection
        self.doubts: Counter[str] = Counter()
        self._told: set[str] = set()
        self._exclusions = Exclusions(customer, config, self._doubt)
        self._terms = Reader(config.without_renewal, now, self._doubt)

    def units(self, rows: Iterable[Subscription]) -> list[Observation]:
        """One unit per subscription.

        Raises:
            ProtocolError: a subscription that counts has no offer or no number of seats.
        """
        units = []
        for row in rows:
            self._told.clear()
            units.append(self._unit(row))
            self.doubts.update(self._told)
        return units

    def notes(self) -> list[str]:
        """What wants a person's eye."""
        return [f"{what}, {_times(number)}" for what, number in self.doubts.items()]

    def _unit(self, one: Subscription) -> Observation:
        offer = offer_of(one)
        why = self._exclusions.subscription(one, offer)
        if offer is None:
            if why.code is None:
                raise self._broken("a subscription names no offer")
            offer = Offer("none", "none")
        name = one.offer_name or one.friendly_name or offer.key
        quantity = self._quantity(one, why)
        if why.code == USAGE:
            product = self._catalogue.usage(offer, name)
        else:
            term = (one.term or "").strip().upper()
            product = self._catalogue.seats(offer, name, term, enum(one.cycle))
        unit = one.id.strip().lower()
        self._catalogue.bought[unit] = product
        return Observation(
            self._customer,
            product,
            unit,
            quantity,
            one.friendly_name or name,
            self._attributes(one, offer, why, quantity),
            why.code,
        )

    def _quantity(self, one: Subscription, why: Why) -> int:
        if one.quantity is None and why.code is not None:
            return 0
        try:
            if one.quantity is not None:
                return whole(one.quantity)
        except ValueError:
            if why.code == USAGE:
                return 0
        raise self._broken("a subscription has no whole number of seats")

    def _attributes(self, one: Subscription, offer: Offer, why: Why, quantity: int) -> bytes:
        extended = self._is_extended(one, offer)
        term = self._terms.term(one, extended=extended)
        status = enum(one.status)
        next_product = one.next_term.product if one.next_term else None
        facts: dict[str, Any] = {
            # What is metered buys no seats: only its charges tell whether something bills it.
            "plan" if why.code == USAGE else "sku": offer.key,
            "offer": one.offer_name if one.friendly_name not in (None, one.offer_name) else None,
            "parent": (one.parent or "").strip().lower(),
            "status": "" if status == "active" else status,
            "trial": bool(one.trial),
            "may_fall": self._terms.may_fall(one, quantity) if term.falls_until else 0,
            "migrated_from": (one.migrated_from or "").strip().lower(),
            "promotion": one.promotion,
            "why": why.words,
        }
        if next_product is not None:
            facts["next"] = ":".join(
                part
                for part in (
                    next_product.product,
                    next_product.sku,
                    next_product.term,
                    enum(next_product.cycle),
                )
                if part
            )
        return with_term({key: fact for key, fact in facts.items() if fact not in _UNSAID}, term)

    def _is_extended(self, one: Subscription, offer: Offer) -> bool:
        names = [(one.offer_name or "").casefold(), offer.key.casefold()]
        return any(
            fnmatchcase(name, pattern.casefold())
            for pattern in self._config.extended_terms
            for name in names
        )

    def _doubt(self, what: str) -> None:
        self._told.add(what)  # once for each subscription, however often the value is looked at

    def _broken(self, what: str) -> ProtocolError:
        return ProtocolError(
            f"COUNT_UNREADABLE: {what}",
            remedy="former counts stay in force; if it stays, ask Microsoft",
            connection=self._connection,
        )


def _times(number: int) -> str:
    return f"{number} subscription{'' if number == 1 else 's'}"
