"""A client's month that nobody billed or planned: reckoned anew as of a moment.

Loaded only when it is asked for, since it brings all of billing with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.explanation import Origin
from syncd.core.service.ledger import Books
from syncd.core.service.reckoning import reckon
from syncd.core.service.refusals import NothingToExplain
from syncd.core.service.replay import FoundLine
from syncd.core.store.billing_data import load_billing_data
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.service.sources import Reckoner
    from syncd.core.store.connections import ConnectionRef


async def recomputed(
    conn: AsyncConnection,
    reckoner: Reckoner,
    *,
    psa: ConnectionRef,
    accounts: Sequence[int],
    timezone: ZoneInfo,
    period: Period | None,
    as_of: datetime | None,
) -> list[FoundLine]:
    """What the counts and decisions of the moment would have given.

    The records in the PSA play no part, so that what is sent later changes nothing here.

    Args:
        conn: a reader's connection.
        reckoner: what it is computed with.
        psa: the PSA connection.
        accounts: row ids of those linked to the client then.
        timezone: of billing.
        period: the month, None for the last that was over then.
        as_of: the moment, None for now.

    Raises:
        NothingToExplain: nothing would have been billed, or the month had not begun.
    """
    moment = as_of or reckoner.now
    month = period or last_finished(moment, timezone)
    if month.start(timezone) > moment:
        message = f"{month} had not begun at {moment:%Y-%m-%d %H:%M} UTC"
        raise NothingToExplain(message, remedy="name an earlier month, or a later --as-of")
    data = await load_billing_data(conn, period_first_day=month.first_day.isoformat(), as_of=as_of)
    drafting = await reckon(
        conn,
        data,
        psa_id=psa.id,
        sources=reckoner.sources,
        period=month,
        timezone=timezone,
        rules=reckoner.rules,
        running_at=moment if month.end(timezone) > moment else None,
        as_of=as_of,
    )
    drafting = replace(drafting, books=Books(accounts={}, ours=frozenset()))
    recorder = BasisRecorder(drafting=drafting, psa_name=psa.name)
    found: list[FoundLine] = []
    stopped: list[str] = []
    for draft in drafting.drafts(list(accounts)):
        stopped += draft.bill.errors
        basis = recorder.reckoned(draft)
        found += [
            FoundLine(
                bill=basis,
                line=line,
                origin=Origin.COMPUTED,
                status="computed, nothing was billed",
                known_at=moment,
            )
            for line in basis.lines
        ]
    if not found and stopped:
        message = f"{month} could not have been billed: {', '.join(dict.fromkeys(stopped))}"
        raise NothingToExplain(message, remedy="`syncd issues` says what stops it")
    return found
