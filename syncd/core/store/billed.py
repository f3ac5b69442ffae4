"""What a bill was at a moment: its revisions, who released or reopened it, how its writes stood.

Explaining one line reads rows of one client only, however large the installation is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.billing.bill_life import BillKind
from syncd.core.store.billing_data import known
from syncd.core.store.outbox import OutboxState
from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.tables import (
    Bill,
    BillLine,
    BillReopening,
    ClientLink,
    ObjectionRow,
    OutboxRow,
    PlanBill,
    PlanRow,
    ProductRow,
)
from syncd.sdk.records import Measure, ProductKind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class BillHead:
    """A bill without its lines.

    Attributes:
        id: row id.
        account_id: whose bill.
        period: month billed.
        revision: 1 for the first send of the month.
        kind: how final it was at the moment asked for.
        running: it was sent while its month went on.
        plan_id: the plan that made it.
        made_at: when that plan was made: what was known then decides the bill.
        recorded_at: when it was applied.
        completed_at: when its last write was acknowledged, None before.
    """

    id: int
    account_id: int
    period: str
    revision: int
    kind: BillKind
    running: bool
    plan_id: str
    made_at: datetime
    recorded_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who let a held bill go, or reopened a final one.

    Attributes:
        by: name of the person.
        reason: in their words.
        at: UTC.
    """

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHead:
    """An account's bill in a plan.

    Attributes:
        plan_id: the plan.
        period: month planned.
        running: of a month that went on.
        made_at: when it was planned.
        state: its fate at the moment asked for.
        basis: JSON, see `syncd.core.service.basis`.
    """

    plan_id: str
    period: str
    running: bool
    made_at: datetime
    state: PlanBillState
    basis: str


async def bill_heads(
    conn: AsyncConnection,
    *,
    client: str | None = None,
    account_id: int | None = None,
    as_of: datetime | None = None,
) -> list[BillHead]:
    """Bills of a client or an account as they stood, the newest month and revision first.

    Args:
        conn: a reader's connection.
        client: PSA client that they were made out to.
        account_id: whose bills.
        as_of: only what was recorded by then; None for now.
    """
    statement: Any = (
        select(
            col(Bill.id),
            col(Bill.account_id),
            col(Bill.period),
            col(Bill.revision),
            col(Bill.kind),
            col(PlanRow.kind).label("plan_kind"),
            col(Bill.plan_id),
            col(PlanRow.made_at),
            col(Bill.recorded_at),
            col(Bill.completed_at),
        )
        .join(PlanRow, col(PlanRow.id) == col(Bill.plan_id))
        .order_by(col(Bill.period).desc(), col(Bill.account_id), col(Bill.revision).desc())
    )
    if client is not None:
        statement = statement.where(col(Bill.client_key) == client)
    if account_id is not None:
        statement = statement.where(col(Bill.account_id) == account_id)
    if as_of is not None:
        statement = statement.where(col(Bill.recorded_at) <= as_of)
    return [_head(row, as_of) for row in await conn.execute(statement)]


def _head(row: Any, as_of: datetime | None) -> BillHead:
    completed = row.completed_at
    if completed is not None and as_of is not None and completed > as_of:
        completed = None
    return BillHead(
        id=row.id,
        account_id=row.account_id,
        period=row.period,
        revision=row.revision,
        kind=BillKind.TEMPORARY if completed is None else BillKind(row.kind),
        running=row.plan_kind == PlanKind.RUNNING.value,
        plan_id=row.plan_id,
        made_at=row.made_at,
        recorded_at=row.recorded_at,
        completed_at=completed,
    )


async def line_bases(conn: AsyncConnection, bill_id: int) -> list[tuple[str, str]]:
    """Uid and basis of each line of a bill, in pushing order."""
    statement = (
        select(col(BillLine.line_uid), col(BillLine.basis))
        .where(col(BillLine.bill_id) == bill_id)
        .order_by(col(BillLine.id))
    )
    return [(uid, basis) for uid, basis in await conn.execute(statement)]


async def line_writes(
    conn: AsyncConnection, plan_id: str, account_id: int, *, as_of: datetime | None
) -> dict[str, OutboxState]:
    """How the writes of a bill stood, by line uid; a line without a write is absent."""
    statement = select(
        col(OutboxRow.line_uid), col(OutboxRow.state), col(OutboxRow.settled_at)
    ).where(col(OutboxRow.plan_id) == plan_id, col(OutboxRow.account_id) == account_id)
    return {
        uid: OutboxState(state)
        if as_of is None or (settled is not None and settled <= as_of)
        else OutboxState.PENDING
        for uid, state, settled in await conn.execute(statement)
    }


async def written_remote(conn: AsyncConnection, plan_id: str, key: str) -> str | None:
    """The PSA's id of the record that a plan wrote, None where it wrote none."""
    statement = select(col(OutboxRow.remote)).where(
        col(OutboxRow.plan_id) == plan_id, col(OutboxRow.key) == key
    )
    return (await conn.execute(statement)).scalar_one_or_none()


