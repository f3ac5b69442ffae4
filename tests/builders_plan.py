"""A PSA and a ledger in memory, to plan bills against and to apply the plans to."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from syncd.core.billing.bill import compute_bill
from syncd.core.billing.model import BillInput, Mode
from syncd.core.billing.plan import plan_bill
from syncd.core.billing.plan_input import BillPlan, PlanInput, RecordState, Style
from syncd.sdk.period import Period
from syncd.sdk.records import (
    ChangeKind,
    LineState,
    Plan,
    PlannedBill,
    PlannedChange,
    RecurringLine,
    Subscription,
    SubscriptionFields,
)

OCTOBER, NOVEMBER = DESK_PERIODS = Period(2026, 10), Period(2026, 11)


def record(key: str, **parts: Any) -> Subscription:
    plain: dict[str, Any] = {
        "client": "482",
        "site": None,
        "marker": None,
        "name": "Something else",
        "quantity": 1,
        "unit_price": None,
        "unit_cost": None,
    }
    return Subscription(key=key, **{**plain, **parts})


def recurring(subscription: str, **parts: Any) -> RecurringLine:
    plain: dict[str, Any] = {
        "invoice": "-94",
        "key": "24967",
        "client": "482",
        "name": "Managed devices",
        "quantity": Decimal(1),
        "unit_price": Decimal("4.00"),
        "price_from_subscription": True,
        "invoice_name": "Monthly",
    }
    return RecurringLine(subscriptions=(subscription,), **{**plain, **parts})


@dataclass
class Desk:
    """One account: its ledger, the client's records in the PSA, and what bills them."""

    style: Style = Style.ROLLING
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    ledger: dict[str, dict[str, RecordState]] = field(default_factory=dict)
    recurring: list[RecurringLine] = field(default_factory=list)
    billed_before: bool = False
    last_bill: dict[str, LineState] = field(default_factory=dict)

    def records(self, period: Period) -> dict[str, RecordState]:
        return self.ledger.get(self._shelf(period), {})

    def inputs(self, data: BillInput, period: Period = NOVEMBER, **more: Any) -> PlanInput:
        records = self.records(period)
        bill = compute_bill(
            dataclasses.replace(
                data, existing={key: state.mode or Mode.QUANTITY for key, state in records.items()}
            )
        )
        plain: dict[str, Any] = {
            "connection": "rmm-eu",
            "connection_uid": "c0ffee01",
            "account": "17",
            "client": "482",
            "client_name": "Acme",
            "period": period,
            "style": self.style,
            "bill": bill,
            "records": records,
            "uids": {line.key: self._mint(line.key) for line in bill.lines},
            "billed_before": self.billed_before,
            "subscriptions": tuple(self.subscriptions.values()),
            "recurring": tuple(self.recurring),
            "ours": frozenset(
                state.remote
                for shelf in self.ledger.values()
                for state in shelf.values()
                if state.remote is not None
            ),
            "last_bill": self.last_bill,
            "money_scale": data.settings.money_scale,
        }
        return PlanInput(**{**plain, **more})

    def plan(self, data: BillInput, period: Period = NOVEMBER, **more: Any) -> BillPlan:
        return plan_bill(self.inputs(data, period, **more))

    def apply(self, made: BillPlan, period: Period = NOVEMBER) -> None:
        """Do what the plan says, as a perfect PSA would, and remember it as the ledger does."""
        shelf = dict(self.records(period))
        for change in made.bill.changes:
            remote = self._write(change)
            for key, state in list(shelf.items()):
                if state.key == change.key and key != change.line:
                    del shelf[key]
            shelf[change.line] = RecordState(
                uid=change.key.split(":")[4] if ":" in change.key else "uid",
                key=change.key,
                remote=remote,
                mode=Mode(change.mode),
                sent=change.fields,
                sent_period=str(period),
                total_price=change.after.total_price,
                total_cost=change.after.total_cost,
                units=change.after.units,
            )
        self.ledger[self._shelf(period)] = shelf
        self.billed_before = self.billed_before or bool(made.bill.changes)

    def bill(self, data: BillInput, period: Period = NOVEMBER, **more: Any) -> BillPlan:
        made = self.plan(data, period, **more)
        self.apply(made, period)
        return made

    def edit(self, key: str, **parts: Any) -> None:
        """Somebody changes a record by hand."""
        self.subscriptions[key] = msgspec.structs.replace(self.subscriptions[key], **parts)

    def forget(self, line: str, period: Period = NOVEMBER) -> RecordState:
        """Our ledger loses a row, as after a restore of an old backup."""
        return self.ledger[self._shelf(period)].pop(line)

    def adopt(self, line: str, state: RecordState, period: Period = NOVEMBER) -> None:
        self.ledger.setdefault(self._shelf(period), {})[line] = state

    def _mint(self, line: str) -> str:
        """A uid that no line has: a slot whose record moved on does not give it out again."""
        taken = {state.uid for shelf in self.ledger.values() for state in shelf.values()}
        plain = f"uid-{line.replace('/', '-')}"
        while plain in taken:
            plain += "x"
        return plain

    def _shelf(self, period: Period) -> str:
        return str(period) if self.style is Style.PER_PERIOD else ""

    def _write(self, change: PlannedChange) -> str:
        fields = change.fields
        owned: dict[str, Any] = {
            name: value
            for name in ("name", "quantity", "unit_price", "unit_cost", "asset_type", "supplier")
            if (value := getattr(fields, name)) is not None
        }
        dates = {name: getattr(fields, name) for name in ("start", "end") if getattr(fields, name)}
        if change.kind is ChangeKind.UPDATE:
            assert change.remote is not None
            self.edit(change.remote, marker=change.key, **owned, **dates)
            return change.remote
        key = str(900 + len(self.subscriptions))
        self.subscriptions[key] = record(
            key, marker=change.key, client=fields.client, site=fields.site, **owned, **dates
        )
        return key


