"""The claim of writes beside documents: they are `sending` once it is committed.

A void whose reason or whose document moved since it was planned is withdrawn instead, as is
everything to a book that is not live any more. While nobody knows how the PSA has its invoice, a
void waits as it is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.service.bookkeeping_settlement import ActionEnding
from syncd.core.service.last_look import SOURCE_MOVED, Withdrawn, look_at_actions
from syncd.core.service.unread_source import unread
from syncd.core.store.claim_facts import documents_of_ids
from syncd.core.store.ledger_actions import MARK_POSTED, ActionItem, actions_in
from syncd.core.store.ledger_documents import DocumentItem, documents_of_invoices
from syncd.core.store.ledger_moves import Move, move_actions
from syncd.core.store.standing_documents import STANDING
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.ledger_writes import ActionKind

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

Look = Callable[[AsyncConnection, int, Sequence[ActionItem]], Awaitable[Mapping[int, Withdrawn]]]
"""Which of these rows of a connection must not be written any more, by row id."""

Hold = Callable[[AsyncConnection, Sequence[ActionItem], datetime], Awaitable[Mapping[int, str]]]
"""Which of these rows wait as they are, by row id, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """What a claim found.

    Attributes:
        items: that are `sending` now.
        withdrawn: that must not be written any more, with why.
        unread: why others wait as they are, or empty.
    """

    items: list[ActionItem] = field(default_factory=list)
    withdrawn: list[tuple[ActionItem, ActionEnding]] = field(default_factory=list)
    unread: str = ""


async def marked_anew(
    conn: AsyncConnection, _connection_id: int, items: Sequence[ActionItem]
) -> Mapping[int, Withdrawn]:
    """Marks of voided documents whose new version stands: its own mark may be there already.

    Without one the mark goes, since it keeps others from carrying the invoice.
    """
    marks = [one for one in items if one.kind == MARK_POSTED and one.document_id is not None]
    documents = await documents_of_ids(conn, {one.document_id or 0 for one in marks})
    past = {key: one for key, one in documents.items() if one.state is DocumentState.VOIDED}
    found: dict[int, Withdrawn] = {}
    for psa_id in sorted({one.psa_id for one in past.values()}):
        wanted = {one.invoice for one in past.values() if one.psa_id == psa_id}
        family = await documents_of_invoices(conn, psa_id, wanted)
        for item in marks:
            old = past.get(item.document_id or 0)
            if old is None or old.psa_id != psa_id:
                continue
            if any(_follows(new, old) for new in family.get(old.invoice, ())):
                why = "the document was voided, and a new version of it stands"
                found[item.id] = Withdrawn(SOURCE_MOVED, why)
    return found


def _follows(new: DocumentItem, old: DocumentItem) -> bool:
    same = (new.ledger_id, new.book_key, new.kind) == (old.ledger_id, old.book_key, old.kind)
    ours = new.payload is not None and new.payload.replaces is None
    return same and ours and new.issue > old.issue and new.state in STANDING


async def moved_meanwhile(
    conn: AsyncConnection, connection_id: int, items: Sequence[ActionItem]
) -> Mapping[int, Withdrawn]:
    """Writes to a book that lost their reason, their document, or the book."""
    look = await look_at_actions(conn, connection_id, items)
    return {item.id: why for item in items if (why := look.at_action(item)) is not None}


async def nothing_waits(
    _conn: AsyncConnection, _items: Sequence[ActionItem], _now: datetime
) -> Mapping[int, str]:
    """What the PSA is told needs no read of it."""
    return {}


async def unread_reasons(
    conn: AsyncConnection, items: Sequence[ActionItem], now: datetime
) -> Mapping[int, str]:
    """Voids whose invoice may have come back since the PSA was read."""
    voids = [one for one in items if one.kind == ActionKind.VOID]
    documents = await documents_of_ids(conn, {one.document_id or 0 for one in voids})
    why = await unread(conn, {one.psa_id for one in documents.values()}, now)
    return {
        one.id: why[document.psa_id]
        for one in voids
        if (document := documents.get(one.document_id or 0)) is not None and document.psa_id in why
    }


async def claim_actions(
    database: Database,
    connection: ConnectionRef,
    look: Look,
    hold: Hold,
    *,
    now: datetime,
    limit: int,
) -> Claimed:
    """Take the next writes that are due; they are `sending` once this has returned."""
    async with database.writer() as conn:
        pending = [OutboxState.PENDING]
        due = await actions_in(conn, connection.id, pending, due=now, limit=limit)
        if not due:
            return Claimed()
        waits = await hold(conn, due, now)
        if waits:
            # What does not wait must not stand behind what does.
            every = await actions_in(conn, connection.id, pending, due=now)
            waits = await hold(conn, every, now)
            due = [item for item in every if item.id not in waits][:limit]
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
    return Claimed(
        items=claimed,
        withdrawn=[
            (item, _withdrawn(objections[item.id])) for item in due if item.id in objections
        ],
        unread=next(iter(waits.values()), ""),
    )


def _withdrawn(why: Withdrawn) -> ActionEnding:
    return ActionEnding(state=OutboxState.REJECTED, code=why.code, message=why.why)