async def release_of(
    conn: AsyncConnection, plan_id: str, account_id: int, *, as_of: datetime | None
) -> Approval | None:
    """Who released the account's bill of a plan; None where nobody had to."""
    statement = select(
        col(PlanBill.released_by), col(PlanBill.release_reason), col(PlanBill.released_at)
    ).where(col(PlanBill.plan_id) == plan_id, col(PlanBill.account_id) == account_id)
    for by, reason, at in await conn.execute(statement):
        if at is not None and (as_of is None or at <= as_of):
            return Approval(by=by, reason=reason, at=at)
    return None


async def reopenings_of(
    conn: AsyncConnection, account_id: int, period: str, *, as_of: datetime | None
) -> tuple[Approval, ...]:
    """Who reopened the account's final bill of the month, the oldest first."""
    statement = (
        select(
            col(BillReopening.reopened_by),
            col(BillReopening.reason),
            col(BillReopening.reopened_at),
        )
        .join(Bill, col(Bill.id) == col(BillReopening.bill_id))
        .where(col(Bill.account_id) == account_id, col(Bill.period) == period)
        .order_by(col(BillReopening.id))
    )
    if as_of is not None:
        statement = statement.where(col(BillReopening.reopened_at) <= as_of)
    return tuple(
        Approval(by=by, reason=reason, at=at) for by, reason, at in await conn.execute(statement)
    )


async def newest_planned(
    conn: AsyncConnection,
    account_id: int,
    *,
    period: str | None = None,
    running: bool | None = None,
    as_of: datetime | None = None,
) -> PlannedHead | None:
    """The account's bill in the newest plan that had it.

    Args:
        conn: a reader's connection.
        account_id: whose bill.
        period: only plans of this month.
        running: only plans of months that went on, or only the others; None for both.
        as_of: only plans made by then, and their fate as far as it was known then.
    """
    chosen: list[ColumnElement[bool]] = [col(PlanBill.account_id) == account_id]
    if period is not None:
        chosen.append(col(PlanRow.period) == period)
    if running is not None:
        is_running = col(PlanRow.kind) == PlanKind.RUNNING.value
        chosen.append(is_running if running else ~is_running)
    if as_of is not None:
        chosen.append(col(PlanRow.made_at) <= as_of)
    statement = (
        select(
            col(PlanBill.plan_id),
            col(PlanBill.bill_key),
            col(PlanBill.state),
            col(PlanBill.basis),
            col(PlanBill.released_at),
            col(PlanRow.period),
            col(PlanRow.kind),
            col(PlanRow.made_at),
        )
        .join(PlanRow, col(PlanRow.id) == col(PlanBill.plan_id))
        .where(*chosen)
        .order_by(col(PlanBill.id).desc())
        .limit(1)
    )
    row = (await conn.execute(statement)).one_or_none()
    if row is None:
        return None
    state = PlanBillState(row.state)
    if as_of is not None:
        state = await _state_then(conn, row.plan_id, row.bill_key, row.released_at, as_of)
    return PlannedHead(
        plan_id=row.plan_id,
        period=row.period,
        running=row.kind == PlanKind.RUNNING.value,
        made_at=row.made_at,
        state=state,
        basis=row.basis,
    )


async def _state_then(
    conn: AsyncConnection,
    plan_id: str,
    bill_key: str,
    released_at: datetime | None,
    as_of: datetime,
) -> PlanBillState:
    """The fate of a bill with lines before it was applied: an objection held it, or nothing did."""
    if released_at is not None:
        return PlanBillState.RELEASED if released_at <= as_of else PlanBillState.HELD
    statement = select(col(ObjectionRow.id)).where(
        col(ObjectionRow.plan_id) == plan_id,
        col(ObjectionRow.severity) == Severity.HOLD.value,
        (col(ObjectionRow.bill_key) == bill_key) | col(ObjectionRow.bill_key).is_(None),
    )
    held = (await conn.execute(statement.limit(1))).first() is not None
    return PlanBillState.HELD if held else PlanBillState.READY


async def linked_accounts(
    conn: AsyncConnection, psa_connection_id: int, client: str, *, as_of: datetime | None
) -> tuple[int, ...]:
    """Row ids of the accounts that were linked to a client, ascending."""
    statement = (
        select(col(ClientLink.account_id))
        .where(
            known(ClientLink, as_of),
            col(ClientLink.psa_connection_id) == psa_connection_id,
            col(ClientLink.client_key) == client,
        )
        .order_by(col(ClientLink.account_id))
    )
    return tuple((await conn.scalars(statement)).all())


async def linked_clients(
    conn: AsyncConnection, psa_connection_id: int, clients: Collection[str]
) -> set[str]:
    """Those of a few clients that an account is linked to now."""
    if len(clients) < 2:
        return set()
    statement = select(col(ClientLink.client_key)).where(
        known(ClientLink, None), col(ClientLink.psa_connection_id) == psa_connection_id
    )
    return set((await conn.scalars(statement)).all()) & set(clients)


async def measures(conn: AsyncConnection, product_ids: Collection[int]) -> dict[int, Measure]:
    """What one unit of each product's quantity is; a storage is always billed as bytes."""
    statement = select(col(ProductRow.id), col(ProductRow.kind), col(ProductRow.measure)).where(
        col(ProductRow.id).in_(product_ids)
    )
    return {
        row.id: Measure.BYTE
        if ProductKind(row.kind) is ProductKind.STORAGE and row.measure == Measure.COUNT.value
        else Measure(row.measure)
        for row in await conn.execute(statement)
    }
