"""Graph's records, decoded straight from the bytes with only the fields that are used.

What decides a count has no default: a field that is missing is a broken contract and never zero.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import field

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Row = TypeVar("Row")

MANAGED: Final = "MLT_"
"""Begins the names of relationships that 365 Lighthouse makes for itself."""


class Listing(msgspec.Struct, Generic[Row]):
    """One page of a list; the first may state the total of all pages."""

    rows: list[Row] = field(name="value")
    total: int | None = field(name="@odata.count", default=None)
    next: str | None = field(name="@odata.nextLink", default=None)


class Onward(msgspec.Struct):
    """Of a page only where the next one is, read in a fraction of the time that its rows take."""

    next: str | None = field(name="@odata.nextLink", default=None)


class Units(msgspec.Struct, gc=False):
    """Seats of a SKU by what became of them.

    Attributes:
        enabled: paid and usable.
        warning: expired and in grace, still usable.
        suspended: cancelled, not usable, may come back.
        locked_out: cancelled by the customer.
    """

    enabled: int
    warning: int
    suspended: int
    locked_out: int = field(name="lockedOut", default=0)


class Sku(msgspec.Struct, gc=False):
    """A SKU of a tenant.

    Attributes:
        key: `<tenant>_<sku>`.
        consumed: seats assigned to users, by groups and to disabled users included.
        applies_to: `User`, or `Company` for what is not per seat.
    """

    key: str = field(name="id")
    sku: str = field(name="skuId")
    part: str | None = field(name="skuPartNumber")
    consumed: int = field(name="consumedUnits")
    prepaid: Units = field(name="prepaidUnits")
    status: str | None = field(name="capabilityStatus", default=None)
    applies_to: str | None = field(name="appliesTo", default=None)


class Purchase(msgspec.Struct, gc=False):
    """A subscription of the tenant's directory.

    Attributes:
        commerce: id in the books of whoever sold it; None for what nobody sold.
        seats: of all states.
        next: when the state or the term changes next.
    """

    sku: str | None = field(name="skuId", default=None)
    commerce: str | None = field(name="commerceSubscriptionId", default=None)
    seats: int | None = field(name="totalLicenses", default=None)
    status: str | None = None
    trial: bool | None = field(name="isTrial", default=None)
    next: Moment | None = field(name="nextLifecycleDateTime", default=None)


class Organization(msgspec.Struct):
    """A tenant, as it names itself."""

    id: str


class Customer(msgspec.Struct, gc=False):
    tenant: str | None = field(name="tenantId", default=None)
    name: str | None = field(name="displayName", default=None)


class Relationship(msgspec.Struct, gc=False):
    """A GDAP relationship of the partner.

    Attributes:
        extends: ISO 8601 duration by which it extends itself at its end; `PT0S` for not at all.
        changed: when its state changed last.
    """

    name: str | None = field(name="displayName", default=None)
    customer: Customer | None = None
    status: str | None = None
    ends: Moment | None = field(name="endDateTime", default=None)
    extends: str | None = field(name="autoExtendDuration", default=None)
    changed: Moment | None = field(name="lastModifiedDateTime", default=None)

    @property
    def is_managed(self) -> bool:
        """Whether 365 Lighthouse made it for itself."""
        return (self.name or "").startswith(MANAGED)

    @property
    def name_of_customer(self) -> str:
        return (self.customer and self.customer.name) or ""

    @property
    def ended(self) -> datetime | None:
        """When it ended: at its end, or before when it was terminated."""
        if (self.status or "").lower() == "expired" and self.ends is not None:
            return self.ends
        return min((one for one in (self.ends, self.changed) if one), default=None)


class Contract(msgspec.Struct, gc=False):
    """A customer of the partner, whatever the way in."""

    customer: str | None = field(name="customerId", default=None)
    name: str | None = field(name="displayName", default=None)
    domain: str | None = field(name="defaultDomainName", default=None)


class Licence(msgspec.Struct, gc=False):
    sku: str = field(name="skuId")


class SignIns(msgspec.Struct, gc=False):
    """When a user was last seen; the first two count attempts, too."""

    interactive: Moment | None = field(name="lastSignInDateTime", default=None)
    other: Moment | None = field(name="lastNonInteractiveSignInDateTime", default=None)
    successful: Moment | None = field(name="lastSuccessfulSignInDateTime", default=None)

    @property
    def last(self) -> datetime | None:
        """The last success; where Graph knows none, the last attempt."""
        if self.successful is not None:
            return self.successful
        return max((one for one in (self.interactive, self.other) if one), default=None)


class User(msgspec.Struct, gc=False):
    """A user; `kind` is `Member`, `Guest` or, on old synchronised users, null."""

    id: str
    name: str | None = field(name="displayName")
    sign_in_name: str = field(name="userPrincipalName")
    enabled: bool | None = field(name="accountEnabled")
    licences: list[Licence] = field(name="assignedLicenses")
    kind: str | None = field(name="userType", default=None)
    sign_ins: SignIns | None = field(name="signInActivity", default=None)


class Group(msgspec.Struct, gc=False):
    """A group, or a member of one."""

    id: str
    name: str | None = field(name="displayName", default=None)


class Overview(msgspec.Struct):
    """Intune's count of enrolled devices."""

    enrolled: int = field(name="enrolledDeviceCount")
    by_system: dict[str, Any] | None = field(name="deviceOperatingSystemSummary", default=None)


Organizations = Listing[Organization]
Relationships = Listing[Relationship]
Contracts = Listing[Contract]
Skus = Listing[Sku]
Purchases = Listing[Purchase]
Users = Listing[User]
Groups = Listing[Group]


class Item(msgspec.Struct):
    """One answer inside of a batch; the body is decoded when it is known what was asked."""

    id: str
    status: int
    headers: dict[str, Any] | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class BatchAnswer(msgspec.Struct):
    items: list[Item] = field(name="responses")


class Explanation(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class ErrorBody(msgspec.Struct):
    """Graph's error."""

    error: Explanation | None = None


class TokenRefusal(msgspec.Struct):
    """What the token endpoint says; only `error` and the numbers are relied on."""

    error: str | None = None
    error_codes: list[int] = []
    error_description: str | None = None
