"""Lines of the PSA's recurring invoices: what makes their quantity, and a link to be written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class QuantitySource(msgspec.Struct, frozen=True):
    """One thing that makes the quantity of a recurring line.

    Attributes:
        key: the PSA's id of this source within the line.
        subscription: id of the subscription whose count it takes; None where it counts something
            else.
        kind: `subscription`, `assets`, `users` or `licences`.
        free_units: units of it that the PSA does not charge.
        minimum_units: least units that the PSA charges.
        prorated: the PSA prorates its changes.
        asset_type: id of the asset type it counts, None for any or for other kinds.
        site: id of the site whose assets or users it counts, None for every site of the client.
    """

    key: str
    subscription: str | None = None
    kind: str = "subscription"
    free_units: int = 0
    minimum_units: int = 0
    prorated: bool = False
    asset_type: str | None = None
    site: str | None = None


class ProrationRow(msgspec.Struct, frozen=True):
    """A part of a period that the PSA will charge, or give back, on the next invoice.

    Attributes:
        day: ISO date from which it counts.
        quantity: signed units.
        description: what the client reads.
    """

    day: str
    quantity: Decimal
    description: str = ""


class RecurringLine(msgspec.Struct, frozen=True):
    """A line of a recurring invoice, with what decides its quantity.

    Attributes:
        invoice: id of the recurring invoice (may be negative).
        key: id of the line.
        client: PSA client id.
        name: what the client reads.
        quantity: stored quantity, as the PSA shows it.
        unit_price: price on the line, None when it comes from elsewhere.
        subscriptions: ids of subscriptions whose count makes the quantity.
        counts_other: True when assets, users or licences add to the quantity as well.
        price_from_subscription: the line takes its price from the subscription.
        prorated: any quantity source prorates changes.
        active: the line bills.
        next_date: when the next invoice is made, or None.
        last_made: when the last one was made, None where there was none or the PSA does not say.
        sources: everything that makes the quantity; `subscriptions`, `counts_other` and `prorated`
            sum it up.
        proration: parts of periods that the next invoice charges.
        last_value: net amount that the line had on its last invoice, None when unknown.
        cycle: `monthly`, `quarterly`, `yearly`, …, None when the PSA's code is not known.
        item: id of the PSA's product on the line, None without one.
        invoice_name: reference of the recurring invoice for people.
        percent_increase: the PSA raises the line's price by so many per cent from time to time;
            None or 0 when it does not.
        price_from_product: the PSA copies the product's price to the line when that changes.
    """

    invoice: str
    key: str
    client: str
    name: str
    quantity: Decimal
    unit_price: Decimal | None
    subscriptions: tuple[str, ...] = ()
    counts_other: bool = False
    price_from_subscription: bool = False
    prorated: bool = False
    active: bool = True
    next_date: datetime | None = None
    invoice_name: str = ""
    percent_increase: Decimal | None = None
    price_from_product: bool = False
    last_made: datetime | None = None
    sources: tuple[QuantitySource, ...] = ()
    proration: tuple[ProrationRow, ...] = ()
    last_value: Decimal | None = None
    cycle: str | None = None
    item: str | None = None


class LinkChange(msgspec.Struct, frozen=True):
    """One intended link of a recurring line to the subscription that makes its quantity.

    Attributes:
        key: ours; the outcome names it.
        invoice: id of the recurring invoice.
        line: id of the line.
        subscription: id of the subscription to count.
        observed: `invoice_digest` of the invoice when the plan was made; a connector refuses to
            write to one that reads differently now (`Rejected` with code `INVOICE_MOVED`).
        price_from_subscription: whether the line takes its price from the subscription from now
            on; None leaves that alone.
    """

    key: str
    invoice: str
    line: str
    subscription: str
    observed: str
    price_from_subscription: bool | None = None
