"""What an edit of decisions would make of a month: the same counts, reckoned before and after.

Only our own data is read, in one transaction that sees one moment; the PSA is not asked, and
nothing is written, since the edits are laid over the stored decisions in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from syncd.core.service.billed_days import part_of, prorating
from syncd.core.service.billing_effect import Effect, compare
from syncd.core.service.draft import Drafting
from syncd.core.service.ledger import Books
from syncd.core.service.reckoning import Carried, ReckoningRules, Sources, reckon, reckon_again
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.pending import Pending
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.database import Database

NO_COUNTS: Final = "NO_SNAPSHOT"
_SAME_COUNTS: Final = frozenset(
    {
        "first_day",
        "rates",
        "asset_types",
        "own_configurations",
        "shared_configurations",
    }
)
"""Decisions that change no count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """By what a month is reckoned.

    Attributes:
        psa_id: row id of the PSA connection.
        sources: which connections count.
        rules: settings of `[billing]`.
        timezone: of billing.
        now: current time in UTC.
    """

    psa_id: int
    sources: Sources
    rules: ReckoningRules
    timezone: ZoneInfo
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEffect:
    """What an edit would make of one month.

    Attributes:
        period: whose counts were taken, `YYYY-MM`.
        running: the month goes on; its counts are those of now.
        decisions_of: month whose decisions were taken; later than `period` for an edit that
            counts from a later month on.
        counted: False where nothing was counted for the month yet, so that nothing can be said.
        effect: the differences; empty where the edit concerns nothing of the month.
    """

    period: str
    running: bool
    decisions_of: str
    counted: bool
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class EditEffect:
    """What an edit would make of the last finished month and of the running one.

    Attributes:
        currency: of all money.
        data_version: of the decisions it was reckoned from.
        months: the finished month, the running one, and one more for an edit from a later day on.
        begins: how many of the edit's rows count only from a later month than the finished one,
            by that month.
    """

    currency: str
    data_version: int
    months: tuple[MonthEffect, ...]
    begins: Mapping[str, int]


async def effect_of(database: Database, pending: Pending, terms: Terms) -> EditEffect:
    """Reckon the finished month and the running one with and without the edits.

    Args:
        database: where decisions and counts are; it is only read.
        pending: the edits.
        terms: by what to reckon.

    Raises:
        StoreError: the database cannot serve.
    """
    finished = last_finished(terms.now, terms.timezone)
    running = finished.following()
    begins = _begins(pending, after=finished)
    asked = [(finished, finished), (running, running)]
    later = [month for month in begins if month > str(running)]
    if later:
        asked.append((running, Period.parse(max(later))))
    months = []
    version = 0
    async with database.reader() as conn:
        for counts, decisions in asked:
            day = decisions.first_day.isoformat()
            before = await load_billing_data(conn, period_first_day=day)
            after = await load_billing_data(conn, period_first_day=day, pending=pending)
            version = before.data_version
            accounts = concerned(before, after, terms.psa_id)
            months.append(
                await month_effect(
                    conn,
                    before,
                    after,
                    accounts,
                    terms,
                    counts=counts,
                    decisions=decisions,
                    running=counts == running,
                )
            )
    return EditEffect(
        currency=terms.rules.currency, data_version=version, months=tuple(months), begins=begins
    )


async def month_effect(
    conn: AsyncConnection,
    before: BillingData,
    after: BillingData,
    accounts: Collection[int],
    terms: Terms,
    *,
    counts: Period,
    decisions: Period,
    running: bool = False,
) -> MonthEffect:
    """Reckon the accounts of a month twice.

    Args:
        conn: a reader's connection.
        before: decisions that hold.
        after: the other ones.
        accounts: row ids of those to reckon, with all others of their clients; without any,
            nothing is counted.
        terms: by what to reckon.
        counts: the month that was counted.
        decisions: the month of the decisions.
        running: the month goes on.
    """
    empty = compare((), ())
    known = True
    if accounts:
        one, two = await both(conn, before, after, accounts, terms, counts, running=running)
        drafts = [list(each.drafts(sorted(accounts))) for each in (one, two)]
        known = any(NO_COUNTS not in d.bill.errors for each in drafts for d in each)
        empty = compare(*drafts) if known else empty
    return MonthEffect(
        period=str(counts),
        running=running,
        decisions_of=str(decisions),
        counted=known,
        effect=empty,
    )


