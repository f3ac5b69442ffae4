"""From planned bills to a stored plan: which can be sent, which wait, and what is said about it.

Plan, fates, objections and issues are one commit; the log speaks after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from syncd.core.service.basis import encode_bill
from syncd.core.service.bill_plan import PlannedDraft
from syncd.core.service.correction_carry import tell_linked
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import (
    PLAN_HELD,
    PlanFindings,
    money_of,
    speak,
    write_plan_issues,
)
from syncd.core.store.golive import GoLiveBook
from syncd.core.store.issues import Finding
from syncd.core.store.plans import (
    NewPlanBill,
    PlanBillState,
    PlanKind,
    PlanRecord,
    insert_plan,
    load_plan,
    next_plan_id,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.ports import Psa
from syncd.sdk.records import Objection, Plan, Severity, canonical_json

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan as it was stored, with what is worth saying beside it.

    Attributes:
        record: the plan, the fate of its bills and the objections.
        asset_type_field: name of the PSA field that will carry the asset type.
    """

    record: PlanRecord
    asset_type_field: str

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def plan(self) -> Plan:
        return self.record.plan

    def count(self, *states: PlanBillState) -> int:
        """How many bills stand in one of these states."""
        return sum(1 for bill in self.record.bills if bill.state in states)


def _state(
    made: PlannedDraft, objections: Sequence[Objection], *, whole: bool, live: bool
) -> tuple[PlanBillState, str]:
    """The fate of a bill, and why, in words.

    What holds the whole plan holds the bills that would write; what holds a bill holds its record
    as well, since a month on doubtful counts is not to be taken for billed. In shadow the rules
    that would hold it are told, and nobody is asked for a word.
    """
    bill = made.bill
    if bill.errors:
        return PlanBillState.ERROR, ", ".join(bill.errors)
    if made.draft.frozen:
        return PlanBillState.FROZEN, ", ".join(bill.warnings)
    rules = [one.rule for one in objections if one.severity is Severity.HOLD]
    if not live:
        return PlanBillState.SHADOW, ", ".join(dict.fromkeys(rules))
    if rules or (whole and bill.changes):
        return PlanBillState.HELD, ", ".join(dict.fromkeys(rules)) or "the whole plan is held"
    if bill.changes:
        return PlanBillState.READY, ""
    return PlanBillState.UNCHANGED, ""


async def store_plan(
    database: Database,
    plan: Plan,
    planned: Sequence[PlannedDraft],
    objections: Sequence[Objection],
    *,
    data_version: int,
    looked_at: Mapping[str, Collection[str]],
    kind: PlanKind,
    psa: Psa,
    psa_name: str,
    log: EventLog,
    run_id: str | None,
    golive: GoLiveBook,
) -> StoredPlan:
    """Store a plan with the fate of its bills, its objections and its issues, in one commit.

    Bills of clients that are not live are stored as compared only. No person has to decide
    anything about them, so nothing but what stops them becomes an issue.
    """
    content = canonical_json(plan)
    by_bill: dict[str, list[Objection]] = {}
    for one in objections:
        by_bill.setdefault(one.bill or "", []).append(one)
    whole = any(one.severity is Severity.HOLD for one in by_bill.get("", ()))
    bills = []
    shadow: set[str] = set()
    for made in planned:
        live = golive.is_live(made.bill.client, plan.period)
        state, detail = _state(made, by_bill.get(made.bill.key, ()), whole=whole, live=live)
        if not live:
            shadow.add(made.bill.key)
        bills.append(
            NewPlanBill(
                bill_key=made.bill.key,
                account_id=made.draft.account.id,
                state=state,
                detail=detail,
                basis=encode_bill(made.basis),
            )
        )
    held = [bill.bill_key for bill in bills if bill.state is PlanBillState.HELD]
    async with database.writer() as conn:
        plan_id = await next_plan_id(conn, plan.period)
        await insert_plan(
            conn,
            plan_id,
            plan,
            kind=kind,
            data_version=data_version,
            digest=hashlib.sha256(content).hexdigest(),
            content=content,
            bills=bills,
            objections=objections,
            run_id=run_id,
        )
        findings = PlanFindings(
            plan_id=plan_id,
            plan=_spoken_of(plan, shadow),
            objections=[one for one in objections if one.bill not in shadow],
            held=held,
            psa=psa_name,
            accounts=looked_at,
            lines=[line.external_key for made in planned for line in made.basis.lines],
            resting={one.bill.key for one in planned if one.draft.frozen or one.bill.errors},
        )
        if kind is PlanKind.RUNNING:
            books = [await _tell_running(conn, findings, plan.made_at)]
        else:
            books = await write_plan_issues(conn, findings, now=plan.made_at)
            by_name = {book.connection: book for book in books}
            for made in planned:
                await tell_linked(by_name, made.basis)
        record = await load_plan(conn, plan_id)
    assert record is not None
    stored = StoredPlan(record=record, asset_type_field=psa.asset_type_field)
    _tell(stored, by_bill, held, log)
    speak(books, log)
    return stored


def _spoken_of(plan: Plan, shadow: Collection[str]) -> Plan:
    """The plan as issues see it: of a bill in shadow only what stops it."""
    if not shadow:
        return plan
    bills = tuple(
        msgspec.structs.replace(bill, changes=(), warnings=()) if bill.key in shadow else bill
        for bill in plan.bills
    )
    return msgspec.structs.replace(plan, bills=bills)


async def _tell_running(conn: AsyncConnection, found: PlanFindings, now: datetime) -> IssueBook:
    """One issue for a running month, so that it never speaks for the month before."""
    book = IssueBook(conn, "", now)
    about = running_subject(found.plan.period)
    if not found.held:
        await book.close(PLAN_HELD, about)
        return book
    names = sorted({bill.client_name for bill in found.plan.bills if bill.key in found.held})
    finding = Finding(
        message=f"Plan {found.plan_id} of the running month waits for a person: "
        f"{', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}.",
        remedy=f"See `syncd plans show {found.plan_id}`, then "
        f"`syncd plans release {found.plan_id} --reason TEXT`.",
        evidence={"plan": found.plan_id, "clients": names},
    )
    await book.open(PLAN_HELD, about, finding)
    return book


def running_subject(period: str) -> str:
    """The subject of the issue about the bills of a running month."""
    return f"billing/{period}/running"


def _tell(
    stored: StoredPlan,
    by_bill: Mapping[str, Sequence[Objection]],
    held: Sequence[str],
    log: EventLog,
) -> None:
    log(
        "plan.made",
        plan=stored.id,
        period=stored.plan.period,
        n_bills=len(stored.plan.bills),
        n_changes=sum(len(bill.changes) for bill in stored.plan.bills),
        n_held=len(held),
        n_errors=stored.count(PlanBillState.ERROR),
    )
    bills = {bill.key: bill for bill in stored.plan.bills}
    for key in held:
        bill, money = bills[key], money_of(bills[key])
        log(
            "plan.held",
            plan=stored.id,
            bill=key,
            client=bill.client_name,
            rules=sorted({one.rule for one in (*by_bill.get(key, ()), *by_bill.get("", ()))}),
            period=stored.plan.period,
            money=None if money is None else str(money),
        )
