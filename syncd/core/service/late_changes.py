"""Facts that arrive after a final bill: found, recorded with their money, and never sent.

A billed month is reckoned again with the facts of now and the decisions of then, once for each
pull or voiding that may matter. The bill stays as it is; what differs from it, and from what was
accepted as a correction, is a late change, which a person answers. It closes itself when bill and
facts agree again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from syncd.core.service.basis import decode_line
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.late_content import LateContent, decode_late, encode_late
from syncd.core.service.late_difference import late_difference
from syncd.core.service.late_issues import LATE_CHANGE, late_finding, late_subject
from syncd.core.service.late_units import bases, corrected_bases, units_behind, with_pulls
from syncd.core.service.ledger import Books
from syncd.core.service.plan_issues import speak
from syncd.core.service.reckoning import ReckoningRules, Sources, reckon
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.bills import SentBill, final_bills
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding
from syncd.core.store.late_changes import (
    StoredLateChange,
    accepted_late_changes,
    close_late_change,
    current_late_changes,
    dismissed_before,
    record_late_change,
)
from syncd.core.store.late_facts import LateFacts, checked, late_facts, watched_months
from syncd.core.store.references import ReferenceKind
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.service.draft import Draft
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

NO_SNAPSHOT: Final = "NO_SNAPSHOT"
SOURCE_INCOMPLETE: Final = "SOURCE_INCOMPLETE"
"""A voided pull is an attempt that proved nothing; where an old one is left, it is this error."""


class LateRules(ReckoningRules, Protocol):
    """The settings of `[billing]` that this needs; see docs/config.md."""

    @property
    def late_change_months(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A final bill beside its month as it is known now.

    Attributes:
        bill: as sent.
        account: the vendor's id.
        client_name: for people.
        content: what differs, without lines where nothing does.
        accepted: row ids of the late changes that were corrections by then.
    """

    bill: SentBill
    account: str
    client_name: str
    content: LateContent
    accepted: tuple[int, ...] = ()

    @property
    def differs(self) -> bool:
        return bool(self.content.lines or self.content.unproven)


async def find_late_changes(
    database: Database,
    *,
    rules: LateRules,
    timezone: ZoneInfo,
    psa_connection: ConnectionRef,
    sources: Sources,
    now: datetime,
    log: EventLog,
    also: Period | None = None,
) -> int:
    """Compare billed months with what is known now, where anything became known since.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa_connection: where the clients are.
        sources: which connections count; those that rest are compared once they count again.
        now: UTC.
        log: gets `bill.late_change` and the issues.
        also: a finished month that a person asks about, however old it is.

    Returns:
        how many months of a connection were reckoned again; 0 is the usual case.
    """
    periods = watched_months(now, timezone, rules.late_change_months)
    if also is not None and also not in periods and also.end(timezone) <= now:
        periods.append(also)
    done = 0
    async with database.reader() as conn:
        asked = await late_facts(conn, periods, timezone)
    for facts in asked:
        async with database.reader() as conn:
            found = await _compare(conn, facts, rules, timezone, psa_connection, sources)
        if found is not None:
            await _record(database, facts, *found, now, log)
            done += 1
    return done


async def _compare(
    conn: AsyncConnection,
    facts: LateFacts,
    rules: LateRules,
    timezone: ZoneInfo,
    psa_connection: ConnectionRef,
    sources: Sources,
) -> tuple[str, list[Compared]] | None:
    """The source, and every final bill that can be reckoned again; None while the source rests."""
    name = ""
    found: list[Compared] = []
    by_moment: dict[datetime, list[SentBill]] = {}
    for bill, made_at in await final_bills(conn, facts.connection_id, str(facts.period)):
        by_moment.setdefault(made_at, []).append(bill)
    for moment, bills in sorted(by_moment.items()):
        data = await load_billing_data(
            conn, period_first_day=facts.period.first_day.isoformat(), as_of=moment
        )
        name = data.connections[facts.connection_id].name
        if name not in sources.active:
            return None
        drafting = await reckon(
            conn,
            data,
            psa_id=psa_connection.id,
            sources=Sources(active=[name]),
            period=facts.period,
            timezone=timezone,
            rules=rules,
        )
        # What is on its way is of another month, and says nothing about what this one counted.
        drafting = replace(drafting, books=_settled(drafting.books))
        recorder = BasisRecorder(drafting=drafting, psa_name=psa_connection.name)
        sent = {bill.account_id: bill for bill in bills}
        accepted = await accepted_late_changes(conn, sent, str(facts.period))
        for draft in drafting.drafts(sorted(sent)):
            bill = sent[draft.account.id]
            held = accepted.get(draft.account.id, ())
            content = await _content(conn, bill, draft, recorder, held, voided=bool(facts.void_id))
            if content is not None:
                one = _compared(bill, draft, content, data, psa_connection.id)
                found.append(replace(one, accepted=tuple(each.id for each in held)))
    return name, found


