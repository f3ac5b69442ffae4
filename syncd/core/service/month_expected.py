"""Accounts from which no bill of a month is to be expected, so that nobody waits for one.

A plan shows only what it has something to say of; an account without units, with fewer than come
free, or past its last day is in none, and must not keep a month open for ever.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from syncd.core.service.reckoning import ReckoningRules, Sources, reckon
from syncd.core.store.billing_data import BillingData
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class MonthRules(ReckoningRules, Protocol):
    """The settings of `[billing]` that the page of a month needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...


async def nothing_to_bill(
    conn: AsyncConnection,
    data: BillingData,
    accounts: Collection[int],
    *,
    psa_id: int,
    sources: Sources,
    period: Period,
    timezone: ZoneInfo,
    rules: MonthRules,
) -> set[int]:
    """Those of these accounts of which a plan of the month would say nothing.

    Args:
        conn: a reader's connection.
        data: what people decided.
        accounts: row ids of linked accounts, of which no plan and no bill has anything.
        psa_id: row id of the PSA connection.
        sources: which connections count.
        period: the month.
        timezone: of billing.
        rules: settings of `[billing]`.
    """
    if not accounts:
        return set()
    clients = {data.links[one].client_key for one in accounts}
    together = {one for key in clients for one in data.accounts_of_client(psa_id, key)}
    drafting = await reckon(
        conn,
        data,
        psa_id=psa_id,
        sources=sources,
        period=period,
        timezone=timezone,
        rules=rules,
        accounts=together | set(accounts),
    )
    return set(accounts) - {
        draft.account.id
        for draft in drafting.drafts(sorted(accounts))
        if draft.frozen or draft.bill.lines or draft.bill.errors or draft.bill.warnings
    }
