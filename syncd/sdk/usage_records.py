"""What a source reports: accounts, products, units, and how far they are proven."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Measure(StrEnum):
    """What one unit of a product's quantity is; money counts 10^-8 (`money.to_scaled`)."""

    COUNT = "count"
    BYTE = "byte"
    MONEY = "money"


class ProductKind(StrEnum):
    """How a product is billed: per seat or device, or by volume."""

    LICENCE = "licence"
    STORAGE = "storage"


class Part(StrEnum):
    """What the quantity of a product is of its account: a thing of its own, or of its storage.

    `restored` (bytes) and `limit` (money) are billed with the account's storage product and are
    never chosen by themselves; both belong to products of kind storage that are `monthly`.
    """

    WHOLE = "whole"
    RESTORED = "restored"
    LIMIT = "limit"


class Account(msgspec.Struct, frozen=True):
    """The MSP's customer as a source knows it (organisation, tenant, company).

    Attributes:
        key: the vendor's id, as text.
        name: display name, for people and for proposals; never a join key.
        psa_ids: ids of the same party in other systems as the vendor stores them, e.g.
            `{"psa_client": "482"}`; an exact id proof for a link proposal.
        parent: key of the account that this one is a part of (a location of an organisation that
            is split), None for a whole account. The parent is declared as well.
    """

    key: str
    name: str
    psa_ids: dict[str, str] = {}
    parent: str | None = None


class Product(msgspec.Struct, frozen=True):
    """Something a source counts, e.g. `device:server`.

    Attributes:
        key: stable within the connector.
        name: for people.
        kind: licence (per unit) or storage (by volume).
        measure: unit of the quantity.
        monthly: the quantity belongs to a month, may be corrected later, and is reported only to
            whoever asks for that month (`UsageSource.observe` with a period).
        part: whether it is billed by itself or with the account's storage.
        currency: ISO code of a quantity that is money, else empty; nothing is ever converted.
    """

    key: str
    name: str
    kind: ProductKind = ProductKind.LICENCE
    measure: Measure = Measure.COUNT
    monthly: bool = False
    part: Part = Part.WHOLE
    currency: str = ""


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One unit seen in a pull.

    Attributes:
        account: `Account.key`.
        product: `Product.key`.
        unit: the vendor's id of the unit, unique within product and account.
        quantity: how many; 1 for a device, the seat count for an aggregated source, bytes for
            storage. Never negative.
        name: for people, in evidence lists.
        attributes: canonical JSON of slowly changing facts (serial, role); never a last contact
            time or an address, since every change is a new interval.
        excluded: reason code when the unit must not be counted, else None.
    """

    account: str
    product: str
    unit: str
    quantity: int
    name: str
    attributes: bytes = b"{}"
    excluded: str | None = None


class ScopeState(StrEnum):
    """How far a scope of a pull is proven."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNKNOWN = "unknown"


class ScopeVerdict(msgspec.Struct, frozen=True):
    """What a pull proved about one scope (a fleet, an organisation, a tenant).

    Attributes:
        scope: the name used in `ObservationSink.scope`.
        state: only `complete` changes anything.
        declared: units the vendor said there are, if it said so.
        seen: units that were read.
        reasons: codes with a detail, e.g. `PAGE_REPEATED: after=1041`; empty when complete.
        notes: codes with a detail that want a person's eye and weaken no proof, e.g.
            `UNKNOWN_CLASS: NMS_FUTURE, 3 devices`; allowed in every state.
    """

    scope: str
    state: ScopeState
    declared: int | None
    seen: int
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Permission(msgspec.Struct, frozen=True):
    """One right that `check` tried.

    Attributes:
        name: the vendor's name of the right or scope.
        granted: whether the trial call was allowed.
        needed_for: what stops working without it.
    """

    name: str
    granted: bool
    needed_for: str


class CheckResult(msgspec.Struct, frozen=True):
    """What a cheap, read-only trial of a connection showed.

    Attributes:
        ok: credentials work and every needed permission is there.
        summary: one line for people, e.g. `1,000 organisations`.
        permissions: each right that was tried.
        warnings: what works but deserves a look, each a sentence with the remedy.
        error: one sentence when not ok, with the remedy.
    """

    ok: bool
    summary: str
    permissions: tuple[Permission, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
