"""Reopening a final bill: first what it would come to, then a person's word that is kept.

Nothing is written to the PSA and nothing of the bill is edited: the next plan of the month makes a
new revision of it, and the guards look at that plan as at any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.billing.bill_life import BillKind
from syncd.core.billing.identity import CURRENT
from syncd.core.billing.plan_input import Style
from syncd.core.service.clients import find_client
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.lives import load_lives
from syncd.core.service.plan_issues import speak
from syncd.core.service.reckoning import Carried, ReckoningRules, Sources, reckon
from syncd.core.service.refusals import ReopenRefused
from syncd.core.service.reopening_issues import reopening_told
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.bills import SentBill, bills_of_client
from syncd.core.store.month_close import is_closed
from syncd.core.store.reopenings import Reopening, record_reopening
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.service.draft import Draft
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A final bill, and what its month comes to by the counts and decisions of now.

    Attributes:
        bill: as it was sent.
        account: the vendor's id.
        reason: code why it cannot be reopened, or empty.
        price: what the month would come to, None where that is not known.
        stops: errors that a plan of it would end with.
        newer: the newer month that its lasting records hold, or empty.
    """

    bill: SentBill
    account: str
    reason: str
    price: Decimal | None = None
    stops: tuple[str, ...] = ()
    newer: str = ""

    @property
    def change(self) -> Decimal | None:
        """Money that making it again would add or take away, None where that is not known."""
        if self.price is None or self.bill.total_price is None:
            return None
        return self.price - self.bill.total_price


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopeningLook:
    """The bills of one client and month.

    Attributes:
        client: PSA client id.
        client_name: for people.
        period: the month.
        bills: the newest complete one of each account.
        psa_id: row id of the PSA connection.
    """

    client: str
    client_name: str
    period: str
    bills: tuple[Prospect, ...]
    psa_id: int

    @property
    def reopenable(self) -> tuple[Prospect, ...]:
        return tuple(one for one in self.bills if not one.reason)


async def look_at_bills(
    database: Database,
    *,
    client: str,
    period: Period,
    rules: ReckoningRules,
    timezone: ZoneInfo,
    psa_connection: ConnectionRef,
    sources: Sources,
) -> ReopeningLook:
    """What reopening the bills of a client would be about; nothing is changed.

    Args:
        database: where everything is.
        client: by id or by a name that one client has.
        period: the month.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa_connection: where the clients are.
        sources: which connections count.

    Raises:
        ClientUnknown: that is not exactly one client.
        ReopenRefused: no account of it has a final bill of the month, all were reopened, or the
            month is sealed.
    """
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        entry = find_client(data, psa_connection.id, client)
        await _require_open(conn, psa_connection.id, period)
        sent = await _newest(conn, entry.key, period)
        accounts = sorted(sent)
        lives = await load_lives(conn, data, accounts, zone=timezone, months=[period])
        drafting = await reckon(
            conn,
            data,
            psa_id=psa_connection.id,
            sources=sources,
            period=period,
            timezone=timezone,
            rules=rules,
            corrections=Carried.DUE,
        )
        drafts = {draft.account.id: draft for draft in drafting.drafts(accounts)}
    rolling = Style(rules.subscription_style) is Style.ROLLING
    look = ReopeningLook(
        client=entry.key,
        client_name=entry.name,
        period=str(period),
        bills=tuple(
            _prospect(
                sent[one],
                data.accounts[one].key,
                lives[one].reopen(period).reason,
                drafts.get(one),
                rolling=rolling,
            )
            for one in accounts
        ),
        psa_id=psa_connection.id,
    )
    _require_any(look)
    return look


