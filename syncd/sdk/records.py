"""What crosses the boundary between plugins and the core: values, never vendor shapes.

Hot-path records are `msgspec.Struct`s. Ids are text as the vendor writes them; counts are ints;
money is Decimal; times are UTC with a zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from syncd.sdk.period import Period


class Measure(StrEnum):
    """What one unit of a product's quantity is."""

    COUNT = "count"
    BYTE = "byte"
    MONEY = "money"


class ProductKind(StrEnum):
    """How a product is billed: per seat or device, or by volume."""

    LICENCE = "licence"
    STORAGE = "storage"


class Account(msgspec.Struct, frozen=True):
    """The MSP's customer as a source knows it (organisation, tenant, company).

    Attributes:
        key: the vendor's id, as text.
        name: display name, for people and for proposals; never a join key.
        psa_ids: ids of the same party in other systems as the vendor stores them, e.g.
            `{"psa_client": "482"}`; an exact id proof for a link proposal.
    """

    key: str
    name: str
    psa_ids: dict[str, str] = {}


class Product(msgspec.Struct, frozen=True):
    """Something a source counts, e.g. `device:server`.

    Attributes:
        key: stable within the connector.
        name: for people.
        kind: licence (per unit) or storage (by volume).
        measure: unit of the quantity.
    """

    key: str
    name: str
    kind: ProductKind = ProductKind.LICENCE
    measure: Measure = Measure.COUNT


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
    """

    scope: str
    state: ScopeState
    declared: int | None
    seen: int
    reasons: tuple[str, ...] = ()


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
        invoice_name: reference of the recurring invoice for people.
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


class ChangeKind(StrEnum):
    """What a change does to the PSA."""

    CREATE = "create"
    UPDATE = "update"


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


class KeyedChange(msgspec.Struct, frozen=True):
    """One intended write with the key under which it can be found again.

    Attributes:
        key: our full external key; the connector writes its marker where it can be searched.
        kind: create or update.
        remote: the PSA's id for an update, None for a create.
        fields: what to write.
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
    """

    key: str
    code: str
    message: str
    gone: bool = False


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


class Severity(StrEnum):
    """What an objection does."""

    HOLD = "hold"
    WARN = "warn"


class Objection(msgspec.Struct, frozen=True):
    """A guard's finding about a plan.

    Attributes:
        rule: stable upper-case name, e.g. `UNITS_CHANGED`.
        message: a sentence with both values.
        severity: `hold` stops delivery until a person releases it.
        bill: `PlannedBill.key` it concerns, None for the whole plan.
        line: `PlannedChange.key` it concerns, None for the whole bill.
    """

    rule: str
    message: str
    severity: Severity = Severity.HOLD
    bill: str | None = None
    line: str | None = None


class LineState(msgspec.Struct, frozen=True):
    """One side of a planned change: what stands, or what shall stand, on a line.

    Attributes:
        quantity: units.
        unit_price: None when the PSA owns the price or the mode carries none.
        unit_cost: likewise.
        total_price: money of the line, None when unknown.
        total_cost: likewise.
    """

    quantity: int
    unit_price: Decimal | None
    unit_cost: Decimal | None
    total_price: Decimal | None
    total_cost: Decimal | None


class PlannedChange(msgspec.Struct, frozen=True):
    """One line of a plan.

    Attributes:
        key: full external key of the line.
        kind: create or update.
        remote: PSA id for an update.
        client_name: for people.
        line_name: for people.
        before: what the PSA holds, None for a create.
        after: what will stand.
        money_effect: after minus before in the billing currency, None when unknown.
        reason: why, in words.
        fields: what is written.
        observed: digest of the record as read when the plan was made; apply refuses when it moved.
        billed_by: the recurring line that will bill it, or None (NOT_LINKED).
        warnings: codes of section 4 to 7 that do not stop it.
    """

    key: str
    kind: ChangeKind
    remote: str | None
    client_name: str
    line_name: str
    before: LineState | None
    after: LineState
    money_effect: Decimal | None
    reason: str
    fields: SubscriptionFields
    observed: str | None = None
    billed_by: str | None = None
    warnings: tuple[str, ...] = ()


class PlannedBill(msgspec.Struct, frozen=True):
    """The changes of one account and period, the unit that is held, released and applied.

    Attributes:
        key: `<connection uid>:<account key>`.
        connection: source connection name.
        account: account key.
        client: PSA client id.
        client_name: for people.
        changes: what is written.
        unchanged: lines that need no write.
        total_before: money of the last sent bill, None when there is none.
        total_after: money of this bill, None when unknown (quantity mode).
        first_bill: nothing was ever sent for this account.
        errors: codes that stop the bill; then `changes` is empty.
        warnings: codes that do not.
    """

    key: str
    connection: str
    account: str
    client: str
    client_name: str
    changes: tuple[PlannedChange, ...]
    unchanged: int
    total_before: Decimal | None
    total_after: Decimal | None
    first_bill: bool
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """Everything one `plan billing` would write, as data.

    Attributes:
        period: the month billed.
        currency: ISO code of every amount.
        made_at: when.
        bills: one per account, ordered by client name and account.
    """

    period: str
    currency: str
    made_at: datetime
    bills: tuple[PlannedBill, ...]


class PlanContext(msgspec.Struct, frozen=True):
    """What a reviewing plugin may know beside the plan.

    Attributes:
        period: the month billed.
        now: when the review runs.
        run_total_before: money of all last sent bills.
    """

    period: Period
    now: datetime
    run_total_before: Decimal


class RunReport(msgspec.Struct, frozen=True):
    """What a finished run says of itself to notification plugins.

    Attributes:
        run_id: id of the run.
        kind: `pull`, `plan`, `apply`.
        connection: name, or empty for runs over all.
        status: `succeeded`, `partial`, `held`, `failed`, `interrupted`.
        started_at: UTC.
        finished_at: UTC.
        counts: numbers by name, as in the log line `run.finished`.
        error_code: code of the error that ended it, or None.
    """

    run_id: str
    kind: str
    connection: str
    status: str
    started_at: datetime
    finished_at: datetime
    counts: Mapping[str, int]
    error_code: str | None = None


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces, so that equal values are equal bytes."""
    return msgspec.json.encode(value, order="sorted")
