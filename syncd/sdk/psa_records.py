"""What the PSA holds and what may be written to it, with the outcomes a write can have."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec


class PsaClient(msgspec.Struct, frozen=True):
    """The MSP's customer as the PSA knows it."""

    key: str
    name: str
    active: bool = True
    main_site: str | None = None
    foreign_ids: dict[str, str] = {}


class PsaSite(msgspec.Struct, frozen=True):
    """A site of a PSA client."""

    key: str
    client: str
    name: str
    active: bool = True


class AssetType(msgspec.Struct, frozen=True):
    """What the PSA calls the kind of thing a line bills."""

    key: str
    name: str


class Supplier(msgspec.Struct, frozen=True):
    """A supplier known to the PSA."""

    key: str
    name: str


class Subscription(msgspec.Struct, frozen=True):
    """The PSA's record that carries a billing line.

    Attributes:
        key: the PSA's id.
        client: PSA client id.
        site: PSA site id, None for the whole client.
        marker: what stands in the field where we put our key, None when empty.
        name: display name.
        quantity: units.
        unit_price: sell price per unit, None when absent.
        unit_cost: purchase price per unit, None when absent.
        asset_type: as read from the configured field, None when absent.
        supplier: supplier id, None when absent.
        active: False for an inactive or deleted record.
        foreign_writer: name of another integration that owns the record, if its key is there.
        start: first day the record covers, ISO date, or None.
        end: last day, ISO date, or None for a lasting record.
        agreement: id of the agreement that stands on it, None when absent or not shown.
        item: id of the PSA's product on it, None without one.
        sku: article number, None when absent or where our own key stands there.
    """

    key: str
    client: str
    site: str | None
    marker: str | None
    name: str
    quantity: int
    unit_price: Decimal | None
    unit_cost: Decimal | None
    asset_type: str | None = None
    supplier: str | None = None
    active: bool = True
    foreign_writer: str | None = None
    start: str | None = None
    end: str | None = None
    agreement: str | None = None
    item: str | None = None
    sku: str | None = None


class Agreement(msgspec.Struct, frozen=True):
    """A contract between the MSP and a client, as the PSA keeps it.

    Attributes:
        key: the PSA's id.
        client: PSA client id.
        name: for people.
        starts: first day, ISO date, None when none is set.
        ends: last day, None for an open end.
        active: False when the PSA calls it closed for another reason than its dates.
        invoiced: False when the PSA marks it not to be invoiced.
        next_invoice: day of its next invoice, None when unknown.
    """

    key: str
    client: str
    name: str
    starts: str | None = None
    ends: str | None = None
    active: bool = True
    invoiced: bool = True
    next_invoice: str | None = None


class ChangeKind(StrEnum):
    """What a change does to the PSA; `adopt` writes our marker and nothing else."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"


class SubscriptionFields(msgspec.Struct, frozen=True):
    """The fields we own on a subscription; None means absent from the push, never zero or null.

    Attributes:
        client: PSA client id (set on create).
        site: PSA site id, None for the whole client.
        name: stable display name.
        quantity: units.
        unit_price: sell price per unit; None when the PSA owns it.
        unit_cost: purchase price per unit; None when the PSA owns it.
        asset_type: asset type id.
        supplier: supplier id; None leaves the PSA's value alone.
        start: ISO date, set on create.
        end: ISO date for a per-period record, None for a lasting one.
        notes: free text, e.g. the period covered.
        agreement: id of the client's agreement, where `AgreementReader.agreement_field` names a
            field for it; None leaves the PSA's value alone.
    """

    client: str
    site: str | None
    name: str
    quantity: int
    unit_price: Decimal | None
    unit_cost: Decimal | None
    asset_type: str | None
    supplier: str | None
    start: str | None
    end: str | None
    notes: str | None
    agreement: str | None = None


class KeyedChange(msgspec.Struct, frozen=True):
    """One intended write with the key under which it can be found again.

    Attributes:
        key: our full external key; the connector writes its marker where it can be searched.
        kind: see `ChangeKind`.
        remote: the PSA's id, None for a create.
        fields: what to write; for `adopt` what the record held, none of which is written.
    """

    key: str
    kind: ChangeKind
    remote: str | None
    fields: SubscriptionFields


class Receipt(msgspec.Struct, frozen=True):
    """Proof that a record with our key exists.

    Attributes:
        key: our full key.
        remote: the vendor's id.
        record: the record as read back, None where the vendor only named its id.
        request_id: the vendor's name for the exchange.
    """

    key: str
    remote: str
    record: Subscription | None = None
    request_id: str | None = None


class Delivered(msgspec.Struct, frozen=True, tag="delivered"):
    """The write happened and is proven by a receipt."""

    key: str
    receipt: Receipt


class Rejected(msgspec.Struct, frozen=True, tag="rejected"):
    """The vendor refused the data; the sentence is its own, shortened and without secrets.

    Attributes:
        gone: True when the record to update no longer exists at the vendor.
        version: of the record after the refusal, where the attempt itself moved it; else empty.
    """

    key: str
    code: str
    message: str
    gone: bool = False
    version: str = ""


class NotSent(msgspec.Struct, frozen=True, tag="not_sent"):
    """Surely never reached the vendor; may be sent again."""

    key: str
    message: str
    retry_after: float | None = None


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """Sent, and the answer not seen: look the key up before anything else."""

    key: str
    message: str


Outcome = Delivered | Rejected | NotSent | Unknown


class BatchLimit(msgspec.Struct, frozen=True):
    """How many changes one `apply` call may carry.

    Attributes:
        size: most changes in a call.
        settle_seconds: how long after a lost answer a look-up may still miss the record.
    """

    size: int
    settle_seconds: float = 0.0
