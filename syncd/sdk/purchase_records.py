"""What an MSP is charged by a vendor for its customers: lines of that vendor's bill."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from syncd.sdk.usage_records import ScopeState

SKU: Final = "sku"
"""Attribute of a unit that is a purchase: the vendor's id of what was bought, as in its lines.

Such a unit states its `Term` as well, its id is that of the purchase, its quantity the seats.
"""

PURCHASES: Final = "purchases"
"""Attribute of a unit that knows by which purchases it was bought: a list of their ids.

Its product is one of a family, `<family>:<figure>`, which are figures of the same thing.
"""

USED: Final = "assigned"
"""The figure of a family that tells how many are in use."""


class PurchaseLine(msgspec.Struct, frozen=True, gc=False):
    """One line of a vendor's bill to the MSP.

    Attributes:
        account: `Account.key` of the customer; empty where the line names none.
        account_name: for people.
        product: `Product.key` where the same connection counts it, else empty.
        sku: the vendor's id of what was bought.
        name: for people.
        subscription: id of the purchase, which is the id of the unit where it is counted.
        charge: kind of the charge in the vendor's words, lower case.
        quantity: that was charged; negative for what is given back.
        cost: before tax, signed.
        currency: ISO code.
        starts: first day that the charge is for; None if unknown.
        ends: last day, likewise.
        document: number of the vendor's invoice, empty before there is one.
    """

    account: str
    account_name: str
    product: str
    sku: str
    name: str
    subscription: str
    charge: str
    quantity: Decimal
    cost: Decimal
    currency: str
    starts: date | None = None
    ends: date | None = None
    document: str = ""


class PurchaseProof(msgspec.Struct, frozen=True):
    """How far the lines of a month are proven.

    Attributes:
        state: only `complete` replaces what was read before.
        lines: that were read.
        documents: numbers of the vendor's invoices that were read.
        version: changes when the vendor's data changed; empty if it says nothing.
        reasons: codes with a detail; empty when complete.
        notes: codes with a detail that weaken no proof, e.g. `NO_INVOICE_YET`.
    """

    state: ScopeState
    lines: int
    documents: tuple[str, ...] = ()
    version: str = ""
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
