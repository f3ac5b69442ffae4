"""What planning a bill needs to know of the past and of the PSA, and what it gives back.

All of it is plain data that a service collects; nothing here reads or writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from enum import StrEnum

from syncd.core.billing.model import Bill, Mode, QuantityRule
from syncd.core.billing.wiring import WiringTerms
from syncd.sdk.period import Period
from syncd.sdk.records import (
    LineState,
    Objection,
    PlannedBill,
    Receipt,
    RecurringLine,
    Subscription,
    SubscriptionFields,
)


class Style(StrEnum):
    """Whether a line has one lasting record in the PSA, or one for each month."""

    ROLLING = "rolling"
    PER_PERIOD = "per_period"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordState:
    """What our ledger knows of the PSA record that this bill would write to.

    Attributes:
        uid: uid of the line, minted once.
        key: external key under which the record is found.
        remote: the PSA's id, None where no record was ever made.
        mode: mode last sent, None where nothing was sent.
        sent: the fields last sent, None for a record that was adopted and not written yet.
        sent_period: `YYYY-MM` last sent.
        total_price: money last sent, None when it was not ours.
        total_cost: likewise.
        units: units behind the line where they differ from the quantity sent.
        products: keys of the products that had units on the line; empty when not known.
    """

    uid: str
    key: str
    remote: str | None
    mode: Mode | None = None
    sent: SubscriptionFields | None = None
    sent_period: str | None = None
    total_price: Decimal | None = None
    total_cost: Decimal | None = None
    units: int | None = None
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """All that decides the changes of one account and period.

    Attributes:
        connection: name of the source connection.
        connection_uid: its uid, part of every key.
        account: account key.
        client: PSA client id the account is linked to.
        client_name: for people.
        site: PSA site id, None for the whole client.
        period: the month billed.
        style: rolling or per_period.
        bill: result of `compute_bill`.
        records: line key -> record this bill writes to: the lasting one (rolling) or the one of
            this period (per_period). `BillInput.existing` has the same keys.
        uids: line key -> uid, for lines without a record.
        billed_before: whether anything was ever sent for this account.
        subscriptions: all records of the client in the PSA, inactive ones included.
        found: external key -> receipts of a look-up, for lines without a record.
        recurring: all recurring-invoice lines of the client.
        ours: PSA ids of all records that our ledger knows, of every account.
        last_bill: line key -> what a new record is compared with: a monthly one with the last bill
            of an earlier month, one of a running month with the lasting record.
        last_invoiced: line key -> what was last invoiced, where nothing was sent or adopted.
        supplier: PSA supplier id, sent where a line names its supplier.
        suppliers: PSA supplier id by name, for lines whose configuration has its own.
        marker: from our key to what the PSA's field holds (`Psa.marker`); pure.
        money_scale: decimals of totals.
        temporary: the period is not over: `records` are those of the running month, and a drift
            is overwritten with a warning.
        zone: of billing, for moments of the PSA.
        agreement: PSA agreement id, where the PSA takes one on its records; None leaves it alone.
        rules: our rules by product key, to compare with what a recurring line does by itself.
        psa_prorates: ids of configurations whose proration was given to the PSA.
        running: line key -> the PSA's id of its record of the running month, where such records
            stand beside the lasting ones.
    """

    connection: str
    connection_uid: str
    account: str
    client: str
    client_name: str
    period: Period
    bill: Bill
    subscriptions: Sequence[Subscription]
    billed_before: bool
    site: str | None = None
    style: Style = Style.ROLLING
    records: Mapping[str, RecordState] = field(default_factory=dict)
    uids: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, Sequence[Receipt]] = field(default_factory=dict)
    recurring: Sequence[RecurringLine] = ()
    ours: frozenset[str] = frozenset()
    last_bill: Mapping[str, LineState] = field(default_factory=dict)
    last_invoiced: Mapping[str, LineState] = field(default_factory=dict)
    supplier: str | None = None
    suppliers: Mapping[str, str] = field(default_factory=dict)
    marker: Callable[[str], str] = str
    money_scale: int = 2
    temporary: bool = False
    zone: tzinfo = UTC
    agreement: str | None = None
    rules: Mapping[str, QuantityRule] = field(default_factory=dict)
    psa_prorates: frozenset[str] = frozenset()
    running: Mapping[str, str] = field(default_factory=dict)
    _terms: list[WiringTerms] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def terms(self) -> WiringTerms:
        """What of our own a recurring line may do once more; made once for all lines."""
        if not self._terms:
            self._terms.append(
                WiringTerms(
                    rules=self.rules,
                    psa_prorates=self.psa_prorates,
                    recurring=self.recurring,
                    lasting=self.style is Style.ROLLING,
                )
            )
        return self._terms[0]

    @property
    def beside(self) -> bool:
        """Whether the lines go to second lasting records, which no invoice may count."""
        return self.temporary and self.style is Style.ROLLING

    @property
    def bill_key(self) -> str:
        return f"{self.connection_uid}:{self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPlan:
    """The planned bill, and what planning itself objects to.

    Attributes:
        bill: the changes, as data.
        objections: holds that follow from the state of the PSA (drift, twins, lost records) or
            from regrouped lines; hand them to `guards.review`.
    """

    bill: PlannedBill
    objections: tuple[Objection, ...] = ()
