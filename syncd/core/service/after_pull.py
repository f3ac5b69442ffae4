"""What a recorded pull may mean for months that are billed: asked cheaply, answered rarely.

Imports what compares bills only when a pull was taken before the end of a billed month, since
every pull asks and must import little.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.store.connections import find_connection
from syncd.core.store.late_facts import late_facts, watched_months
from syncd.sdk.connector import EventLog

if TYPE_CHECKING:
    from collections.abc import Collection

    from syncd.core.service.late_changes import LateRules
    from syncd.core.store.database import Database


async def look_back(
    database: Database,
    *,
    rules: LateRules,
    psa: str | None,
    active: Collection[str],
    timezone: ZoneInfo,
    now: datetime,
    log: EventLog,
) -> int:
    """Compare billed months with what is known now; nothing where nothing became known.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        psa: name of the PSA connection, None for an installation that bills nothing.
        active: names of the connections that count.
        timezone: of billing.
        now: UTC.
        log: gets the issues.

    Returns:
        how many months of a connection were reckoned again.
    """
    if psa is None:
        return 0
    months = watched_months(now, timezone, rules.late_change_months)
    async with database.reader() as conn:
        connection = await find_connection(conn, psa)
        if connection is None or not await late_facts(conn, months, timezone):
            return 0
    # Only now: what reckons a month is more than a pull should load.
    from syncd.core.service.late_changes import find_late_changes
    from syncd.core.service.reckoning import Sources

    return await find_late_changes(
        database,
        rules=rules,
        timezone=timezone,
        psa_connection=connection,
        sources=Sources(active=active),
        now=now,
        log=log,
    )
