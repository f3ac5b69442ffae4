"""The lives of bills as our books have them: what may happen to the bill of each account."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, time
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.bill_life import AUTO_TIME, Life
from syncd.core.store.billing_data import BillingData
from syncd.core.store.bills import kinds_of
from syncd.core.store.golive import GoLiveBook
from syncd.core.store.reopenings import reopened_months
from syncd.sdk.period import Period


async def load_lives(
    conn: AsyncConnection,
    data: BillingData,
    accounts: Collection[int],
    *,
    zone: ZoneInfo,
    months: Collection[Period],
    auto_time: time = AUTO_TIME,
    golive: GoLiveBook | None = None,
) -> dict[int, Life]:
    """The life of each account with its bills of these months.

    Args:
        conn: a reader's connection.
        data: who is billed automatically, and from when.
        accounts: row ids.
        zone: of billing.
        months: which bills matter.
        auto_time: local time of day 1 at which the window of the automatic run opens.
        golive: since when clients are live; None where nobody said anything about it.
    """
    kinds = await kinds_of(conn, accounts, [str(month) for month in months])
    reopened = await reopened_months(conn, accounts)
    lives = {}
    for account in accounts:
        choice = data.choice_for(account)
        lives[account] = Life(
            zone=zone,
            automatic=choice.automatic,
            start=_start(data, account, golive),
            auto_time=auto_time,
            reopened=[Period.parse(text) for text in sorted(reopened.get(account, ()))],
            bills={Period.parse(text): kind for text, kind in kinds.get(account, {}).items()},
        )
    return lives


def _start(data: BillingData, account: int, golive: GoLiveBook | None) -> date | None:
    """The later of the account's first day and the first month that its client is live."""
    days = [date.fromisoformat(text) for text in (data.choice_for(account).start,) if text]
    link = data.links.get(account)
    first = golive.first_period(link.client_key) if golive is not None and link else None
    if first is not None:
        days.append(Period.parse(first).first_day)
    return max(days, default=None)
