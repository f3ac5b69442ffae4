"""Sealing a month: refused while anything of it is open, and never undone.

What is sealed is the page as it stood. From then on its bills are not planned, sent or reopened;
facts that arrive later become corrections of a later month.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from syncd.core.service.month_expected import MonthRules
from syncd.core.service.month_page import MonthPage
from syncd.core.service.month_reading import read_month
from syncd.core.service.reckoning import Sources
from syncd.core.service.refusals import MonthNotClosable, PeriodNotOver
from syncd.core.store.delivery_lock import billing_turn
from syncd.core.store.month_close import ClosedMonth, seal
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period
from syncd.sdk.records import canonical_json

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

MONTH_SEALED: Final = "MONTH_SEALED"


async def close_month(
    database: Database,
    *,
    psa: ConnectionRef,
    period: Period,
    timezone: ZoneInfo,
    rules: MonthRules,
    sources: Sources,
    clock: Callable[[], datetime],
    log: EventLog,
    by: str,
    reason: str = "",
    wait_seconds: float = 30.0,
) -> MonthPage:
    """Seal a month, and give its page.

    Args:
        database: where everything is.
        psa: the PSA connection.
        period: the month.
        timezone: of billing.
        rules: settings of `[billing]`.
        sources: which connections count.
        clock: current time in UTC.
        log: gets `month.closed`.
        by: name of the person.
        reason: in their words, may be empty.
        wait_seconds: how long to wait for another process that plans or applies.

    Raises:
        PeriodNotOver: the month still goes on.
        MonthNotClosable: it was sealed before, nothing of it was billed, or something is open.
    """
    if period.end(timezone) > clock():
        message = f"{period} is not over until {period.end(timezone):%d %B}"
        raise PeriodNotOver(message, remedy="seal it after its bills were sent")
    async with billing_turn(database, psa.id, wait_seconds=wait_seconds):
        page = await read_month(
            database,
            psa=psa,
            period=period,
            timezone=timezone,
            rules=rules,
            sources=sources,
            clock=clock,
        )
        if page.closed_at is not None:
            message = f"{period} was sealed by {page.closed_by} on {page.closed_at:%Y-%m-%d}"
            raise MonthNotClosable(message, remedy=f"`syncd month {period}` shows it")
        _require_closable(page)
        now = clock()
        page = msgspec.structs.replace(page, closed_by=by, closed_at=now)
        content = canonical_json(page)
        month = ClosedMonth(
            period=str(period),
            content=content.decode(),
            digest=hashlib.sha256(content).hexdigest(),
            closed_by=by,
            reason=reason,
            closed_at=now,
        )
        async with database.writer() as conn:
            first = await seal(conn, psa.id, month)
    if not first:
        message = f"somebody sealed {period} a moment ago"
        raise MonthNotClosable(message, remedy=f"`syncd month {period}` shows it")
    log("month.closed", period=str(period), by=by, money=str(page.price))
    return page


def _require_closable(page: MonthPage) -> None:
    if not page.billed:
        message = f"nothing of {page.period} was billed"
        raise MonthNotClosable(message, remedy=f"`syncd month {page.period}` shows how it stands")
    if page.obstacles:
        message = f"{page.period} cannot be sealed: {'; '.join(page.obstacles)}"
        remedy = f"`syncd month {page.period}` names the next command for each"
        raise MonthNotClosable(message, remedy=remedy)
