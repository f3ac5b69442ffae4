"""What became of a plan: every bill with its writes, its money, and the exit code of it all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from syncd.core.service.delivery import DeliveryReport
from syncd.core.service.plan_issues import money_of
from syncd.core.store.outbox import OutboxItem, OutboxState, of_plan
from syncd.core.store.plans import APPLICABLE, PlanBillState, PlanKind, StoredBill, load_plan
from syncd.sdk.errors import SyncdError
from syncd.sdk.records import PlannedBill

if TYPE_CHECKING:
    from syncd.core.store.database import Database

HELD_EXIT, UNKNOWN_EXIT, PARTIAL_EXIT = 3, 5, 6


class Fate(StrEnum):
    """What became of one bill."""

    SENT = "sent"
    ALREADY = "already sent"
    UNCHANGED = "unchanged"
    WOULD_SEND = "would send"
    HELD = "held"
    REFUSED = "refused"
    REJECTED = "rejected"
    WAITING = "not settled"
    NEEDS_REVIEW = "needs review"
    ERROR = "error"
    FROZEN = "frozen"
    SUPERSEDED = "superseded"
    SHADOW = "in shadow"


_BADLY = (Fate.WAITING, Fate.NEEDS_REVIEW, Fate.REJECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillResult:
    """What became of one bill.

    Attributes:
        key: of the bill.
        client: PSA client id.
        client_name: for people.
        account: the vendor's id.
        fate: the gravest of its writes' ends, or why there was none.
        detail: in words.
        writes: how many writes were planned.
        delivered: how many stand.
        money: effect of the delivered writes (of all planned ones where none was queued).
    """

    key: str
    client: str
    client_name: str
    account: str
    fate: Fate
    detail: str
    writes: int
    delivered: int
    money: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyReport:
    """What became of a plan.

    Attributes:
        plan_id: which.
        period: month billed.
        currency: of the money.
        bills: in the plan's order.
        write_calls: calls made to the PSA that write.
        stopped_by: the error that ended the delivery early, or None.
        dry_run: nothing was written.
        delivery: what the delivery said of all writes, those of earlier plans included.
        kind: what the plan is for.
    """

    plan_id: str
    period: str
    currency: str
    bills: tuple[BillResult, ...]
    write_calls: int = 0
    delivery: DeliveryReport | None = None
    stopped_by: SyncdError | None = None
    dry_run: bool = False
    kind: PlanKind = PlanKind.BILLING

    def count(self, *fates: Fate) -> int:
        """How many bills ended so."""
        return sum(1 for bill in self.bills if bill.fate in fates)

    @property
    def delivered(self) -> int:
        return sum(bill.delivered for bill in self.bills)

    def money(self, *fates: Fate) -> Decimal:
        """Money of the bills that ended so, as far as it is known."""
        return sum(
            (bill.money for bill in self.bills if bill.fate in fates and bill.money is not None),
            Decimal(0),
        )

    @property
    def elsewhere(self) -> str:
        """What ended badly of an earlier plan's writes that were gone on with, or nothing."""
        own = self.count(*_BADLY)
        went = self.delivery or DeliveryReport()
        if own or not (went.waiting or went.parked or went.rejected):
            return ""
        return "writes of an earlier plan were gone on with, and not all of them ended well"

    @property
    def exit_code(self) -> int:
        """0, or the gravest: stopped, unknown (5), partial (6), held (3).

        Writes of an earlier plan that this apply went on with count like its own.
        """
        if self.stopped_by is not None:
            return self.stopped_by.exit_code
        went = self.delivery or DeliveryReport()
        if self.count(Fate.WAITING, Fate.NEEDS_REVIEW) or went.waiting or went.parked:
            return UNKNOWN_EXIT
        if self.count(Fate.REFUSED, Fate.REJECTED, Fate.ERROR) or went.rejected:
            return PARTIAL_EXIT
        return HELD_EXIT if self.count(Fate.HELD) else 0


