"""Plans of invoices: stored whole, used up row by row, replaced by the next one of the same book.

A release outlives a replacement as long as the row would do exactly the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.invoicing.plan_rows import PlannedStep, RowState
from syncd.core.invoicing.problems import Problem
from syncd.core.store.outbox import chunks
from syncd.core.store.tables.ledger import InvoicePlan, InvoicePlanRow
from syncd.sdk.records import canonical_json

PREFIX: Final = "inv-"
"""How the id of a plan of invoices begins, so that `syncd apply` knows it."""

_OPEN = (RowState.READY, RowState.HELD, RowState.RELEASED, RowState.REFUSED, RowState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """One row as it stands.

    Attributes:
        id: row id.
        plan_id: its plan.
        key: names it in the plan.
        state: its fate.
        digest: of the step.
        step: what it does; its objections are those of the time of planning.
        released_by: who let it pass, or empty.
        release_reason: why.
        released_at: when.
    """

    id: int
    plan_id: str
    key: str
    state: RowState
    digest: str
    step: PlannedStep
    released_by: str = ""
    release_reason: str = ""
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePlanRecord:
    """A plan as it stands.

    Attributes:
        id: begins with `inv-` and sorts by time.
        psa_id: connection of the PSA.
        ledger_id: connection of the book.
        book_key: the organisation it was made for.
        run_id: the run that made it, or empty.
        data_version: of the decisions it rests on.
        read_at: when invoices were read.
        made_at: when.
        made_by: who asked for it.
        rows: in pushing order.
    """

    id: str
    psa_id: int
    ledger_id: int
    book_key: str
    run_id: str
    data_version: int
    read_at: datetime
    made_at: datetime
    made_by: str
    rows: tuple[StoredRow, ...]


def new_plan_id(now: datetime) -> str:
    """Text that sorts by time; one of four thousand millions for each second.

    A name that repeats all the same is refused by the database, and the next run makes the plan.
    """
    return f"{PREFIX}{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


async def save_invoice_plan(conn: AsyncConnection, plan: InvoicePlanRecord) -> None:
    """Store a plan with its rows; rows of earlier plans of the same book are superseded."""
    earlier = select(col(InvoicePlan.id)).where(
        col(InvoicePlan.psa_connection_id) == plan.psa_id,
        col(InvoicePlan.ledger_connection_id) == plan.ledger_id,
        col(InvoicePlan.id) != plan.id,
    )
    await conn.execute(
        update(InvoicePlanRow)
        .where(
            col(InvoicePlanRow.plan_id).in_(earlier),
            col(InvoicePlanRow.state).in_([state.value for state in _OPEN]),
        )
        .values(state=RowState.SUPERSEDED.value)
    )
    await conn.execute(
        insert(InvoicePlan),
        {
            "id": plan.id,
            "psa_connection_id": plan.psa_id,
            "ledger_connection_id": plan.ledger_id,
            "book_key": plan.book_key,
            "run_id": plan.run_id,
            "data_version": plan.data_version,
            "read_at": plan.read_at,
            "made_at": plan.made_at,
            "made_by": plan.made_by,
            "content": "{}",
        },
    )
    if plan.rows:
        await conn.execute(insert(InvoicePlanRow), [_values(plan.id, row) for row in plan.rows])


async def touch_invoice_plan(
    conn: AsyncConnection, plan_id: str, *, data_version: int, read_at: datetime, made_at: datetime
) -> None:
    """Say that a plan was made again and says the same: it is fresh, under its old id."""
    await conn.execute(
        update(InvoicePlan)
        .where(col(InvoicePlan.id) == plan_id)
        .values(data_version=data_version, read_at=read_at, made_at=made_at)
    )


async def newest_invoice_plan(
    conn: AsyncConnection, *, psa_id: int | None = None, ledger_id: int | None = None
) -> InvoicePlanRecord | None:
    """The plan that was made last, of a book or of all."""
    statement = select(col(InvoicePlan.id)).order_by(
        col(InvoicePlan.made_at).desc(), col(InvoicePlan.id).desc()
    )
    if psa_id is not None:
        statement = statement.where(col(InvoicePlan.psa_connection_id) == psa_id)
    if ledger_id is not None:
        statement = statement.where(col(InvoicePlan.ledger_connection_id) == ledger_id)
    plan_id = (await conn.execute(statement.limit(1))).scalar_one_or_none()
    return None if plan_id is None else await load_invoice_plan(conn, plan_id)


async def load_invoice_plan(conn: AsyncConnection, plan_id: str) -> InvoicePlanRecord | None:
    """A plan with its rows, or None."""
    found = await conn.execute(select(InvoicePlan).where(col(InvoicePlan.id) == plan_id))
    head = found.one_or_none()
    if head is None:
        return None
    rows = await conn.execute(
        select(InvoicePlanRow)
        .where(col(InvoicePlanRow.plan_id) == plan_id)
        .order_by(col(InvoicePlanRow.id))
    )
    return InvoicePlanRecord(
        id=head.id,
        psa_id=head.psa_connection_id,
        ledger_id=head.ledger_connection_id,
        book_key=head.book_key,
        run_id=head.run_id,
        data_version=head.data_version,
        read_at=head.read_at,
        made_at=head.made_at,
        made_by=head.made_by,
        rows=tuple(_row(row) for row in rows),
    )


async def move_row(
    conn: AsyncConnection,
    row_id: int,
    *,
    expected: Sequence[RowState],
    to: RowState,
    **values: Any,
) -> bool:
    """Change the state of a row if it is still an expected one."""
    statement = (
        update(InvoicePlanRow)
        .where(
            col(InvoicePlanRow.id) == row_id,
            col(InvoicePlanRow.state).in_([state.value for state in expected]),
        )
        .values(state=to.value, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def move_rows(
    conn: AsyncConnection, row_ids: Sequence[int], *, expected: Sequence[RowState], to: RowState
) -> set[int]:
    """Change the state of many rows; those that were in an expected one, and are moved."""
    states = [state.value for state in expected]
    moved: set[int] = set()
    for chunk in chunks(row_ids):
        these = col(InvoicePlanRow.id).in_(chunk), col(InvoicePlanRow.state).in_(states)
        found = await conn.execute(select(col(InvoicePlanRow.id)).where(*these))
        moved |= {one for one in found.scalars() if one is not None}
        await conn.execute(update(InvoicePlanRow).where(*these).values(state=to.value))
    return moved


def _values(plan_id: str, row: StoredRow) -> dict[str, Any]:
    plain = msgspec.structs.replace(row.step, objections=())
    return {
        "plan_id": plan_id,
        "key": row.key,
        "invoice_key": row.step.invoice,
        "step": row.step.step.value,
        "state": row.state.value,
        "digest": row.digest,
        "currency": row.step.currency,
        "effect": row.step.effect,
        "document": canonical_json(plain).decode(),
        "objections": canonical_json(row.step.objections).decode(),
        "released_by": row.released_by,
        "release_reason": row.release_reason,
        "released_at": row.released_at,
    }


def _row(row: Any) -> StoredRow:
    step = msgspec.json.decode(row.document, type=PlannedStep)
    objections = msgspec.json.decode(row.objections, type=tuple[Problem, ...])
    return StoredRow(
        id=row.id,
        plan_id=row.plan_id,
        key=row.key,
        state=RowState(row.state),
        digest=row.digest,
        step=msgspec.structs.replace(step, objections=objections),
        released_by=row.released_by,
        release_reason=row.release_reason,
        released_at=row.released_at,
    )
