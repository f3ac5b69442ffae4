"""What held automatic bills leave unbilled once their window is over: told anew each day.

A bill that waits is easily forgotten; its issue says from day 4 on how much of the month no client
was billed for, until somebody releases it or bills the month otherwise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.bill_life import window_over
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.plan_issues import PLAN_HELD, PlanFindings, account_subject, held_finding
from syncd.core.store.bills import last_bills
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.plan_history import plans_that_wait
from syncd.core.store.plans import PlanBillState, PlanRecord, load_plan
from syncd.sdk.period import Period, last_finished
from syncd.sdk.records import Objection, PlannedBill, Severity


async def tell_unbilled(
    conn: AsyncConnection, *, psa: str, now: datetime, zone: ZoneInfo
) -> list[IssueBook]:
    """Put the unbilled amount into the issue of every held automatic bill past its window.

    Args:
        conn: a writer's connection.
        psa: name of the PSA connection.
        now: UTC.
        zone: of billing.

    Returns:
        the books, to speak after the commit.
    """
    books = []
    for plan_id in await plans_that_wait(conn):
        record = await load_plan(conn, plan_id)
        if record is not None and _over(Period.parse(record.plan.period), now, zone):
            books += await _of_plan(conn, record, psa, now, zone)
    return books


def _over(period: Period, now: datetime, zone: ZoneInfo) -> bool:
    """Whether no automatic run will bill the month any more."""
    previous = last_finished(now, zone)
    return period < previous or (period == previous and window_over(now, zone))


async def _of_plan(
    conn: AsyncConnection, record: PlanRecord, psa: str, now: datetime, zone: ZoneInfo
) -> list[IssueBook]:
    planned = {bill.key: bill for bill in record.plan.bills}
    accounts = {
        one.bill_key: one.account_id for one in record.bills if one.state is PlanBillState.HELD
    }
    before = await _billed(conn, accounts.values(), record.plan.period)
    found = PlanFindings(
        plan_id=record.id, plan=record.plan, objections=record.objections, held=accounts, psa=psa
    )
    books = []
    of_all: list[Decimal | None] = []
    for key, account_id in accounts.items():
        bill = planned[key]
        left = _left(bill, before.get(account_id, Decimal(0)))
        own = _holding(record, key)
        if own:
            book = IssueBook(conn, bill.connection, now)
            finding = _with_amount(held_finding(found, bill, own), record, [left], now, zone)
            await book.open(PLAN_HELD, account_subject(bill.connection, bill.account), finding)
            books.append(book)
        else:
            of_all.append(left)
    if of_all:
        whole = IssueBook(conn, "", now)
        finding = _with_amount(_whole(record), record, of_all, now, zone)
        await whole.open(PLAN_HELD, f"billing/{record.plan.period}", finding)
        books.append(whole)
    return books


async def _billed(
    conn: AsyncConnection, accounts: Collection[int], period: str
) -> Mapping[int, Decimal]:
    """What was billed of the month before, by account."""
    sent = await last_bills(conn, list(accounts), period=period)
    return {
        account: bill.total_price
        for account, bill in sent.items()
        if bill.completed_at is not None and bill.total_price is not None
    }


def _left(bill: PlannedBill, billed: Decimal) -> Decimal | None:
    return None if bill.total_after is None else bill.total_after - billed


def _holding(record: PlanRecord, key: str | None) -> list[Objection]:
    return [one for one in record.objections if one.bill == key and one.severity is Severity.HOLD]


def _whole(record: PlanRecord) -> Finding:
    said = "; ".join(one.message for one in _holding(record, None))
    return Finding(
        message=f"Plan {record.id} waits for a person: {said}.",
        remedy=f"See `syncd plans show {record.id}`, then "
        f"`syncd plans release {record.id} --reason TEXT`.",
        severity=IssueSeverity.WARNING,
        evidence={
            "plan": record.id,
            "rules": sorted({one.rule for one in _holding(record, None)}),
        },
    )


def _with_amount(
    finding: Finding,
    record: PlanRecord,
    left: Collection[Decimal | None],
    now: datetime,
    zone: ZoneInfo,
) -> Finding:
    """The same, with what is not billed and for how long."""
    known = [one for one in left if one is not None]
    days = (
        now.astimezone(zone).date() - Period.parse(record.plan.period).following().first_day
    ).days
    worth = f"{sum(known, Decimal(0)):,} {record.plan.currency}" if known else "An unknown amount"
    more = " and what the PSA prices" if known and len(known) < len(left) else ""
    return dataclasses.replace(
        finding,
        message=f"{finding.message} {worth}{more} of {record.plan.period} is not billed on day "
        f"{days + 1} after its end.",
        evidence={
            **finding.evidence,
            "unbilled": str(sum(known, Decimal(0))) if known else None,
            "currency": record.plan.currency,
            "day": days + 1,
        },
    )
