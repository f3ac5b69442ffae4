"""The automatic run: whose month before is to be billed now, and whose days passed without a bill.

What waits for a person is left to the person; what was missed, and what a held bill leaves
unbilled once its days are over, is told until there is a bill.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.held_bills import tell_unbilled
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.lives import load_lives
from syncd.core.service.plan_issues import account_subject
from syncd.core.service.queueing import AUTO_WINDOW_MISSED
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.bills import last_bills
from syncd.core.store.golive import LIVE, load_golive
from syncd.core.store.issues import Finding
from syncd.core.store.month_close import is_closed
from syncd.core.store.plan_history import waiting_accounts
from syncd.core.store.references import ReferenceKind
from syncd.core.store.unbilled import standing_units
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomaticRun:
    """What an automatic run is about.

    Attributes:
        period: the month before.
        due: row ids of the accounts to bill; nobody once a person sealed the month.
        missed: of the accounts with something to bill whose window passed without a final bill.
        shadow: of the accounts that would be billed if their client were live.
    """

    period: Period
    due: frozenset[int]
    missed: frozenset[int]
    shadow: frozenset[int] = frozenset()


async def choose_automatic(
    database: Database,
    *,
    timezone: ZoneInfo,
    auto_time: time,
    psa_connection: ConnectionRef,
    now: datetime,
    log: EventLog,
    mode: str = LIVE,
) -> AutomaticRun:
    """Whose bills the automatic run makes now; tells and withdraws what was missed or waits.

    Args:
        database: where everything is.
        timezone: of billing.
        auto_time: local time of day 1 at which the window opens.
        psa_connection: where the clients are.
        now: UTC.
        log: told of issues.
        mode: of the installation; with the words of people it tells which clients are live.
    """
    period = last_finished(now, timezone)
    async with database.writer() as conn:
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        golive = await load_golive(conn, psa_connection.id, mode=mode)
        linked = [
            account
            for account in sorted(data.accounts_of_psa(psa_connection.id))
            if data.configurations_for(account)
        ]
        accounts = [
            account
            for account in linked
            if golive.is_live(data.links[account].client_key, str(period))
        ]
        lives = await load_lives(
            conn,
            data,
            accounts,
            zone=timezone,
            months=[period],
            auto_time=auto_time,
            golive=golive,
        )
        actions = {account: life.auto_tick(now) for account, life in lives.items()}
        waiting = await waiting_accounts(conn, str(period))
        due = {one for one, action in actions.items() if action.becomes is not None} - waiting
        late = {one for one, action in actions.items() if action.reason == AUTO_WINDOW_MISSED}
        missed = late - waiting
        if (due or missed) and await is_closed(conn, psa_connection.id, str(period)):
            due, missed = set(), set()
        elif due or missed:
            billable = {one.account_id for one in await standing_units(conn, since=period)}
            billable |= set(await last_bills(conn, accounts))
            due, missed = due & billable, missed & billable
        books = []
        for connection in data.connections.values():
            book = IssueBook(conn, connection.name, now)
            await book.replace(
                AUTO_WINDOW_MISSED,
                _findings(data, connection.id, missed, period, psa_connection.id),
            )
            books.append(book)
        books += await tell_unbilled(conn, psa=psa_connection.name, now=now, zone=timezone)
    for book in books:
        book.speak(log)
    return AutomaticRun(
        period=period,
        due=frozenset(due),
        missed=frozenset(missed),
        shadow=frozenset(linked) - frozenset(accounts),
    )


def _findings(
    data: BillingData, connection_id: int, missed: Collection[int], period: Period, psa_id: int
) -> dict[str, Finding]:
    found = {}
    for account_id in missed:
        account = data.accounts[account_id]
        if account.connection_id != connection_id:
            continue
        key = data.links[account_id].client_key
        client = data.references.name(psa_id, ReferenceKind.CLIENT, key) or account.name
        found[account_subject(data.connections[connection_id].name, account.key)] = Finding(
            message=f"The automatic run of {client} for {period} did not happen within the first "
            "three days: the month has no final bill.",
            remedy=f"Send it by hand: `syncd bill send {key}`; or name a later billing_start with "
            "`syncd map billing --export FILE`.",
            evidence={"client": client, "period": str(period)},
        )
    return found