async def both(
    conn: AsyncConnection,
    before: BillingData,
    after: BillingData,
    accounts: Collection[int],
    terms: Terms,
    period: Period,
    *,
    running: bool = False,
) -> tuple[Drafting, Drafting]:
    """The month with the one decisions and with the other, counted once where that is enough."""
    names = {before.connections[before.accounts[one].connection_id].name for one in accounts}
    sources = replace(terms.sources, active=names & set(terms.sources.active))

    async def reckoned(data: BillingData) -> Drafting:
        return await reckon(
            conn,
            data,
            psa_id=terms.psa_id,
            sources=sources,
            period=period,
            timezone=terms.timezone,
            rules=terms.rules,
            running_at=terms.now if running else None,
            accounts=frozenset(accounts),
            books=books,
            corrections=Carried.SENT,
        )

    books: Books | None = None
    one = await reckoned(before)
    if counts_alike(before, after):
        return one, reckon_again(one, after)
    books = one.books
    return one, await reckoned(after)


def counts_alike(before: BillingData, after: BillingData) -> bool:
    """Whether both count the same units by the same methods, on the same days."""
    return prorating(before) == prorating(after) and all(
        getattr(before, one.name) == getattr(after, one.name)
        for one in fields(BillingData)
        if one.name not in _SAME_COUNTS
    )


def concerned(before: BillingData, after: BillingData, psa_id: int) -> frozenset[int]:
    """Row ids of the accounts whose bills may differ, with all accounts of their clients.

    Rules are shared by the accounts of a client, so that a change of one may move another.
    """
    touched = _touched(before, after)
    keys = {
        (one.connection_id, one.key): one.id
        for one in before.products.values()
        if one.id in touched
    }
    changed = {
        account_id
        for account_id in before.accounts
        if _decided(before, account_id, keys) != _decided(after, account_id, keys)
    }
    clients = {
        data.links[one].client_key
        for data in (before, after)
        for one in changed
        if one in data.links
    }
    found = set(changed)
    for data in (before, after):
        found |= {
            link.account_id
            for link in data.links.values()
            if link.psa_connection_id == psa_id and link.client_key in clients
        }
    return frozenset(found)


def _touched(before: BillingData, after: BillingData) -> frozenset[int]:
    """Ids of the products of which any asset type, rate or rule differs, whosever it is."""
    found = {
        product
        for one, two in ((before.rates, after.rates), (before.rules, after.rules))
        for product, client in one.keys() | two.keys()
        if one.get((product, client)) != two.get((product, client))
    }
    types = before.asset_types, after.asset_types
    found |= {
        one for one in types[0].keys() | types[1].keys() if types[0].get(one) != types[1].get(one)
    }
    return frozenset(found)


def _decided(
    data: BillingData, account_id: int, keys: Mapping[tuple[int, str], int]
) -> tuple[object, ...]:
    """Everything that people decided about the bill of an account, of the products in `keys`."""
    link = data.links.get(account_id)
    client = link.client_key if link is not None else ""
    configurations = data.configurations_for(account_id)
    connection = data.accounts[account_id].connection_id
    products = [
        product
        for one in configurations
        for key in one.products
        if (product := keys.get((connection, key))) is not None
    ]
    month = Period.parse(data.first_day[:7])
    choice = data.choices.get(account_id)
    return (
        link,
        part_of(choice, month) if choice is not None else None,
        data.exclusions.get(account_id),
        configurations,
        data.exclusions.get(account_id, ()),
        [
            (data.asset_types.get(one), data.rates_for(one, client), data.rule_for(one, client))
            for one in products
        ],
    )


def _begins(pending: Pending, *, after: Period) -> dict[str, int]:
    """How many new rows count from which month on, for those after the finished month."""
    found: dict[str, int] = {}
    for edits in pending.tables.values():
        for values in edits.new:
            day = values.get("valid_from")
            if day and (month := first_month(day)) > after:
                found[str(month)] = found.get(str(month), 0) + 1
    return dict(sorted(found.items()))


def first_month(day: str) -> Period:
    """The first month that a decision from this day (ISO date) prices: a first day decides."""
    begins = date.fromisoformat(day)
    month = Period(begins.year, begins.month)
    return month if begins.day == 1 else month.following()
