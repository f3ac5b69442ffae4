"""How far the sources of a month are proven, for its page.

An account whose count is older than the newest pull is behind, whatever the others say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.month_page import SourceMonth
from syncd.core.service.reckoning import Sources
from syncd.core.store.billing_data import BillingData
from syncd.core.store.census.snapshots import proven_pulls
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def source_months(
    conn: AsyncConnection,
    data: BillingData,
    psa_id: int,
    sources: Sources,
    period: Period,
    zone: ZoneInfo,
) -> tuple[SourceMonth, ...]:
    """Every connection with linked accounts, by name.

    Args:
        conn: a reader's connection.
        data: what people decided.
        psa_id: row id of the PSA connection.
        sources: which connections count.
        period: the month.
        zone: of billing.
    """
    linked = data.accounts_of_psa(psa_id)
    found = []
    for connection in sorted(data.connections.values(), key=lambda one: one.name):
        ours = [one for one in linked if data.accounts[one].connection_id == connection.id]
        if not ours:
            continue
        if connection.name not in sources.active or connection.name in sources.broken:
            found.append(
                SourceMonth(
                    name=connection.name, complete_until=None, accounts=len(ours), rests=True
                )
            )
            continue
        pulls = await proven_pulls(conn, connection.id, before=period.end(zone))
        moments = [pull.taken_at for one in ours if (pull := pulls.get(one)) is not None]
        newest = max(moments, default=None)
        found.append(
            SourceMonth(
                name=connection.name,
                complete_until=min(moments) if len(moments) == len(ours) else None,
                accounts=len(ours),
                behind=len(ours) - sum(1 for moment in moments if moment == newest),
            )
        )
    return tuple(found)