def _settled(books: Books) -> Books:
    return replace(
        books, accounts={key: replace(one, unsettled=()) for key, one in books.accounts.items()}
    )


def _compared(
    bill: SentBill, draft: Draft, content: LateContent, data: BillingData, psa_id: int
) -> Compared:
    client = data.references.name(psa_id, ReferenceKind.CLIENT, bill.client_key)
    return Compared(
        bill=bill,
        account=draft.account.key,
        client_name=client or draft.client_name,
        content=content,
    )


async def _content(
    conn: AsyncConnection,
    bill: SentBill,
    draft: Draft,
    recorder: BasisRecorder,
    accepted: Sequence[StoredLateChange],
    *,
    voided: bool,
) -> LateContent | None:
    """What differs; None for a bill that cannot be compared at present.

    Of errors only these are facts: what proved the month was voided.
    """
    for code in (NO_SNAPSHOT, *((SOURCE_INCOMPLETE,) if voided else ())):
        if code in draft.bill.errors:
            return LateContent(lines=(), unproven=code)
    if draft.bill.errors:
        return None
    sent = [decode_line(line.basis) for line in bill.lines]
    now = recorder.reckoned(draft)
    corrected = [decode_late(one.content) for one in accepted]
    content = late_difference([one.line for one in sent], now.lines, corrected)
    if not content.lines:
        return content
    later = bases((item, now.snapshot) for line in now.lines for item in line.products)
    billed = bases((item, one.bill.snapshot) for one in sent for item in one.line.products)
    before = corrected_bases(billed, later, corrected)
    content = with_pulls(content, before, later)
    units = await units_behind(conn, bill, content, before, later)
    return LateContent(lines=content.lines, units=units)


async def _record(
    database: Database,
    facts: LateFacts,
    connection: str,
    found: Sequence[Compared],
    now: datetime,
    log: EventLog,
) -> None:
    """Write what differs and what agrees again, the issues of it, and that it was looked at."""
    period = str(facts.period)
    fresh: list[Compared] = []
    async with database.writer() as conn:
        book = IssueBook(conn, connection, now)
        accounts = [one.bill.account_id for one in found]
        held = await current_late_changes(conn, accounts, period)
        accepted = await accepted_late_changes(conn, accounts, period)
        moved = 0
        about: set[str] = set()
        findings: dict[str, Finding] = {}
        for one in found:
            account_id = one.bill.account_id
            if one.accepted != tuple(each.id for each in accepted.get(account_id, ())):
                moved += 1  # a person decided meanwhile: compared again with the next look
                continue
            subject = late_subject(connection, one.account, period)
            about.add(subject)
            stored = held.get(account_id)
            if not one.differs:
                await close_late_change(conn, account_id, period, now=now)
                continue
            change = _row(one)
            if stored is not None and stored.digest == change.digest:
                change = stored
            else:
                word = await dismissed_before(conn, account_id, period, change.digest)
                change = await record_late_change(conn, change, now=now, word=word)
                fresh.append(one)
            if not change.outcome:
                findings[subject] = late_finding(one.client_name, one.bill, one.content, change)
        open_now = await open_subjects(conn, connection, {LATE_CHANGE})
        await book.replace(LATE_CHANGE, findings, keep=open_now.get(LATE_CHANGE, set()) - about)
        if not moved:
            await checked(conn, facts)
    for one in fresh:
        money = one.content.price_change
        log(
            "bill.late_change",
            client=one.client_name,
            account=one.account,
            period=period,
            money=None if money is None else str(money),
            currency=one.bill.currency,
        )
    speak([book], log)


def _row(one: Compared) -> StoredLateChange:
    return StoredLateChange(
        account_id=one.bill.account_id,
        period=one.bill.period,
        bill_id=one.bill.id,
        client_key=one.bill.client_key,
        currency=one.bill.currency,
        price_change=one.content.price_change,
        cost_change=one.content.cost_change,
        digest=one.content.digest,
        content=encode_late(one.content),
    )
