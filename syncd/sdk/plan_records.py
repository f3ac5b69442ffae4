"""A plan as data, the objections of guards, and what a finished run says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from syncd.sdk.asset_plan_records import AssetPlan
from syncd.sdk.link_records import PlannedLink, UnlinkedRecord
from syncd.sdk.period import Period
from syncd.sdk.psa_records import ChangeKind, SubscriptionFields


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
        units: units behind the line where they differ from the quantity sent (total mode sends 1);
            None means equal to `quantity`.
    """

    quantity: int
    unit_price: Decimal | None
    unit_cost: Decimal | None
    total_price: Decimal | None
    total_cost: Decimal | None
    units: int | None = None


class PlannedChange(msgspec.Struct, frozen=True):
    """One line of a plan.

    Attributes:
        key: full external key of the line.
        kind: create or update.
        remote: PSA id for an update.
        client_name: for people.
        line_name: for people.
        before: what was last sent, else what an adopted record holds, else what was last invoiced;
            None where nothing of these exists.
        after: what will stand.
        money_effect: after minus before in the billing currency, None when unknown.
        reason: why, in words.
        fields: what is written.
        observed: digest of the record as read when the plan was made; apply refuses when it moved.
        billed_by: the recurring line that will bill it, or None (NOT_LINKED).
        warnings: codes of docs/billing.md that do not stop it.
        line: key of the line within the bill, `<configuration>/<asset type>`.
        mode: `average`, `total`, `quantity` or `adjustment`.
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
    line: str = ""
    mode: str = ""


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
        total_after: money of this bill, None when unknown (quantity mode). Lines whose money is
            unknown count in neither total.
        first_bill: nothing was ever sent for this account.
        errors: codes that stop the bill; then `changes` is empty.
        warnings: codes that do not.
        agreement: the client's agreement it is made under, for people; empty for none.
        site: the site that its link names, for people; empty for the client's main site.
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
    agreement: str = ""
    site: str = ""


class Plan(msgspec.Struct, frozen=True):
    """Everything one `plan billing` would write, as data.

    Attributes:
        period: the month billed.
        currency: ISO code of every amount.
        made_at: when.
        bills: one per account, ordered by client name and account.
        links: of a plan of wiring, ordered by client name and record.
        unlinked: of a plan of wiring, records for which no line was chosen.
        assets: of a plan of assets; its bills are one per client.
    """

    period: str
    currency: str
    made_at: datetime
    bills: tuple[PlannedBill, ...]
    links: tuple[PlannedLink, ...] = ()
    unlinked: tuple[UnlinkedRecord, ...] = ()
    assets: AssetPlan | None = None


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
