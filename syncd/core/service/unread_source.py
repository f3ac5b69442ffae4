"""Whether the invoices that are stored are those of the PSA: asked before they are queued or sent.

What was voided or changed there since they were read would be posted all the same.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.service.invoice_reading import KIND as INVOICES
from syncd.core.store.connections import all_connections
from syncd.core.store.runs import RunStatus, last_runs
from syncd.core.store.watermarks import watermark

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

READ_WITHIN: Final = timedelta(hours=48)
"""How old the last whole read of the PSA's invoices may be when documents are queued or sent."""

_AHEAD: Final = timedelta(hours=1)
"""A read that lies further ahead was made by a clock that went wrong."""


async def unread(conn: AsyncConnection, psa_ids: Collection[int], now: datetime) -> dict[int, str]:
    """Why the stored invoices of these PSAs may not be as they are there; others are left out.

    Args:
        conn: of the transaction that acts upon them.
        psa_ids: connections of PSAs.
        now: UTC.
    """
    if not psa_ids:
        return {}
    names = {one.id: one.name for one in await all_connections(conn)}
    runs = await last_runs(conn, INVOICES)
    found = {}
    for psa_id in sorted(psa_ids):
        name = names[psa_id]
        last = runs.get(name)
        status = None if last is None else last.status
        why = _of_run(name, status) or _of_age(name, await watermark(conn, psa_id, INVOICES), now)
        if why:
            found[psa_id] = why
    return found


def _of_run(name: str, status: RunStatus | None) -> str:
    if status in {RunStatus.FAILED, RunStatus.INTERRUPTED}:
        return f"the last read of {name}'s invoices failed: run `syncd invoices read` first"
    if status is RunStatus.PARTIAL:
        return f"the last read of {name}'s invoices is doubted: `syncd issues` says why"
    return ""


def _of_age(name: str, read_at: datetime | None, now: datetime) -> str:
    if read_at is None or -_AHEAD <= now - read_at <= READ_WITHIN:
        return ""
    return (
        f"{name}'s invoices were last read whole at {read_at:%Y-%m-%d %H:%M} UTC: "
        "run `syncd invoices read` first"
    )
