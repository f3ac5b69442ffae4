"""Stored plans: the content as data, the fate of each bill, and the objections that hold it.

A bill of a plan is consumed once: every change of its state names the states it may come from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.states import MAKES_BILLS as MAKES_BILLS
from syncd.core.store.states import PlanBillState as PlanBillState
from syncd.core.store.states import PlanKind as PlanKind
from syncd.core.store.tables import ObjectionRow, PlanBill, PlanRow
from syncd.sdk.records import Objection, Plan, Severity

WITHOUT_BILLS = (PlanKind.WIRING,)
"""Kinds of plans that are used up as a whole, since they have no bills."""


class PlanState(StrEnum):
    """Whether anything of a plan can still be applied."""

    OPEN = "open"
    CLOSED = "closed"


APPLICABLE = (PlanBillState.READY, PlanBillState.RELEASED, PlanBillState.UNCHANGED)
"""States from which a bill can be applied."""

WAITING = (*APPLICABLE, PlanBillState.HELD)
"""States of a bill whose fate is still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBill:
    """One bill of a stored plan.

    Attributes:
        id: row id.
        plan_id: its plan.
        bill_key: `PlannedBill.key`.
        account_id: whose bill.
        state: its fate.
        detail: why, in words.
        released_by: who released it, or empty.
        release_reason: their reason.
        released_at: when.
        applied_at: when it was consumed.
        basis: JSON, see `syncd.core.service.basis`.
    """

    id: int
    plan_id: str
    bill_key: str
    account_id: int
    state: PlanBillState
    detail: str
    released_by: str
    release_reason: str
    released_at: datetime | None
    applied_at: datetime | None
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlanBill:
    """A bill of a plan to be stored; meanings as in `StoredBill`."""

    bill_key: str
    account_id: int
    state: PlanBillState
    detail: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """A plan as stored.

    Attributes:
        id: `<period>-<number>`.
        kind: what it is for.
        state: open or closed.
        data_version: of the installation when the plan was made.
        digest: of the content.
        plan: the content.
        bills: fate of each bill, in the plan's order.
        objections: findings of guards.
    """

    id: str
    kind: PlanKind
    state: PlanState
    data_version: int
    digest: str
    plan: Plan
    bills: tuple[StoredBill, ...]
    objections: tuple[Objection, ...]


async def next_plan_id(conn: AsyncConnection, period: str) -> str:
    """The id of the next plan; to be used inside of the writer that stores it.

    Plans are numbered through over all months, so that the number alone tells which came later
    even where a clock was set back.
    """
    ids = await conn.scalars(select(col(PlanRow.id)))
    return f"{period}-{max((plan_number(found) for found in ids), default=0) + 1}"


def plan_number(plan_id: str) -> int:
    """The number of a plan in the order in which plans were made."""
    return int(plan_id.rpartition("-")[2])


async def insert_plan(
    conn: AsyncConnection,
    plan_id: str,
    plan: Plan,
    *,
    kind: PlanKind,
    data_version: int,
    digest: str,
    content: bytes,
    bills: Sequence[NewPlanBill],
    objections: Sequence[Objection],
    run_id: str | None,
) -> None:
    """Store a plan with the fate of its bills; older waiting plans of these bills give way."""
    await conn.execute(
        insert(PlanRow).values(
            id=plan_id,
            kind=kind.value,
            period=plan.period,
            state=PlanState.OPEN.value,
            currency=plan.currency,
            made_at=plan.made_at,
            data_version=data_version,
            digest=digest,
            content=content,
            run_id=run_id,
        )
    )
    await _supersede(conn, plan_id, plan.period, [bill.bill_key for bill in bills])
    if bills:
        rows = [
            {
                "plan_id": plan_id,
                "bill_key": bill.bill_key,
                "account_id": bill.account_id,
                "state": bill.state.value,
                "detail": bill.detail,
                "released_by": "",
                "release_reason": "",
                "basis": bill.basis,
            }
            for bill in bills
        ]
        await conn.execute(insert(PlanBill), rows)
    if objections:
        await conn.execute(
            insert(ObjectionRow),
            [
                {
                    "plan_id": plan_id,
                    "bill_key": objection.bill,
                    "line_key": objection.line,
                    "rule": objection.rule,
                    "severity": objection.severity.value,
                    "message": objection.message,
                }
                for objection in objections
            ],
        )
    await close_finished(conn)


