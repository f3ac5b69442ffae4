"""Subscriptions in the shapes of Partner Center: dates in several forms, what is empty left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from syncd_csp.sandbox.contracts import Contract
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.spans import DAY

Row = dict[str, Any]

ACTIONS: Final = {
    "renews": "RenewToNewTerm",
    "ends": "Cancel",
    "extended": "RenewToExtendedServiceTerm",
}
REDUCIBLE: Final = 7
"""Days in which seats may be given back after they were bought or renewed."""

_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "mixed": ("{}T00:00:00Z", "{}T00:00:00", "{}T00:00:00.0000000+00:00", "{}T00:00:00.12Z"),
    "zoneless": ("{}T00:00:00",),
    "blanks": ("{}T00: 00: 00Z",),
}


class Rows:
    """Renders subscriptions as one vendor's answers have them."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def row(self, one: Contract, day: date, seats: int) -> Row:
        """A subscription on a day."""
        status = self._options.statuses.get(one.id, one.status(day))
        usage = one.kind == "usage"
        row: Row = {
            "id": self._id(one.id),
            "offerId": one.sku.offer,
            "offerName": one.sku.name,
            "friendlyName": one.sku.name,
            "productType": {"id": "Azure" if usage else "OnlineServicesNCE"},
            "quantity": self._number(seats),
            "unitType": "Usage-based" if usage else "Licenses",
            "parentSubscriptionId": self._id(one.parent) or None,
            "creationDate": self._moment(one.starts, 3),
            "effectiveStartDate": self._moment(one.starts, 0),
            "status": status,
            "isTrial": one.kind == "trial",
            "billingType": "usage" if usage else "license",
            "billingCycle": one.cycle,
            "hasPurchasableAddons": False,
            "isMicrosoftProduct": True,
            "attentionNeeded": False,
            "actionTaken": False,
            "contractType": "subscription",
            "publisherName": "Microsoft Corporation",
            "orderId": one.id[:12],
            "suspensionReasons": ["PartnerInitiated"] if status == "suspended" else None,
            "links": {"self": _self(one)},
            "attributes": {"etag": one.id[:8], "objectType": "Subscription"},
        }
        if not usage:
            row.update(self._terms(one, day, seats))
        left_out = set(self._options.omitted)
        return {
            name: value for name, value in row.items() if value is not None and name not in left_out
        }

    def _terms(self, one: Contract, day: date, seats: int) -> Row:
        first, last = one.term_around(day)
        window = first + REDUCIBLE * DAY
        instructions = None
        if one.next_seats is not None and seats != one.next_seats:
            instructions = {"product": _product(one), "quantity": self._number(one.next_seats)}
        return {
            "termDuration": one.term,
            "renewalTermDuration": one.term if one.end == "renews" else None,
            "commitmentEndDate": self._moment(last, 1),
            "billingCycleEndDate": self._moment(one.cycle_around(day)[1], 2),
            "cancellationAllowedUntilDate": self._moment(window, 0),
            "autoRenewEnabled": one.end == "renews",
            "refundOptions": [{"type": "Full", "expiresAt": self._moment(window, 0)}]
            if day < window
            else None,
            "refundableQuantity": self._refundable(one, day, seats, first),
            "scheduledNextTermInstructions": instructions,
            "nextChargeInstructions": instructions,
            "scheduledActions": [{"scheduleType": "TermEnd", "actionType": ACTIONS[one.end]}]
            if one.status(day) == "active"
            else None,
        }

    def _refundable(self, one: Contract, day: date, seats: int, first: date) -> Row | None:
        """Seats that may still be given back, and until when."""
        if one.status(day) != "active":
            return None
        details = [
            (more, raised + REDUCIBLE * DAY) for raised, more in one.raises(day, REDUCIBLE - 1)
        ]
        if day < first + REDUCIBLE * DAY:
            details = [(seats, first + REDUCIBLE * DAY)]
        return {
            "totalQuantity": self._number(min(seats, sum(more for more, _ in details))),
            "details": [
                {"quantity": self._number(more), "allowedUntilDateTime": self._moment(until, 0)}
                for more, until in details
            ],
        }

    def _moment(self, day: date, form: int) -> str:
        forms = _FORMS[self._options.dates]
        return forms[form % len(forms)].format(day)

    def _number(self, number: int) -> int | str:
        return str(number) if self._options.numbers_as_text else number

    def _id(self, key: str) -> str:
        return key.upper() if self._options.upper_ids else key


def shown(one: Contract, day: date, last_seats: Callable[[Contract, date], int]) -> int | None:
    """Seats that the row of a subscription states on a day, None where it has no row."""
    if day < one.starts or day < one.client.arrives:
        return None
    if one.client.leaves is not None and day >= one.client.leaves:
        return None
    if one.final is not None and day > one.final:
        day = one.final
    return one.seats(day) or last_seats(one, day) or None


def before(one: Contract, day: date) -> int:
    """Seats on the latest day of the last three months on which there were any."""
    for back in range(1, 92):
        if seats := one.seats(day - timedelta(days=back)):
            return seats
    return 0


def _product(one: Contract) -> Row:
    product, sku, availability = one.sku.offer.split(":")
    return {
        "productId": product,
        "skuId": sku,
        "availabilityId": availability,
        "billingCycle": one.cycle,
        "termDuration": one.term,
    }


def _self(one: Contract) -> Row:
    uri = f"/customers/{one.customer}/subscriptions/{one.id}"
    return {"uri": uri, "method": "GET", "headers": []}
