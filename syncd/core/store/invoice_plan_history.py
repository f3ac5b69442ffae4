"""Lists of plans of invoices.

Those that write nothing are left out: a daemon makes one for each book in every round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.tables import ConnectionRow
from syncd.core.store.tables.ledger import InvoicePlan, InvoicePlanRow


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePlanSummary:
    """A plan of invoices in a list.

    Attributes:
        id: begins with `inv-`.
        book: name of the connection that it writes to.
        organisation: key of the organisation it was made for.
        made_at: UTC.
        made_by: who asked for it.
        rows: how many rows stand in which state.
    """

    id: str
    book: str
    organisation: str
    made_at: datetime
    made_by: str
    rows: Mapping[str, int]


async def list_invoice_plans(conn: AsyncConnection, *, limit: int) -> list[InvoicePlanSummary]:
    """Plans that have rows, with the number of these by state; the newest first."""
    last = func.max(col(InvoicePlanRow.id))
    newest = (
        select(
            col(InvoicePlan.id),
            col(ConnectionRow.name),
            col(InvoicePlan.book_key),
            col(InvoicePlan.made_at),
            col(InvoicePlan.made_by),
        )
        .join(ConnectionRow, col(ConnectionRow.id) == col(InvoicePlan.ledger_connection_id))
        .join(InvoicePlanRow, col(InvoicePlanRow.plan_id) == col(InvoicePlan.id))
        .group_by(col(InvoicePlan.id), col(ConnectionRow.name))
        .order_by(last.desc())
        .limit(limit)
    )
    plans = (await conn.execute(newest)).all()
    counts: dict[str, dict[str, int]] = {}
    grouped = (
        select(col(InvoicePlanRow.plan_id), col(InvoicePlanRow.state), func.count())
        .where(col(InvoicePlanRow.plan_id).in_([row.id for row in plans]))
        .group_by(col(InvoicePlanRow.plan_id), col(InvoicePlanRow.state))
        .order_by(col(InvoicePlanRow.state))
    )
    for plan_id, state, n in await conn.execute(grouped):
        counts.setdefault(plan_id, {})[state] = n
    return [
        InvoicePlanSummary(
            id=row.id,
            book=row.name,
            organisation=row.book_key,
            made_at=row.made_at,
            made_by=row.made_by,
            rows=counts[row.id],
        )
        for row in plans
    ]
