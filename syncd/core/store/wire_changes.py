"""Intended links of recurring lines and where each stands; states as those of the outbox.

Every change of state names the state it expects. A link that is there already changes nothing, so
that a write whose answer was lost is settled by reading the invoice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import UNSETTLED, OutboxState
from syncd.core.store.tables import WireChange
from syncd.sdk.records import LinkChange, PlannedLink, canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class WireItem:
    """One intended link.

    Attributes:
        id: row id, ascending in the order of the plan.
        plan_id: the plan that intends it.
        link: what the plan says of it.
        state: where it stands.
        attempts: how often it was sent.
        detail: why it stands there, one sentence.
    """

    id: int
    plan_id: str
    link: PlannedLink
    state: OutboxState
    attempts: int
    detail: str

    @property
    def change(self) -> LinkChange:
        return self.link.change


async def queue_links(
    conn: AsyncConnection,
    plan_id: str,
    psa_connection_id: int,
    links: Sequence[PlannedLink],
    *,
    now: datetime,
) -> None:
    """Add links to be written, in the plan's order."""
    rows = [
        {
            "plan_id": plan_id,
            "psa_connection_id": psa_connection_id,
            "client_key": link.client,
            "invoice": link.change.invoice,
            "line": link.change.line,
            "subscription": link.change.subscription,
            "payload": canonical_json(link).decode(),
            "state": OutboxState.PENDING.value,
            "attempts": 0,
            "detail": "",
            "created_at": now,
        }
        for link in links
    ]
    if rows:
        await conn.execute(insert(WireChange), rows)


async def open_lines(conn: AsyncConnection, psa_connection_id: int) -> dict[tuple[str, str], str]:
    """Invoice and line of every link whose end is not known yet -> the plan that intends it."""
    statement = select(
        col(WireChange.invoice), col(WireChange.line), col(WireChange.plan_id)
    ).where(
        col(WireChange.psa_connection_id) == psa_connection_id,
        col(WireChange.state).in_(UNSETTLED),
    )
    return {(row.invoice, row.line): row.plan_id for row in await conn.execute(statement)}


async def links_in(
    conn: AsyncConnection, psa_connection_id: int, states: Collection[OutboxState]
) -> list[WireItem]:
    """Links in any of these states, in the order in which they were queued."""
    statement = (
        select(WireChange)
        .where(
            col(WireChange.psa_connection_id) == psa_connection_id,
            col(WireChange.state).in_([state.value for state in states]),
        )
        .order_by(col(WireChange.id))
    )
    return [_item(row) for row in await conn.execute(statement)]


async def links_of_plan(conn: AsyncConnection, plan_id: str) -> list[WireItem]:
    """Every link that the plan intended, in its order."""
    statement = (
        select(WireChange).where(col(WireChange.plan_id) == plan_id).order_by(col(WireChange.id))
    )
    return [_item(row) for row in await conn.execute(statement)]


async def move_link(
    conn: AsyncConnection,
    item_id: int,
    *,
    expected: OutboxState,
    to: OutboxState,
    **values: Any,
) -> bool:
    """Change the state if it is still the expected one; False when somebody else moved it."""
    statement = (
        update(WireChange)
        .where(col(WireChange.id) == item_id, col(WireChange.state) == expected.value)
        .values(state=to.value, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


def _item(row: Any) -> WireItem:
    return WireItem(
        id=row.id,
        plan_id=row.plan_id,
        link=msgspec.json.decode(row.payload, type=PlannedLink),
        state=OutboxState(row.state),
        attempts=row.attempts,
        detail=row.detail,
    )