async def load_plan(conn: AsyncConnection, plan_id: str) -> PlanRecord | None:
    """A plan with everything that belongs to it, or None."""
    row = (await conn.execute(select(PlanRow).where(col(PlanRow.id) == plan_id))).one_or_none()
    if row is None:
        return None
    plan = msgspec.json.decode(row.content, type=Plan)
    order = {bill.key: place for place, bill in enumerate(plan.bills)}
    bills = await bills_of_plan(conn, plan_id)
    found = await conn.execute(
        select(ObjectionRow)
        .where(col(ObjectionRow.plan_id) == plan_id)
        .order_by(col(ObjectionRow.id))
    )
    return PlanRecord(
        id=row.id,
        kind=PlanKind(row.kind),
        state=PlanState(row.state),
        data_version=row.data_version,
        digest=row.digest,
        plan=plan,
        bills=tuple(sorted(bills, key=lambda bill: order[bill.bill_key])),
        objections=tuple(
            Objection(
                rule=objection.rule,
                message=objection.message,
                severity=Severity(objection.severity),
                bill=objection.bill_key,
                line=objection.line_key,
            )
            for objection in found
        ),
    )


async def bills_of_plan(conn: AsyncConnection, plan_id: str) -> list[StoredBill]:
    """The fate of each bill of a plan."""
    statement = select(PlanBill).where(col(PlanBill.plan_id) == plan_id).order_by(col(PlanBill.id))
    return [stored_bill(row) for row in await conn.execute(statement)]


async def move_bill(
    conn: AsyncConnection,
    row_id: int,
    *,
    expected: Collection[PlanBillState],
    to: PlanBillState,
    **values: Any,
) -> bool:
    """Change the fate of a bill if it is still one of the expected; False otherwise."""
    statement = (
        update(PlanBill)
        .where(
            col(PlanBill.id) == row_id,
            col(PlanBill.state).in_([state.value for state in expected]),
        )
        .values(state=to.value, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def close_finished(conn: AsyncConnection) -> None:
    """Close every plan of which nothing can be applied or released any more."""
    waiting = (
        select(col(PlanBill.id))
        .where(
            col(PlanBill.plan_id) == col(PlanRow.id),
            col(PlanBill.state).in_([state.value for state in WAITING]),
        )
        .exists()
    )
    await conn.execute(
        update(PlanRow)
        .where(
            col(PlanRow.state) == PlanState.OPEN.value,
            col(PlanRow.kind).not_in([kind.value for kind in WITHOUT_BILLS]),
            ~waiting,
        )
        .values(state=PlanState.CLOSED.value)
    )


async def use_up(conn: AsyncConnection, plan_id: str) -> bool:
    """Close a plan without bills as it is applied; False when somebody else did before."""
    statement = (
        update(PlanRow)
        .where(col(PlanRow.id) == plan_id, col(PlanRow.state) == PlanState.OPEN.value)
        .values(state=PlanState.CLOSED.value)
    )
    return bool((await conn.execute(statement)).rowcount)


async def _supersede(
    conn: AsyncConnection, plan_id: str, period: str, bill_keys: Sequence[str]
) -> None:
    older = select(col(PlanRow.id)).where(col(PlanRow.period) == period)
    for chunk in chunks(bill_keys):
        await conn.execute(
            update(PlanBill)
            .where(
                col(PlanBill.plan_id).in_(older),
                col(PlanBill.bill_key).in_(chunk),
                col(PlanBill.state).in_([state.value for state in WAITING]),
            )
            .values(state=PlanBillState.SUPERSEDED.value, detail=f"replaced by plan {plan_id}")
        )


def stored_bill(row: Any) -> StoredBill:
    """A row of plan bills as a value."""
    return StoredBill(
        id=row.id,
        plan_id=row.plan_id,
        bill_key=row.bill_key,
        account_id=row.account_id,
        state=PlanBillState(row.state),
        detail=row.detail,
        released_by=row.released_by,
        release_reason=row.release_reason,
        released_at=row.released_at,
        applied_at=row.applied_at,
        basis=row.basis,
    )
