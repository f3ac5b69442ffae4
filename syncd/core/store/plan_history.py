"""Lists of plans, and the newest one of all or of an account.

The newest is the one with the highest number, whatever the clock said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.plans import (
    MAKES_BILLS,
    PlanBillState,
    PlanKind,
    PlanState,
    StoredBill,
    plan_number,
    stored_bill,
)
from syncd.core.store.tables import PlanBill, PlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSummary:
    """A plan in a list.

    Attributes:
        id: `<period>-<number>`.
        kind: what it is for.
        period: month billed.
        state: open or closed.
        currency: of its money.
        made_at: UTC.
        bills: how many bills stand in which state.
    """

    id: str
    kind: PlanKind
    period: str
    state: PlanState
    currency: str
    made_at: datetime
    bills: Mapping[str, int]


async def newest_plan_id(conn: AsyncConnection) -> str | None:
    """The plan of bills made last, or None when there is none.

    Plans that write something else to the PSA are named by their id only: whoever says `latest`
    means the bills.
    """
    ids = await conn.scalars(select(col(PlanRow.id)).where(col(PlanRow.kind).in_(MAKES_BILLS)))
    return max(ids, key=plan_number, default=None)


async def kind_of_plan(conn: AsyncConnection, plan_id: str) -> PlanKind | None:
    """What a plan is for, without reading it; None when there is none."""
    kind = await conn.scalar(select(col(PlanRow.kind)).where(col(PlanRow.id) == plan_id))
    return None if kind is None else PlanKind(kind)


async def list_plans(conn: AsyncConnection, *, limit: int) -> list[PlanSummary]:
    """Plans with the number of their bills by state, the newest first."""
    counts: dict[str, dict[str, int]] = {}
    grouped = select(col(PlanBill.plan_id), col(PlanBill.state), func.count()).group_by(
        col(PlanBill.plan_id), col(PlanBill.state)
    )
    for plan_id, state, n in await conn.execute(grouped):
        counts.setdefault(plan_id, {})[state] = n
    statement = select(
        col(PlanRow.id),
        col(PlanRow.kind),
        col(PlanRow.period),
        col(PlanRow.state),
        col(PlanRow.currency),
        col(PlanRow.made_at),
    )
    found = [
        PlanSummary(
            id=row.id,
            kind=PlanKind(row.kind),
            period=row.period,
            state=PlanState(row.state),
            currency=row.currency,
            made_at=row.made_at,
            bills=counts.get(row.id, {}),
        )
        for row in await conn.execute(statement)
    ]
    return sorted(found, key=lambda plan: plan_number(plan.id), reverse=True)[:limit]


async def newest_bill_of(
    conn: AsyncConnection, account_id: int, *, period: str | None = None
) -> StoredBill | None:
    """The account's bill in the plan made last, of a period or of any, or None."""
    statement = (
        select(PlanBill)
        .join(PlanRow, col(PlanRow.id) == col(PlanBill.plan_id))
        .where(col(PlanBill.account_id) == account_id, col(PlanRow.kind).in_(MAKES_BILLS))
        .order_by(col(PlanBill.id).desc())
        .limit(1)
    )
    if period is not None:
        statement = statement.where(col(PlanRow.period) == period)
    row = (await conn.execute(statement)).one_or_none()
    return None if row is None else stored_bill(row)


async def waiting_accounts(conn: AsyncConnection, period: str) -> set[int]:
    """Accounts whose automatic bill of the month waits for a person, or was released by one."""
    statement = (
        select(col(PlanBill.account_id))
        .join(PlanRow, col(PlanRow.id) == col(PlanBill.plan_id))
        .where(
            col(PlanRow.period) == period,
            col(PlanRow.kind) == PlanKind.AUTOMATIC.value,
            col(PlanBill.state).in_([PlanBillState.HELD.value, PlanBillState.RELEASED.value]),
        )
    )
    return set(await conn.scalars(statement))


async def plans_that_wait(conn: AsyncConnection) -> list[str]:
    """Plans of automatic runs with a bill that waits for a person, the oldest first."""
    statement = (
        select(col(PlanRow.id))
        .join(PlanBill, col(PlanBill.plan_id) == col(PlanRow.id))
        .where(
            col(PlanRow.kind) == PlanKind.AUTOMATIC.value,
            col(PlanBill.state) == PlanBillState.HELD.value,
        )
        .distinct()
    )
    return sorted(await conn.scalars(statement), key=plan_number)
