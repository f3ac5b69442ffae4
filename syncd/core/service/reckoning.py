"""What a month comes to by our own books: counts and decisions, without asking the PSA anything.

Plans start from it, and so does every question of the kind "what if": another rate, another rule,
facts that came late.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from syncd.core.billing.plan_input import Style
from syncd.core.service.billed_days import at_the_end, billed_parts, over, with_days
from syncd.core.service.correction_book import NO_CORRECTIONS, load_corrections
from syncd.core.service.draft import (
    SOURCE_DISABLED,
    SOURCE_UNAVAILABLE,
    BillingRules,
    Drafting,
)
from syncd.core.service.ledger import Books, load_books
from syncd.core.service.month_usage import month_facts, with_months
from syncd.core.service.snapshots import Snapshot, snapshots
from syncd.core.service.sources import Sources as Sources
from syncd.core.service.usage import Counted, count, usages
from syncd.core.store.billing_data import BillingData
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


class ReckoningRules(BillingRules, Protocol):
    """The settings of `[billing]` that decide what a month comes to; see docs/config.md."""

    @property
    def max_age_hours(self) -> int: ...


class Carried(Enum):
    """Which corrections bills of a month carry: none, those they were sent with, or all due."""

    NONE = "none"
    SENT = "sent"
    DUE = "due"


async def reckon(
    conn: AsyncConnection,
    data: BillingData,
    *,
    psa_id: int,
    sources: Sources,
    period: Period,
    timezone: ZoneInfo,
    rules: ReckoningRules,
    settled: Mapping[int, str] = MappingProxyType({}),
    running_at: datetime | None = None,
    as_of: datetime | None = None,
    accounts: Collection[int] | None = None,
    books: Books | None = None,
    corrections: Carried = Carried.NONE,
) -> Drafting:
    """Everything that the bills of a month are made from.

    Args:
        conn: a reader's connection.
        data: what people decided; give other decisions to see what they would make of the month.
        psa_id: row id of the PSA connection.
        sources: which connections count.
        period: the month.
        timezone: of billing.
        rules: settings of `[billing]`.
        settled: account id -> code of the bills that stay as they are, whatever was counted.
        running_at: for a month that goes on: the moment that is taken for its end.
        as_of: count with what was recorded by then, None for now; `data` must be of that moment.
        accounts: row ids of those to count, with all others of their clients; None counts all.
            Drafts of any other are not to be asked for.
        books: of those accounts, where the same transaction has read them already.
        corrections: which accepted differences of earlier months its bills carry.
    """
    found: dict[int, Snapshot] = {}
    counted: dict[tuple[int, int], Counted] = {}
    resting: dict[int, str] = {}
    parts = billed_parts(data, period)
    for connection in data.connections.values():
        if connection.name not in sources.active:
            broken = connection.name in sources.broken
            resting[connection.id] = SOURCE_UNAVAILABLE if broken else SOURCE_DISABLED
            continue
        own = await snapshots(
            conn,
            connection.id,
            period,
            timezone,
            max_age_hours=rules.max_age_hours,
            now=running_at,
            as_of=as_of,
        )
        if accounts is not None:
            own = {one: snapshot for one, snapshot in own.items() if one in accounts}
        if parts:
            own = await at_the_end(
                conn,
                connection.id,
                parts,
                own,
                period,
                timezone,
                max_age_hours=rules.max_age_hours,
                now=running_at,
                as_of=as_of,
            )
        own = await with_months(
            conn,
            data,
            connection.id,
            period,
            timezone,
            own,
            max_age_hours=rules.max_age_hours,
            now=running_at,
            as_of=as_of,
        )
        found.update(own)
        counted.update(
            await count(
                conn, data, connection.id, period, timezone, own, as_of=as_of, until=running_at
            )
        )
        if parts:
            counted, parts = await with_days(
                conn,
                data,
                connection.id,
                period,
                timezone,
                own,
                counted,
                parts,
                as_of=as_of,
                until=running_at,
            )
        counted.update(await month_facts(conn, data, connection.id, period, own, as_of=as_of))
    books = books or await load_books(
        conn,
        psa_id,
        sorted(data.accounts if accounts is None else accounts),
        style=Style(rules.subscription_style),
    )
    return Drafting(
        data=data,
        usages=usages(data, counted, found, psa_id, over=over(parts)),
        parts=parts,
        snapshots=found,
        resting=resting,
        books=books,
        psa_id=psa_id,
        period=period,
        rules=rules,
        settled=settled,
        running=running_at is not None,
        corrections=NO_CORRECTIONS
        if corrections is Carried.NONE
        else await load_corrections(
            conn, str(period), books, only_carried=corrections is Carried.SENT
        ),
    )


def reckon_again(drafting: Drafting, data: BillingData) -> Drafting:
    """The same month with other decisions, without counting again.

    Args:
        drafting: a month that was reckoned.
        data: decisions that count the same: other links and rules need `reckon`.
    """
    before = drafting.data
    figures = drafting.usages
    if (data.own_configurations, data.shared_configurations) != (
        before.own_configurations,
        before.shared_configurations,
    ):
        figures = usages(
            data,
            figures.counted,
            drafting.snapshots,
            drafting.psa_id,
            over=over(drafting.parts),
        )
    return replace(drafting, data=data, usages=figures)