async def report_of(
    database: Database,
    plan_id: str,
    refused: Mapping[str, str],
    delivery: DeliveryReport | None,
    *,
    earlier: Collection[str],
    dry_run: bool,
    shadow: Collection[str] = (),
) -> ApplyReport:
    """Read what became of a plan.

    Args:
        database: where it is.
        plan_id: which.
        refused: bill key -> why, of this apply.
        delivery: what the delivery said, None when there was none.
        earlier: bills that an earlier apply had settled: nothing of them was done now.
        dry_run: nothing was written.
        shadow: bills of clients that are not live: whatever stops them stops nothing.
    """
    async with database.reader() as conn:
        record = await load_plan(conn, plan_id)
        items = await of_plan(conn, plan_id)
    assert record is not None
    by_bill: dict[str, list[OutboxItem]] = {}
    for item in items:
        by_bill.setdefault(item.bill_key, []).append(item)
    planned = {bill.key: bill for bill in record.plan.bills}
    return ApplyReport(
        plan_id=plan_id,
        period=record.plan.period,
        currency=record.plan.currency,
        bills=tuple(
            _result(
                stored,
                planned[stored.bill_key],
                by_bill.get(stored.bill_key, ()),
                refused.get(stored.bill_key),
                earlier=stored.bill_key in earlier,
                shadow=stored.bill_key in shadow,
            )
            for stored in record.bills
        ),
        write_calls=delivery.calls if delivery is not None else 0,
        delivery=delivery,
        stopped_by=delivery.stopped_by if delivery is not None else None,
        dry_run=dry_run,
        kind=record.kind,
    )


def _result(
    stored: StoredBill,
    bill: PlannedBill,
    items: Sequence[OutboxItem],
    refused: str | None,
    *,
    earlier: bool,
    shadow: bool,
) -> BillResult:
    fate, detail = _fate(stored, bill, items, refused)
    if shadow and fate is Fate.ERROR:
        fate = Fate.SHADOW
    if earlier and fate in {Fate.SENT, Fate.UNCHANGED}:
        fate = Fate.ALREADY
    delivered = [item for item in items if item.state is OutboxState.DELIVERED and not earlier]
    known = [item.intent.money for item in delivered if item.intent.money is not None]
    return BillResult(
        key=bill.key,
        client=bill.client,
        client_name=bill.client_name,
        account=bill.account,
        fate=fate,
        detail=detail,
        writes=len(bill.changes),
        delivered=len(delivered),
        money=money_of(bill) if not items else sum(known, Decimal(0)) if known else None,
    )


def _fate(
    stored: StoredBill, bill: PlannedBill, items: Sequence[OutboxItem], refused: str | None
) -> tuple[Fate, str]:
    if refused is not None:
        return Fate.REFUSED, refused
    if stored.state in APPLICABLE:
        return (Fate.WOULD_SEND if bill.changes else Fate.UNCHANGED), ""
    if stored.state is not PlanBillState.APPLIED:
        return {
            PlanBillState.HELD: Fate.HELD,
            PlanBillState.ERROR: Fate.ERROR,
            PlanBillState.FROZEN: Fate.FROZEN,
            PlanBillState.STALE: Fate.REFUSED,
            PlanBillState.SHADOW: Fate.SHADOW,
        }.get(stored.state, Fate.SUPERSEDED), stored.detail
    for states, fate in _GRAVEST_FIRST:
        found = [item for item in items if item.state in states]
        if found:
            return fate, f"{found[0].intent.line_name}: {found[0].detail or found[0].state.value}"
    return (Fate.SENT if items else Fate.UNCHANGED), ""


_GRAVEST_FIRST = (
    ({OutboxState.NEEDS_REVIEW}, Fate.NEEDS_REVIEW),
    ({OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN}, Fate.WAITING),
    ({OutboxState.REJECTED}, Fate.REJECTED),
)
