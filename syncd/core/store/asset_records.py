"""The ledger of exported assets: which asset stands for a unit, and the write that is under way.

Every change of state names the states it may come from, so that two deliverers never both send.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.billing.asset_values import AssetFields
from syncd.core.store.plans import WAITING, PlanBillState, PlanKind
from syncd.core.store.tables import AssetRecord, PlanBill, PlanRow
from syncd.sdk.records import PlannedAsset, canonical_json

PENDING: Final = "pending"
SENDING: Final = "sending"
UNKNOWN: Final = "unknown"
LIVE: Final = "live"
INACTIVE: Final = "inactive"
FAILED: Final = "failed"

OPEN: Final = (PENDING, SENDING, UNKNOWN)
"""States of a write whose end is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """One unit of the ledger.

    Attributes:
        id: row id.
        connection_id: the source.
        account_id: the account it was counted at.
        unit: the source's id.
        key: our key.
        remote: the PSA's id, None before it is proven.
        client: PSA client id.
        fields: what stood after the last proven write, None before one.
        planned: the write under way, or the one that failed; None at rest.
        attempts: how often that was sent.
        plan_id: the plan that intended it last.
        state: see the constants of this module.
        detail: why, one sentence.
    """

    id: int
    connection_id: int
    account_id: int
    unit: str
    key: str
    remote: str | None
    client: str
    fields: AssetFields | None
    planned: PlannedAsset | None
    attempts: int
    plan_id: str
    state: str
    detail: str


async def asset_rows(
    conn: AsyncConnection,
    psa_connection_id: int,
    *,
    states: Collection[str] = (),
    plan_id: str | None = None,
    most: int | None = None,
) -> list[AssetRow]:
    """The ledger of a PSA, all of it or as far as it is in these states or of this plan.

    Args:
        conn: any connection.
        psa_connection_id: where the assets are.
        states: only these; empty for all.
        plan_id: only what this plan intended last.
        most: no more rows than these, by client.
    """
    statement = (
        select(AssetRecord)
        .where(col(AssetRecord.psa_connection_id) == psa_connection_id)
        .order_by(col(AssetRecord.client_key), col(AssetRecord.id))
    )
    if states:
        statement = statement.where(col(AssetRecord.state).in_(list(states)))
    if plan_id is not None:
        statement = statement.where(col(AssetRecord.plan_id) == plan_id)
    if most is not None:
        statement = statement.limit(most)
    return [_row(row) for row in await conn.execute(statement)]


async def queue_asset(
    conn: AsyncConnection,
    psa_connection_id: int,
    planned: PlannedAsset,
    *,
    plan_id: str,
    connection_id: int,
    account_id: int,
    now: datetime,
    row_id: int | None,
    settled: AssetFields | None,
) -> bool:
    """Put a unit into the ledger, with a write to be made or, where none is, as settled.

    Args:
        conn: a writer's connection.
        psa_connection_id: where the asset is.
        planned: what the plan says.
        plan_id: which plan.
        connection_id: the source.
        account_id: the account.
        now: UTC.
        row_id: of the unit's row, None for a new one.
        settled: what stands, where nothing is to be written.

    Returns:
        False when a write of the unit is under way by now; nothing was changed then.
    """
    values: dict[str, Any] = {
        "account_id": account_id,
        "key": planned.key,
        "plan_id": plan_id,
        "detail": "",
        "updated_at": now,
    }
    if settled is None:
        values |= {"state": PENDING, "payload": canonical_json(planned).decode(), "attempts": 0}
        if planned.action == "create":
            values["remote"] = None
        if row_id is None:
            values |= {"sent": "", "remote": planned.remote, "client_key": planned.client}
    else:
        values |= {
            "state": LIVE if settled.active else INACTIVE,
            "payload": "",
            "attempts": 0,
            "sent": canonical_json(settled).decode(),
            "remote": planned.remote,
            "client_key": settled.client,
        }
    if row_id is None:
        fixed = {
            "psa_connection_id": psa_connection_id,
            "connection_id": connection_id,
            "unit": planned.unit,
        }
        await conn.execute(insert(AssetRecord).values({**fixed, **values}))
        return True
    statement = (
        update(AssetRecord)
        .where(col(AssetRecord.id) == row_id, col(AssetRecord.state).not_in(OPEN))
        .values(values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def move_asset(
    conn: AsyncConnection, row_id: int, *, expected: Collection[str], to: str, **values: Any
) -> bool:
    """Change the state if it is still one of the expected; False when somebody else moved it."""
    statement = (
        update(AssetRecord)
        .where(col(AssetRecord.id) == row_id, col(AssetRecord.state).in_(list(expected)))
        .values(state=to, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def replace_waiting(conn: AsyncConnection, bill_keys: Sequence[str], *, by: str) -> None:
    """Older plans of assets of these clients give way to a new one, of whatever month they are."""
    plans = select(col(PlanRow.id)).where(
        col(PlanRow.kind) == PlanKind.ASSETS.value, col(PlanRow.id) != by
    )
    for n in range(0, len(bill_keys), 500):
        await conn.execute(
            update(PlanBill)
            .where(
                col(PlanBill.plan_id).in_(plans),
                col(PlanBill.bill_key).in_(bill_keys[n : n + 500]),
                col(PlanBill.state).in_([state.value for state in WAITING]),
            )
            .values(state=PlanBillState.SUPERSEDED.value, detail=f"replaced by plan {by}")
        )


def _row(row: Any) -> AssetRow:
    return AssetRow(
        id=row.id,
        connection_id=row.connection_id,
        account_id=row.account_id,
        unit=row.unit,
        key=row.key,
        remote=row.remote,
        client=row.client_key,
        fields=msgspec.json.decode(row.sent, type=AssetFields) if row.sent else None,
        planned=msgspec.json.decode(row.payload, type=PlannedAsset) if row.payload else None,
        attempts=row.attempts,
        plan_id=row.plan_id,
        state=row.state,
        detail=row.detail,
    )