async def reopen_bills(
    database: Database,
    look: ReopeningLook,
    *,
    reason: str,
    by: str,
    timezone: ZoneInfo,
    clock: Callable[[], datetime],
    log: EventLog,
) -> tuple[Prospect, ...]:
    """Keep a person's word for every bill of the look that can be reopened.

    Args:
        database: where the bills are.
        look: what the person saw.
        reason: why; must say something.
        by: who.
        timezone: of billing.
        clock: current time in UTC.
        log: gets `bill.reopened` for each.

    Raises:
        ReopenRefused: no reason, or since the look a newer revision was made or the month sealed.
    """
    if not reason.strip():
        message = "a bill is reopened for a reason: it is kept with the bill"
        raise ReopenRefused(message, remedy='add --reason "what was wrong"')
    now = clock()
    period = Period.parse(look.period)
    books: list[IssueBook] = []
    async with database.writer() as conn:
        await _require_open(conn, look.psa_id, period)
        data = await load_billing_data(conn, period_first_day=period.first_day.isoformat())
        newest = await _newest(conn, look.client, period)
        for one in look.reopenable:
            account_id = one.bill.account_id
            lives = await load_lives(conn, data, [account_id], zone=timezone, months=[period])
            moved = newest[account_id].id != one.bill.id
            if moved or lives[account_id].reopen(period).reason:
                message = f"the bill of {look.client_name} for {look.period} changed meanwhile"
                raise ReopenRefused(message, remedy="look again: repeat the command")
            word = Reopening(bill_id=one.bill.id, by=by, reason=reason.strip(), at=now)
            await record_reopening(conn, word)
            account = data.accounts[account_id]
            book = IssueBook(conn, data.connections[account.connection_id].name, now)
            await reopening_told(book, account_id, look.client, look.client_name, look.period, word)
            books.append(book)
    for one in look.reopenable:
        log(
            "bill.reopened",
            client=look.client_name,
            account=one.account,
            period=look.period,
            revision=one.bill.revision,
            by=by,
            reason=reason.strip(),
        )
    speak(books, log)
    return look.reopenable


async def _newest(conn: AsyncConnection, client: str, period: Period) -> dict[int, SentBill]:
    """The newest complete bill of each account that was made out to the client."""
    found: dict[int, SentBill] = {}
    for bill in await bills_of_client(conn, client, period=str(period)):
        if bill.completed_at is not None:
            found.setdefault(bill.account_id, bill)
    return found


def _prospect(
    bill: SentBill, account: str, reason: str, draft: Draft | None, *, rolling: bool
) -> Prospect:
    records = draft.books.records if draft is not None and rolling else ()
    newest = max((one.sent_period for one in records if one.period != CURRENT), default="")
    stops = draft.bill.errors if draft is not None else ()
    prices = [line.total_price for line in draft.bill.lines] if draft is not None else []
    known = draft is not None and not stops and None not in prices
    return Prospect(
        bill=bill,
        account=account,
        reason=reason,
        price=sum((one for one in prices if one is not None), Decimal(0)) if known else None,
        stops=tuple(stops),
        newer=newest if newest > bill.period else "",
    )


async def _require_open(conn: AsyncConnection, psa_id: int, period: Period) -> None:
    if await is_closed(conn, psa_id, str(period)):
        message = f"{period} is sealed: its bills stay as they are"
        remedy = "bill the difference in a later month: `syncd corrections list`"
        raise ReopenRefused(message, remedy=remedy)


def _require_any(look: ReopeningLook) -> None:
    """Refuse where nothing can be reopened, with the reason of each bill."""
    if look.reopenable:
        return
    where = f"{look.client_name} for {look.period}"
    if any(one.reason == "ALREADY_REOPENED" for one in look.bills):
        message = f"the bill of {where} is open already: it waits to be made again"
        remedy = f"`syncd plan billing --period {look.period} --client {look.client}`"
        raise ReopenRefused(message, remedy=remedy)
    temporary = any(one.bill.kind is BillKind.TEMPORARY for one in look.bills)
    found = "a temporary bill only" if temporary else "no bill"
    message = f"there is nothing to reopen: {where} has {found}"
    raise ReopenRefused(message, remedy="`syncd bill send` makes a bill that is not final")
