"""Queues writes beside documents: to the books, or back to the PSA.

To be called inside of the transaction that records the reason for the write, so that a crash leaves
both or neither; delivery takes them from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.invoicing.identity import attempt_of
from syncd.core.store.ledger_actions import (
    UNSETTLED,
    ActionItem,
    NewAction,
    Payload,
    generations_of_keys,
    insert_action,
    insert_actions,
)
from syncd.core.store.states import OutboxState
from syncd.sdk.ledger_writes import LedgerAction
from syncd.sdk.records import canonical_json

_STANDS = frozenset({*UNSETTLED, OutboxState.DELIVERED})


async def queue_action(
    conn: AsyncConnection,
    *,
    kind: str,
    connection_id: int,
    payload: Payload,
    now: datetime,
    document_id: int | None = None,
    plan_id: str | None = None,
) -> int | None:
    """Queue one write; the key of its payload names it, and one key is written once.

    A key that is on its way, or that was delivered, is not queued again; one that was refused may
    be, with another attempt.

    Args:
        conn: of the transaction that records why.
        kind: one of `ActionKind`, or `MARK_POSTED`, `RECORD_PAYMENT` of the store's ledger_actions.
        connection_id: row id of the book's connection, or of the PSA's for the latter two.
        payload: what is written; `attempt` of an action is filled in here.
        now: UTC.
        document_id: row of the document it concerns.
        plan_id: the plan that intends it.

    Returns:
        the row's id, or None if the key stands already.
    """
    new = NewAction(
        kind=kind,
        connection_id=connection_id,
        payload=payload,
        document_id=document_id,
        plan_id=plan_id,
    )
    queueable = await _queueable(conn, [new])
    return await insert_action(conn, queueable[0], now=now) if queueable else None


async def queue_actions(conn: AsyncConnection, new: Sequence[NewAction], *, now: datetime) -> None:
    """Queue many writes at once, each as `queue_action` would; what stands already is left out."""
    await insert_actions(conn, await _queueable(conn, new), now=now)


async def _queueable(conn: AsyncConnection, new: Sequence[NewAction]) -> list[NewAction]:
    """Those whose key does not stand yet, each under the name of its next attempt."""
    wanted = {one.payload.key: one for one in new}
    earlier = await generations_of_keys(conn, wanted)
    found = []
    for key, one in wanted.items():
        rows = earlier.get(key, [])
        if any(state in _STANDS for _, state in rows):
            continue
        generation = max((number for number, _ in rows), default=0) + 1
        payload = with_attempt(one.payload, generation)
        found.append(replace(one, payload=payload, generation=generation))
    return found


def with_attempt(payload: Payload, generation: int) -> Payload:
    """The payload with the name of its attempt, where it has one."""
    if not isinstance(payload, LedgerAction):
        return payload
    plain = msgspec.structs.replace(payload, attempt="")
    digest = hashlib.sha256(canonical_json(plain)).hexdigest()
    return msgspec.structs.replace(plain, attempt=attempt_of(payload.key, digest, generation))


def again(item: ActionItem) -> ActionItem:
    """The write after a look-up proved that it had not arrived: another attempt."""
    generation = item.generation + 1
    return replace(item, generation=generation, payload=with_attempt(item.payload, generation))
