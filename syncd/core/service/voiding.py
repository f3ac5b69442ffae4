"""A person calls a complete pull wrong: with a reason, and with the words of what follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.refusals import PullUnknown, VoidRefused
from syncd.core.store.census.voiding import PullEntry, list_pulls, void_pull
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from syncd.core.store.database import Database


async def call_pull_wrong(
    database: Database,
    connection: str,
    seq: int,
    *,
    reason: str,
    by: str,
    clock: Callable[[], datetime],
    log: EventLog,
) -> PullEntry:
    """Void a pull; bills that rest on it are compared at the next planning.

    Args:
        database: where the census is.
        connection: name of the source.
        seq: number of the pull.
        reason: why; must say something.
        by: who.
        clock: current time in UTC.
        log: gets `pull.voided`.

    Raises:
        PullUnknown: there is no such pull.
        VoidRefused: no reason, or it proved nothing, or it was voided before.
    """
    if not reason.strip():
        message = "a pull is voided for a reason: it is kept with the pull"
        raise VoidRefused(message, remedy='add --reason "what was wrong"')
    now = clock()
    async with database.writer() as conn:
        found = await list_pulls(conn, connection=connection, seq=seq, limit=1)
        if not found:
            message = f"'{connection}' has no pull number {seq}"
            raise PullUnknown(message, remedy="`syncd pulls` lists them")
        pull = found[0]
        if pull.voided_at is not None:
            message = f"{pull.voided_by} voided pull {seq} on {pull.voided_at:%Y-%m-%d}"
            raise VoidRefused(message, remedy="`syncd pulls` shows the reason")
        await void_pull(conn, pull.id, by=by, reason=reason, now=now)
    log("pull.voided", connection=connection, pull=seq, by=by)
    return pull