def only(made: BillPlan) -> PlannedChange:
    (change,) = made.bill.changes
    return change


def rules(made: BillPlan) -> set[str]:
    return {objection.rule for objection in made.objections}


def sent_fields(**parts: Any) -> SubscriptionFields:
    plain: dict[str, Any] = {
        "client": "482",
        "site": None,
        "name": "Plan c1",
        "quantity": 1,
        "unit_price": None,
        "unit_cost": None,
        "asset_type": "10",
        "supplier": None,
        "start": None,
        "end": None,
        "notes": None,
    }
    return SubscriptionFields(**{**plain, **parts})


def state(
    quantity: int,
    price: str | None = None,
    *,
    unit: str | None = None,
    units: int | None = None,
) -> LineState:
    return LineState(
        quantity=quantity,
        unit_price=None if unit is None else Decimal(unit),
        unit_cost=None,
        total_price=None if price is None else Decimal(price),
        total_cost=None,
        units=units,
    )


def change(
    after: LineState,
    before: LineState | None = None,
    *,
    key: str = "k",
    mode: str = "average",
    warnings: tuple[str, ...] = (),
) -> PlannedChange:
    effect = None
    if after.total_price is not None:
        old = Decimal(0) if before is None else before.total_price
        effect = None if old is None else after.total_price - old
    return PlannedChange(
        key=key,
        kind=ChangeKind.CREATE if before is None else ChangeKind.UPDATE,
        remote=None if before is None else "900",
        client_name="Acme",
        line_name="Plan c1",
        before=before,
        after=after,
        money_effect=effect,
        reason="",
        fields=sent_fields(quantity=after.quantity),
        warnings=warnings,
        line="c1/10",
        mode=mode,
    )


def planned(
    *changes: PlannedChange,
    key: str = "c0ffee01:17",
    client: str = "482",
    before: str | None = None,
    after: str | None = None,
    first: bool = False,
    errors: tuple[str, ...] = (),
) -> PlannedBill:
    return PlannedBill(
        key=key,
        connection="rmm-eu",
        account=key.partition(":")[2],
        client=client,
        client_name="Acme",
        changes=changes,
        unchanged=0,
        total_before=None if before is None else Decimal(before),
        total_after=None if after is None else Decimal(after),
        first_bill=first,
        errors=errors,
    )


def whole(*bills: PlannedBill, period: str = "2026-11") -> Plan:
    return Plan(
        period=period, currency="GBP", made_at=datetime(2026, 12, 1, tzinfo=UTC), bills=bills
    )
