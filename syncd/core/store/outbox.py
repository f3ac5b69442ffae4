"""The outbox: intended writes and their states.

Every change of state names the state it expects, so that of two processes only one moves a row;
what a row intends is stored whole, so that a crash needs no plan to be resumed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.states import OutboxState as OutboxState
from syncd.core.store.tables import OutboxRow
from syncd.sdk.records import KeyedChange, LineState, canonical_json

_CHUNK = 500
"""Values in one IN list; SQLite's oldest limit is 999."""


UNSETTLED = (
    OutboxState.PENDING.value,
    OutboxState.SENDING.value,
    OutboxState.UNKNOWN.value,
    OutboxState.NEEDS_REVIEW.value,
)
"""States whose end is not known yet; a key has at most one such row."""


_WAITING = (
    OutboxState.PENDING.value,
    OutboxState.SENDING.value,
    OutboxState.UNKNOWN.value,
)


class Intent(msgspec.Struct, frozen=True):
    """What shall be written, and what delivery must know to settle it without the plan.

    Attributes:
        change: the write itself.
        observed: digest of the record as the plan saw it, None for a create.
        before: what stood when the plan was made.
        after: what shall stand.
        period: month billed.
        record_period: the same where each month has a record of its own, else empty.
        client: PSA client id.
        client_name: for people.
        line_name: for people.
        money: after minus before, None when unknown.
        currency: of the money.
        products: keys of the products that have units on the line.
    """

    change: KeyedChange
    observed: str | None
    before: LineState | None
    after: LineState
    period: str
    record_period: str
    client: str
    client_name: str
    line_name: str
    money: Decimal | None
    currency: str
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxItem:
    """A row of the outbox.

    Attributes:
        id: row id; ascending in pushing order.
        plan_id: the plan that intends it.
        bill_key: the bill it belongs to.
        psa_connection_id: where it goes.
        account_id: whose bill.
        line_uid: the line.
        key: external key.
        mode: of the line.
        intent: what shall be written.
        content_hash: of the fields.
        state: where it stands.
        attempts: how often it was sent.
        available_at: not touched before.
        created_at: when it was queued, its target just compared with the plan.
        sent_at: start of the last sending.
        code: why it stands where it stands, or None.
        detail: one sentence.
    """

    id: int
    plan_id: str
    bill_key: str
    psa_connection_id: int
    account_id: int
    line_uid: str
    key: str
    mode: str
    intent: Intent
    content_hash: str
    state: OutboxState
    attempts: int
    available_at: datetime
    created_at: datetime
    sent_at: datetime | None
    code: str | None
    detail: str

    @property
    def change(self) -> KeyedChange:
        return self.intent.change


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A row to be made; meanings as in `OutboxItem`."""

    plan_id: str
    bill_key: str
    psa_connection_id: int
    account_id: int
    line_uid: str
    mode: str
    intent: Intent
    content_hash: str


async def enqueue(conn: AsyncConnection, items: Sequence[NewItem], *, now: datetime) -> None:
    """Add rows in pushing order."""
    rows = [
        {
            "plan_id": item.plan_id,
            "bill_key": item.bill_key,
            "psa_connection_id": item.psa_connection_id,
            "account_id": item.account_id,
            "line_uid": item.line_uid,
            "key": item.intent.change.key,
            "kind": item.intent.change.kind.value,
            "remote": item.intent.change.remote,
            "payload": canonical_json(item.intent).decode(),
            "payload_digest": item.content_hash,
            "mode": item.mode,
            "state": OutboxState.PENDING.value,
            "attempts": 0,
            "available_at": now,
            "detail": "",
            "created_at": now,
        }
        for item in items
    ]
    if rows:
        await conn.execute(insert(OutboxRow), rows)


async def unsettled(conn: AsyncConnection, keys: Collection[str]) -> dict[str, OutboxState]:
    """Which of these keys have a write whose end is not known yet, and how it stands."""
    found: dict[str, OutboxState] = {}
    for chunk in chunks(keys):
        statement = select(col(OutboxRow.key), col(OutboxRow.state)).where(
            col(OutboxRow.key).in_(chunk), col(OutboxRow.state).in_(UNSETTLED)
        )
        found.update({row.key: OutboxState(row.state) for row in await conn.execute(statement)})
    return found


async def unsettled_of_accounts(
    conn: AsyncConnection, account_ids: Collection[int]
) -> dict[int, list[OutboxItem]]:
    """Writes of these accounts whose end is not known yet, in pushing order."""
    found: dict[int, list[OutboxItem]] = {}
    for chunk in chunks(account_ids):
        statement = _items().where(
            col(OutboxRow.account_id).in_(chunk), col(OutboxRow.state).in_(UNSETTLED)
        )
        for row in await conn.execute(statement):
            found.setdefault(row.account_id, []).append(_item(row))
    return found


async def claim(
    conn: AsyncConnection, psa_connection_id: int, *, now: datetime, limit: int
) -> list[OutboxItem]:
    """Take the next writes that are due; they are `sending` once this transaction commits."""
    statement = _items().where(
        col(OutboxRow.psa_connection_id) == psa_connection_id,
        col(OutboxRow.state) == OutboxState.PENDING.value,
        col(OutboxRow.available_at) <= now,
    )
    taken = []
    for row in (await conn.execute(statement.limit(limit))).all():
        item = replace(_item(row), state=OutboxState.SENDING, attempts=row.attempts + 1)
        if await move(
            conn,
            item.id,
            expected=OutboxState.PENDING,
            to=OutboxState.SENDING,
            attempts=item.attempts,
            sent_at=now,
        ):
            taken.append(item)
    return taken


async def in_state(
    conn: AsyncConnection,
    psa_connection_id: int,
    state: OutboxState,
    *,
    due: datetime | None = None,
    limit: int | None = None,
) -> list[OutboxItem]:
    """Rows in this state, in pushing order; with `due` only those that may be touched then."""
    statement = _items().where(
        col(OutboxRow.psa_connection_id) == psa_connection_id, col(OutboxRow.state) == state.value
    )
    if due is not None:
        statement = statement.where(col(OutboxRow.available_at) <= due)
    if limit is not None:
        statement = statement.limit(limit)
    return [_item(row) for row in await conn.execute(statement)]


async def of_plan(conn: AsyncConnection, plan_id: str) -> list[OutboxItem]:
    """Every write that the plan intended, in pushing order."""
    statement = _items().where(col(OutboxRow.plan_id) == plan_id)
    return [_item(row) for row in await conn.execute(statement)]


async def unsettled_of_key(conn: AsyncConnection, key: str) -> OutboxItem | None:
    """The write of this external key whose end is not known yet; there is at most one."""
    statement = _items().where(col(OutboxRow.key) == key, col(OutboxRow.state).in_(UNSETTLED))
    row = (await conn.execute(statement)).one_or_none()
    return None if row is None else _item(row)


async def waiting(conn: AsyncConnection, psa_connection_id: int) -> tuple[int, datetime | None]:
    """How many rows are still to be sent or looked up, and when the next may be touched."""
    statement = select(func.count(), func.min(col(OutboxRow.available_at))).where(
        col(OutboxRow.psa_connection_id) == psa_connection_id,
        col(OutboxRow.state).in_(_WAITING),
    )
    count, due = (await conn.execute(statement)).one()
    return count, due


async def move(
    conn: AsyncConnection,
    item_id: int,
    *,
    expected: OutboxState,
    to: OutboxState,
    **values: Any,
) -> bool:
    """Change the state if it is still the expected one; False when somebody else moved it."""
    statement = (
        update(OutboxRow)
        .where(col(OutboxRow.id) == item_id, col(OutboxRow.state) == expected.value)
        .values(state=to.value, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def states_of_bill(
    conn: AsyncConnection, plan_id: str, bill_key: str
) -> Mapping[OutboxState, int]:
    """How many writes of a bill stand in which state."""
    statement = (
        select(col(OutboxRow.state), func.count())
        .where(col(OutboxRow.plan_id) == plan_id, col(OutboxRow.bill_key) == bill_key)
        .group_by(col(OutboxRow.state))
    )
    return {OutboxState(state): n for state, n in await conn.execute(statement)}


def chunks(values: Iterable[Any], size: int = _CHUNK) -> Iterable[Sequence[Any]]:
    """The values in pieces that fit one IN list."""
    whole = list(values)
    return (whole[start : start + size] for start in range(0, len(whole), size))


def _items() -> Any:
    return select(OutboxRow).order_by(col(OutboxRow.id))


def _item(row: Any) -> OutboxItem:
    return OutboxItem(
        id=row.id,
        plan_id=row.plan_id,
        bill_key=row.bill_key,
        psa_connection_id=row.psa_connection_id,
        account_id=row.account_id,
        line_uid=row.line_uid,
        key=row.key,
        mode=row.mode,
        intent=msgspec.json.decode(row.payload, type=Intent),
        content_hash=row.payload_digest,
        state=OutboxState(row.state),
        attempts=row.attempts,
        available_at=row.available_at,
        created_at=row.created_at,
        sent_at=row.sent_at,
        code=row.code,
        detail=row.detail,
    )
