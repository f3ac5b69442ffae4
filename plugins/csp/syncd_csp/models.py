"""Partner Center's records, decoded with only the fields that are used.

What decides a count has no default: a field that is missing is a broken contract and never zero.
Moments and enumerations stay text here, as they are written in many ways.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec
from msgspec import field

Row = TypeVar("Row")


class Header(msgspec.Struct):
    key: str
    value: str


class Link(msgspec.Struct):
    """A link; only the headers are used, as its address is malformed at times."""

    headers: list[Header] = []


class Links(msgspec.Struct):
    next: Link | None = None


class Collection(msgspec.Struct, Generic[Row]):
    """One page of a list.

    Attributes:
        rows: of this page.
        total: rows of the whole list or of this page: both are met.
        continuation: token of the next page, beside the one in the link's headers.
    """

    rows: list[Row] = field(name="items")
    total: int | None = field(name="totalCount", default=None)
    continuation: str | None = field(name="continuationToken", default=None)
    links: Links | None = None

    @property
    def token(self) -> str | None:
        """The token of the next page; empty where a next page has none, None on the last."""
        if self.links is None:
            return self.continuation or None
        if self.links.next is None:
            return None
        for header in self.links.next.headers:
            if header.key.lower() == "ms-continuationtoken":
                return header.value
        return self.continuation or ""


class Company(msgspec.Struct):
    tenant: str | None = field(name="tenantId", default=None)
    domain: str | None = None
    name: str | None = field(name="companyName", default=None)


class Customer(msgspec.Struct):
    """A customer in the partner's list."""

    id: str
    company: Company = field(name="companyProfile", default_factory=Company)
    relation: str | None = field(name="relationshipToPartner", default=None)

    @property
    def title(self) -> str:
        return self.company.name or self.company.domain or self.id


class Kind(msgspec.Struct):
    id: str | None = None
    name: str | None = field(name="displayName", default=None)


class Refundable(msgspec.Struct):
    """Seats that may still be given back until a moment."""

    quantity: Decimal | None = None
    until: str | None = field(name="allowedUntilDateTime", default=None)


class RefundableSeats(msgspec.Struct):
    total: Decimal | None = field(name="totalQuantity", default=None)
    details: list[Refundable] = []


class NextProduct(msgspec.Struct):
    product: str | None = field(name="productId", default=None)
    sku: str | None = field(name="skuId", default=None)
    cycle: str | None = field(name="billingCycle", default=None)
    term: str | None = field(name="termDuration", default=None)


class NextTerm(msgspec.Struct):
    """What changes at the renewal."""

    product: NextProduct | None = None
    quantity: Decimal | None = None


class ScheduledAction(msgspec.Struct):
    """A choice for the end of the term."""

    schedule: str | None = field(name="scheduleType", default=None)
    action: str | None = field(name="actionType", default=None)


class Subscription(msgspec.Struct):
    """Something that a customer bought through the partner.

    Attributes:
        offer: `ProductId:SkuId:AvailabilityId`, or a GUID in the former commerce.
        quantity: seats; without meaning where `billing` is `usage`.
    """

    id: str
    status: str | None = None
    offer: str | None = field(name="offerId", default=None)
    quantity: Decimal | None = None
    offer_name: str | None = field(name="offerName", default=None)
    friendly_name: str | None = field(name="friendlyName", default=None)
    kind: Kind | None = field(name="productType", default=None)
    unit: str | None = field(name="unitType", default=None)
    parent: str | None = field(name="parentSubscriptionId", default=None)
    created: str | None = field(name="creationDate", default=None)
    effective: str | None = field(name="effectiveStartDate", default=None)
    committed: str | None = field(name="commitmentEndDate", default=None)
    committed_until: str | None = field(name="commitmentEndDateTime", default=None)
    cancellable: str | None = field(name="cancellationAllowedUntilDate", default=None)
    renews: bool | None = field(name="autoRenewEnabled", default=None)
    trial: bool | None = field(name="isTrial", default=None)
    billing: str | None = field(name="billingType", default=None)
    cycle: str | None = field(name="billingCycle", default=None)
    term: str | None = field(name="termDuration", default=None)
    refundable: RefundableSeats | None = field(name="refundableQuantity", default=None)
    next_term: NextTerm | None = field(name="scheduledNextTermInstructions", default=None)
    actions: list[ScheduledAction] | None = field(name="scheduledActions", default=None)
    migrated_from: str | None = field(name="migratedFromSubscriptionId", default=None)
    promotion: str | None = field(name="promotionId", default=None)


class ProductSku(msgspec.Struct):
    id: str
    name: str | None = None
    part: str | None = field(name="skuPartNumber", default=None)


class SubscribedSku(msgspec.Struct):
    """A licence in the customer's directory, as Partner Center passes it on."""

    sku: ProductSku = field(name="productSku")
    active: Decimal = field(name="activeUnits")
    consumed: Decimal = field(name="consumedUnits")
    warning: Decimal = field(name="warningUnits")
    suspended: Decimal | None = field(name="suspendedUnits", default=None)
    status: str | None = field(name="capabilityStatus", default=None)


class Invoice(msgspec.Struct):
    """The head of one of the partner's invoices."""

    id: str
    dated: str | None = field(name="invoiceDate", default=None)
    starts: str | None = field(name="billingPeriodStartDate", default=None)
    total: Decimal | None = field(name="totalCharges", default=None)
    currency: str | None = field(name="currencyCode", default=None)
    document: str | None = field(name="documentType", default=None)
    type: str | None = field(name="invoiceType", default=None)
    amends: str | None = field(name="amendsOf", default=None)


Customers = Collection[Customer]
Subscriptions = Collection[Subscription]
SubscribedSkus = Collection[SubscribedSku]
Invoices = Collection[Invoice]


class Fault(msgspec.Struct):
    """Partner Center's error; the gateway in front of it has another shape."""

    code: str | int | None = None
    description: str | None = None
    message: str | None = None
    status: int | None = field(name="statusCode", default=None)


class Explanation(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class GraphError(msgspec.Struct):
    """Graph's error."""

    error: Explanation | None = None
