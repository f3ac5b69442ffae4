"""Bills that were sent or are being sent, with their immutable lines and the basis of each.

A bill is complete once the PSA acknowledged every write of it; a second send of the same month is
a new revision, so that what stood before stays readable.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import exists, func, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.billing.bill_life import BillKind
from syncd.core.store.outbox import chunks
from syncd.core.store.plans import PlanKind
from syncd.core.store.tables import Bill, BillLine, BillReopening, PlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLine:
    """A line of a bill.

    Attributes:
        line_uid: its identity.
        key: `<configuration>/<asset type>`.
        name: for people.
        mode: average, total, quantity or adjustment.
        asset_type_key: PSA asset type.
        quantity: as sent.
        unit_price: as sent, None when absent.
        unit_cost: likewise.
        total_price: money, None when unknown.
        total_cost: likewise.
        residual_price: total minus what quantity x unit gives.
        residual_cost: likewise.
        basis: JSON, see `syncd.core.service.basis`.
    """

    line_uid: str
    key: str
    name: str
    mode: str
    asset_type_key: str
    quantity: int
    unit_price: Decimal | None
    unit_cost: Decimal | None
    total_price: Decimal | None
    total_cost: Decimal | None
    residual_price: Decimal
    residual_cost: Decimal
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBill:
    """A bill to be stored; meanings as in `SentBill`."""

    connection_id: int
    account_id: int
    client_key: str
    period: str
    currency: str
    total_price: Decimal | None
    total_cost: Decimal | None
    plan_id: str
    lines: Sequence[SentLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBill:
    """A bill with its lines.

    Attributes:
        id: row id.
        connection_id: source connection.
        account_id: whose bill.
        client_key: PSA client.
        period: month billed.
        revision: 1 for the first send of the month.
        kind: see `BillKind`.
        currency: of its money.
        total_price: None when unknown.
        total_cost: likewise.
        plan_id: the plan that made it.
        recorded_at: when it was applied, UTC.
        completed_at: when its last write was acknowledged, None before.
        lines: in pushing order.
    """

    id: int
    connection_id: int
    account_id: int
    client_key: str
    period: str
    revision: int
    kind: BillKind
    currency: str
    total_price: Decimal | None
    total_cost: Decimal | None
    plan_id: str
    recorded_at: datetime
    completed_at: datetime | None
    lines: tuple[SentLine, ...]


async def insert_bill(conn: AsyncConnection, bill: NewBill, *, now: datetime) -> int:
    """Store the next revision of a bill with its lines; the row id."""
    highest = await conn.scalar(
        select(func.max(col(Bill.revision))).where(
            col(Bill.account_id) == bill.account_id, col(Bill.period) == bill.period
        )
    )
    values = {
        "connection_id": bill.connection_id,
        "account_id": bill.account_id,
        "client_key": bill.client_key,
        "period": bill.period,
        "revision": (highest or 0) + 1,
        "kind": BillKind.TEMPORARY.value,
        "currency": bill.currency,
        "total_price": bill.total_price,
        "total_cost": bill.total_cost,
        "plan_id": bill.plan_id,
        "recorded_at": now,
    }
    made = await conn.execute(insert(Bill).values(values).returning(col(Bill.id)))
    bill_id = made.scalar_one()
    assert bill_id is not None
    if bill.lines:
        await conn.execute(
            insert(BillLine),
            [
                {
                    "bill_id": bill_id,
                    "line_uid": line.line_uid,
                    "key": line.key,
                    "name": line.name,
                    "mode": line.mode,
                    "asset_type_key": line.asset_type_key,
                    "quantity": line.quantity,
                    "unit_price": line.unit_price,
                    "unit_cost": line.unit_cost,
                    "total_price": line.total_price,
                    "total_cost": line.total_cost,
                    "residual_price": line.residual_price,
                    "residual_cost": line.residual_cost,
                    "basis": line.basis,
                }
                for line in bill.lines
            ],
        )
    return bill_id


async def complete_bill(
    conn: AsyncConnection, plan_id: str, account_id: int, *, now: datetime
) -> bool:
    """Write that every write of the bill was acknowledged; False when that was known.

    The bill becomes what its plan makes, whoever released or completed it, and whenever.
    """
    asked = select(col(PlanRow.kind)).where(col(PlanRow.id) == plan_id)
    plan_kind = (await conn.execute(asked)).scalar_one()
    statement = (
        update(Bill)
        .where(
            col(Bill.plan_id) == plan_id,
            col(Bill.account_id) == account_id,
            col(Bill.completed_at).is_(None),
        )
        .values(completed_at=now, kind=PlanKind(plan_kind).makes.value)
    )
    return bool((await conn.execute(statement)).rowcount)


async def last_bills(
    conn: AsyncConnection,
    account_ids: Collection[int],
    *,
    period: str | None = None,
    running: bool = False,
) -> dict[int, SentBill]:
    """The bill sent last of each account: the newest month, and of it the newest revision.

    Args:
        conn: a connection.
        account_ids: whose bills.
        period: only of this month.
        running: bills of a running month instead of those of finished ones.
    """
    of_period = true() if period is None else col(Bill.period) == period
    of_running = col(Bill.plan_id).in_(
        select(col(PlanRow.id)).where(col(PlanRow.kind) == PlanKind.RUNNING.value)
    )
    found: dict[int, SentBill] = {}
    for chunk in chunks(account_ids):
        newest = (
            select(
                col(Bill.id).label("id"),
                func.row_number()
                .over(
                    partition_by=col(Bill.account_id),
                    order_by=(col(Bill.period).desc(), col(Bill.revision).desc()),
                )
                .label("place"),
            )
            .where(
                col(Bill.account_id).in_(chunk), of_period, of_running if running else ~of_running
            )
            .subquery()
        )
        ids = select(newest.c.id).where(newest.c.place == 1)
        bills = await _load(conn, col(Bill.id).in_(ids))
        found.update({bill.account_id: bill for bill in bills})
    return found


async def kinds_of(
    conn: AsyncConnection, account_ids: Collection[int], periods: Collection[str]
) -> dict[int, dict[str, BillKind]]:
    """How final the bills of these months are, by account id and month.

    A bill that was not acknowledged whole does not count: it is not what it shall become yet. One
    that a person reopened counts as manual until a newer revision is complete.
    """
    found: dict[int, dict[str, BillKind]] = {}
    reopened = exists().where(col(BillReopening.bill_id) == col(Bill.id))
    for chunk in chunks(account_ids):
        statement = (
            select(col(Bill.account_id), col(Bill.period), col(Bill.kind), reopened)
            .where(
                col(Bill.account_id).in_(chunk),
                col(Bill.period).in_(list(periods)),
                col(Bill.completed_at).is_not(None),
            )
            .order_by(col(Bill.revision))
        )
        for account_id, period, kind, again in await conn.execute(statement):
            own = BillKind.MANUAL if again else BillKind(kind)
            found.setdefault(account_id, {})[period] = own
    return found


async def final_bills(
    conn: AsyncConnection, connection_id: int, period: str
) -> list[tuple[SentBill, datetime]]:
    """The newest bill of each account of a source, with the moment its plan was made.

    Accounts whose newest bill of the month is not final, or not acknowledged whole, are absent.
    """
    newest = (
        select(col(Bill.account_id), func.max(col(Bill.revision)).label("revision"))
        .where(col(Bill.connection_id) == connection_id, col(Bill.period) == period)
        .group_by(col(Bill.account_id))
        .subquery()
    )
    statement = (
        select(col(Bill.id), col(PlanRow.made_at))
        .join(PlanRow, col(PlanRow.id) == col(Bill.plan_id))
        .join(newest, newest.c.account_id == col(Bill.account_id))
        .where(
            col(Bill.revision) == newest.c.revision,
            col(Bill.period) == period,
            col(Bill.completed_at).is_not(None),
            col(Bill.kind) != BillKind.TEMPORARY.value,
        )
    )
    made = {row.id: row.made_at for row in await conn.execute(statement)}
    found: list[tuple[SentBill, datetime]] = []
    for chunk in chunks(made):
        found += [(one, made[one.id]) for one in await _load(conn, col(Bill.id).in_(chunk))]
    return found


async def bills_of(
    conn: AsyncConnection, account_id: int, *, period: str | None = None
) -> list[SentBill]:
    """Bills of an account, the newest month and revision first."""
    chosen = col(Bill.account_id) == account_id
    if period is not None:
        chosen = chosen & (col(Bill.period) == period)
    return await _load(conn, chosen)


async def bills_of_client(
    conn: AsyncConnection, client_key: str, *, period: str | None = None
) -> list[SentBill]:
    """Bills that were made out to a client, whoever its accounts are linked to now."""
    chosen = col(Bill.client_key) == client_key
    if period is not None:
        chosen = chosen & (col(Bill.period) == period)
    return await _load(conn, chosen)


async def _load(conn: AsyncConnection, chosen: Any) -> list[SentBill]:
    lines: dict[int, list[SentLine]] = {}
    statement = (
        select(BillLine)
        .where(col(BillLine.bill_id).in_(select(col(Bill.id)).where(chosen)))
        .order_by(col(BillLine.id))
    )
    for row in await conn.execute(statement):
        lines.setdefault(row.bill_id, []).append(
            SentLine(
                line_uid=row.line_uid,
                key=row.key,
                name=row.name,
                mode=row.mode,
                asset_type_key=row.asset_type_key,
                quantity=row.quantity,
                unit_price=row.unit_price,
                unit_cost=row.unit_cost,
                total_price=row.total_price,
                total_cost=row.total_cost,
                residual_price=row.residual_price,
                residual_cost=row.residual_cost,
                basis=row.basis,
            )
        )
    ordered = (
        select(Bill)
        .where(chosen)
        .order_by(col(Bill.account_id), col(Bill.period).desc(), col(Bill.revision).desc())
    )
    return [
        SentBill(
            id=row.id,
            connection_id=row.connection_id,
            account_id=row.account_id,
            client_key=row.client_key,
            period=row.period,
            revision=row.revision,
            kind=BillKind(row.kind),
            currency=row.currency,
            total_price=row.total_price,
            total_cost=row.total_cost,
            plan_id=row.plan_id,
            recorded_at=row.recorded_at,
            completed_at=row.completed_at,
            lines=tuple(lines.get(row.id, ())),
        )
        for row in await conn.execute(ordered)
    ]
