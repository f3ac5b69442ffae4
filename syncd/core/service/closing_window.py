"""Automatic bills that are not sent on the last day on which the automatic run makes them.

From the next day on a person has to send them by hand; told while there is still time.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.billing.bill_life import WINDOW_DAYS, window_over
from syncd.core.service.lives import load_lives
from syncd.core.service.notice_content import ClosingWindow
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.bills import last_bills
from syncd.core.store.connections import find_connection
from syncd.core.store.golive import load_golive
from syncd.core.store.plan_history import waiting_accounts
from syncd.core.store.references import ReferenceKind
from syncd.core.store.unbilled import standing_units
from syncd.sdk.period import last_finished


async def closing_window(
    conn: AsyncConnection,
    now: datetime,
    *,
    psa: str,
    mode: str,
    timezone: ZoneInfo,
    auto_time: time,
) -> ClosingWindow | None:
    """What is left to send of the month before; None on every other day, or when nothing is.

    Args:
        conn: a reader's connection.
        now: UTC.
        psa: name of the connection that takes the bills.
        mode: of the installation.
        timezone: of billing.
        auto_time: local time of day 1 at which the window opens.
    """
    if window_over(now, timezone) or not window_over(now + timedelta(days=1), timezone):
        return None
    connection = await find_connection(conn, psa)
    if connection is None:
        return None
    period = last_finished(now, timezone)
    data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
    golive = await load_golive(conn, connection.id, mode=mode)
    accounts = [
        account
        for account in sorted(data.accounts_of_psa(connection.id))
        if data.configurations_for(account)
        and golive.is_live(data.links[account].client_key, str(period))
    ]
    lives = await load_lives(
        conn, data, accounts, zone=timezone, months=[period], auto_time=auto_time, golive=golive
    )
    due = {one for one, life in lives.items() if life.auto_tick(now).becomes is not None}
    held = (await waiting_accounts(conn, str(period))) & set(accounts)
    missing = due - held
    if missing:
        billable = {one.account_id for one in await standing_units(conn, since=period)}
        missing &= billable | set(await last_bills(conn, accounts))
    if not held and not missing:
        return None
    names = {
        data.references.name(connection.id, ReferenceKind.CLIENT, data.links[one].client_key)
        or data.accounts[one].name
        for one in held | missing
    }
    return ClosingWindow(
        period=str(period),
        last_day=period.following().first_day + timedelta(days=WINDOW_DAYS - 1),
        held=len(held),
        missing=len(missing),
        clients=tuple(sorted(names)),
    )
