"""The claim of writes beside documents: they are `sending` once it is committed.

A void whose reason or whose document moved since it was planned is withdrawn instead, as is
everything to a book that is not live any more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.bookkeeping_settlement import ActionEnding
from syncd.core.service.last_look import Withdrawn, look_at_actions
from syncd.core.store.ledger_actions import ActionItem, actions_in
from syncd.core.store.ledger_moves import Move, move_actions
from syncd.core.store.states import OutboxState

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

Look = Callable[[AsyncConnection, int, Sequence[ActionItem]], Awaitable[Mapping[int, Withdrawn]]]
"""Which of these rows of a connection must not be written any more, by row id."""


async def nothing_moves(
    _conn: AsyncConnection, _connection_id: int, _items: Sequence[ActionItem]
) -> Mapping[int, Withdrawn]:
    """What the PSA is told of documents that stand holds whatever was decided since."""
    return {}


async def moved_meanwhile(
    conn: AsyncConnection, connection_id: int, items: Sequence[ActionItem]
) -> Mapping[int, Withdrawn]:
    """Writes to a book that lost their reason, their document, or the book."""
    look = await look_at_actions(conn, connection_id, items)
    return {item.id: why for item in items if (why := look.at_action(item)) is not None}


async def claim_actions(
    database: Database,
    connection: ConnectionRef,
    look: Look,
    *,
    now: datetime,
    limit: int,
) -> tuple[list[ActionItem], list[tuple[ActionItem, ActionEnding]]]:
    """Take the next writes that are due; they are `sending` once this has returned.

    Returns:
        what was claimed, and what must not be written any more, with why.
    """
    async with database.writer() as conn:
        pending = [OutboxState.PENDING]
        due = await actions_in(conn, connection.id, pending, due=now, limit=limit)
        if not due:
            return [], []
        objections = await look(conn, connection.id, due)
        moved = await move_actions(
            conn,
            [
                Move(
                    id=item.id,
                    expected=OutboxState.PENDING,
                    to=OutboxState.SENDING,
                    values={"attempts": item.attempts + 1, "sent_at": now},
                )
                for item in due
                if item.id not in objections
            ],
        )
    claimed = [
        replace(item, state=OutboxState.SENDING, attempts=item.attempts + 1)
        for item in due
        if item.id in moved
    ]
    return claimed, [
        (item, _withdrawn(objections[item.id])) for item in due if item.id in objections
    ]


def _withdrawn(why: Withdrawn) -> ActionEnding:
    return ActionEnding(state=OutboxState.REJECTED, code=why.code, message=why.why)
