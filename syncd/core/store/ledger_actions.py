"""Writes beside documents: their rows, and the states that they pass through.

A row holds its whole payload, so that a crash needs no plan to go on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.states import OutboxState
from syncd.core.store.tables.ledger import LedgerActionRow
from syncd.sdk.invoice_records import PostedMark, PsaPayment
from syncd.sdk.ledger_writes import LedgerAction
from syncd.sdk.records import canonical_json

MARK_POSTED = "mark_posted"
RECORD_PAYMENT = "record_payment"

Payload = LedgerAction | PostedMark | PsaPayment

UNSETTLED = (
    OutboxState.PENDING,
    OutboxState.SENDING,
    OutboxState.UNKNOWN,
    OutboxState.NEEDS_REVIEW,
)
WAITING = (OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """One write as it stands.

    Attributes:
        id: row id; ascending in the order in which they are made.
        key: names the write.
        kind: one of `ActionKind`, or `mark_posted`, `record_payment`.
        connection_id: whom it goes to.
        document_id: row of the document it concerns, or None.
        plan_id: the plan that intends it, or None.
        payload: what is written.
        generation: grows when a look-up proved that it had not arrived.
        state: where it stands.
        remote: what came of it.
        attempts: how often it was sent.
        available_at: not touched before.
        code: why it stands where it stands, or None.
        detail: one sentence.
        created_at: when it was queued.
        sent_at: start of the last sending.
    """

    id: int
    key: str
    kind: str
    connection_id: int
    document_id: int | None
    plan_id: str | None
    payload: Payload
    generation: int
    state: OutboxState
    remote: str | None
    attempts: int
    available_at: datetime
    code: str | None
    detail: str
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAction:
    """A write to be queued; its key is that of its payload.

    Attributes:
        kind: one of `ActionKind`, or `mark_posted`, `record_payment`.
        connection_id: whom it goes to.
        payload: what is written.
        generation: names the attempt.
        document_id: row of the document it concerns, or None.
        plan_id: the plan that intends it, or None.
    """

    kind: str
    connection_id: int
    payload: Payload
    generation: int = 1
    document_id: int | None = None
    plan_id: str | None = None


async def insert_action(conn: AsyncConnection, new: NewAction, *, now: datetime) -> int:
    """Add a row in `pending`; returns its id."""
    statement = insert(LedgerActionRow).values(_values(new, now)).returning(col(LedgerActionRow.id))
    made = (await conn.execute(statement)).scalar_one()
    assert made is not None  # a stored row has an id
    return made


async def insert_actions(conn: AsyncConnection, new: Sequence[NewAction], *, now: datetime) -> None:
    """Add rows in `pending`."""
    if new:
        await conn.execute(insert(LedgerActionRow), [_values(one, now) for one in new])


async def actions_of_key(conn: AsyncConnection, key: str) -> list[ActionItem]:
    """All rows that a key ever had, the oldest first."""
    return await _rows(conn, col(LedgerActionRow.key) == key)


async def generations_of_keys(
    conn: AsyncConnection, keys: Collection[str]
) -> dict[str, list[tuple[int, OutboxState]]]:
    """Generation and state of every row that these keys ever had."""
    row = LedgerActionRow
    found: dict[str, list[tuple[int, OutboxState]]] = {}
    for chunk in chunks(sorted(keys)):
        statement = select(col(row.key), col(row.generation), col(row.state)).where(
            col(row.key).in_(chunk)
        )
        for one in await conn.execute(statement):
            found.setdefault(one.key, []).append((one.generation, OutboxState(one.state)))
    return found


async def actions_of_document(conn: AsyncConnection, document_id: int) -> list[ActionItem]:
    """Writes that concern a document, the oldest first."""
    return await _rows(conn, col(LedgerActionRow.document_id) == document_id)


async def actions_of_documents(
    conn: AsyncConnection, document_ids: Collection[int]
) -> dict[int, list[ActionItem]]:
    """Writes that concern each of these documents, the oldest first; an empty list where none."""
    found: dict[int, list[ActionItem]] = {one: [] for one in document_ids}
    for chunk in chunks(sorted(found)):
        for item in await _rows(conn, col(LedgerActionRow.document_id).in_(chunk)):
            if item.document_id is not None:
                found[item.document_id].append(item)
    return found


async def actions_of_plan(conn: AsyncConnection, plan_id: str) -> list[ActionItem]:
    """Writes that a plan intended, the oldest first."""
    return await _rows(conn, col(LedgerActionRow.plan_id) == plan_id)


async def action_of_id(conn: AsyncConnection, action_id: int) -> ActionItem | None:
    """One row, or None."""
    found = await _rows(conn, col(LedgerActionRow.id) == action_id)
    return found[0] if found else None


async def actions_in(
    conn: AsyncConnection,
    connection_id: int,
    states: Collection[OutboxState],
    *,
    due: datetime | None = None,
    kinds: Collection[str] = (),
    limit: int | None = None,
) -> list[ActionItem]:
    """Rows of one addressee in these states; with `due` only those that may be touched then."""
    conditions = [
        col(LedgerActionRow.connection_id) == connection_id,
        col(LedgerActionRow.state).in_([state.value for state in states]),
    ]
    if due is not None:
        conditions.append(col(LedgerActionRow.available_at) <= due)
    if kinds:
        conditions.append(col(LedgerActionRow.kind).in_(kinds))
    return await _rows(conn, *conditions, limit=limit)


async def actions_waiting(
    conn: AsyncConnection, connection_id: int, *, states: Collection[OutboxState] = WAITING
) -> tuple[int, datetime | None]:
    """How many rows are still to be sent or looked up, and when the next may be touched."""
    statement = select(func.count(), func.min(col(LedgerActionRow.available_at))).where(
        col(LedgerActionRow.connection_id) == connection_id,
        col(LedgerActionRow.state).in_([state.value for state in states]),
    )
    count, due = (await conn.execute(statement)).one()
    return count, due


def payload_of(kind: str, text: str) -> Payload:
    """What a row of this kind writes."""
    if kind == MARK_POSTED:
        return msgspec.json.decode(text, type=PostedMark)
    if kind == RECORD_PAYMENT:
        return msgspec.json.decode(text, type=PsaPayment)
    return msgspec.json.decode(text, type=LedgerAction)


def _values(new: NewAction, now: datetime) -> dict[str, Any]:
    return {
        "key": new.payload.key,
        "kind": new.kind,
        "connection_id": new.connection_id,
        "document_id": new.document_id,
        "plan_id": new.plan_id,
        "payload": canonical_json(new.payload).decode(),
        "generation": new.generation,
        "state": OutboxState.PENDING.value,
        "attempts": 0,
        "available_at": now,
        "detail": "",
        "created_at": now,
    }


async def _rows(
    conn: AsyncConnection, *conditions: Any, limit: int | None = None
) -> list[ActionItem]:
    statement = select(LedgerActionRow).where(*conditions).order_by(col(LedgerActionRow.id))
    if limit is not None:
        statement = statement.limit(limit)
    return [_item(row) for row in await conn.execute(statement)]


def _item(row: Any) -> ActionItem:
    return ActionItem(
        id=row.id,
        key=row.key,
        kind=row.kind,
        connection_id=row.connection_id,
        document_id=row.document_id,
        plan_id=row.plan_id,
        payload=payload_of(row.kind, row.payload),
        generation=row.generation,
        state=OutboxState(row.state),
        remote=row.remote,
        attempts=row.attempts,
        available_at=row.available_at,
        code=row.code,
        detail=row.detail,
        created_at=row.created_at,
        sent_at=row.sent_at,
    )
