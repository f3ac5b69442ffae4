"""The bills of two months for the page of a month: what was sent, and what a plan still holds.

Read as text and row by row: a month of a large installation is a hundred thousand lines.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.plans import PlanBillState, PlanKind
from syncd.core.store.types import from_micros
from syncd.sdk.money import from_scaled

_OF_BILLS: Final = f"('{PlanKind.BILLING}', '{PlanKind.AUTOMATIC}')"

_HEADS = text(f"""
SELECT b.id, b.account_id, b.client_key, b.period, b.currency, b.plan_id, b.total_price,
       b.completed_at,
       (SELECT count(*) FROM outbox o
         WHERE o.plan_id = b.plan_id AND o.account_id = b.account_id
           AND o.state NOT IN ('delivered'))
  FROM bill b JOIN plan p ON p.id = b.plan_id
 WHERE b.period IN (:now, :before) AND p.kind IN {_OF_BILLS}
 ORDER BY b.account_id, b.period, b.revision
""")  # noqa: S608 - constants of this module
_LINES = text(f"""
SELECT b.account_id, b.period, l.basis
  FROM bill_line l JOIN bill b ON b.id = l.bill_id JOIN plan p ON p.id = b.plan_id
 WHERE b.period IN (:now, :before) AND p.kind IN {_OF_BILLS}
   AND b.revision = (SELECT max(o.revision) FROM bill o
                      WHERE o.account_id = b.account_id AND o.period = b.period)
""")  # noqa: S608 - constants of this module
_PLANNED = text(f"""
SELECT pb.account_id, pb.plan_id, pb.state, pb.detail, pb.basis, p.currency, p.data_version
  FROM plan_bill pb JOIN plan p ON p.id = pb.plan_id
 WHERE p.period = :now AND p.kind IN {_OF_BILLS}
   AND pb.id = (SELECT max(o.id) FROM plan_bill o JOIN plan q ON q.id = o.plan_id
                 WHERE o.account_id = pb.account_id AND q.period = :now
                   AND q.kind IN {_OF_BILLS})
""")  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthBill:
    """The newest revision of an account's bill of a month, without its lines.

    Attributes:
        account_id: whose bill.
        client: PSA client it was made out to.
        period: month billed.
        currency: of its money.
        plan_id: the plan that made it.
        price: None where the PSA's own price applies.
        completed_at: when its last write was acknowledged, None before.
        open_writes: writes that are not acknowledged.
    """

    account_id: int
    client: str
    period: str
    currency: str
    plan_id: str
    price: Decimal | None
    completed_at: datetime | None
    open_writes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthPlanned:
    """An account's bill in the newest plan of a month.

    Attributes:
        account_id: whose bill.
        plan_id: the plan.
        state: its fate.
        detail: why, in words.
        currency: of the plan.
        basis: JSON, see `syncd.core.service.basis`.
        data_version: of the decisions that it was made with; after an edit it cannot be applied.
    """

    account_id: int
    plan_id: str
    state: PlanBillState
    detail: str
    currency: str
    basis: str
    data_version: int


async def month_bills(
    conn: AsyncConnection, now: str, before: str
) -> dict[tuple[int, str], MonthBill]:
    """The newest bill of every account in both months, by account id and month."""
    found: dict[tuple[int, str], MonthBill] = {}
    for row in (await conn.execute(_HEADS, {"now": now, "before": before})).fetchall():
        _id, account_id, client, period, currency, plan_id, price, completed, unsettled = row
        found[account_id, period] = MonthBill(
            account_id=account_id,
            client=client,
            period=period,
            currency=currency,
            plan_id=plan_id,
            price=None if price is None else from_scaled(price),
            completed_at=None if completed is None else from_micros(completed),
            open_writes=unsettled,
        )
    return found


async def month_lines(
    conn: AsyncConnection, now: str, before: str
) -> AsyncIterator[tuple[int, str, str]]:
    """Account id, month and basis of every line of those bills, one by one."""
    async for row in await conn.stream(_LINES, {"now": now, "before": before}):
        yield row[0], row[1], row[2]


async def month_plans(
    conn: AsyncConnection, now: str, *, without: Collection[PlanBillState] = ()
) -> AsyncIterator[MonthPlanned]:
    """Every account's bill in the newest plan of the month that had it, one by one."""
    async for row in await conn.stream(_PLANNED, {"now": now}):
        state = PlanBillState(row[2])
        if state not in without:
            yield MonthPlanned(
                account_id=row[0],
                plan_id=row[1],
                state=state,
                detail=row[3],
                currency=row[5],
                basis=row[4],
                data_version=row[6],
            )
