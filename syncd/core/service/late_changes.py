"""Facts that arrive after a final bill: found, recorded with their money, and never sent.

A billed month is reckoned again with the facts of now and the decisions of then, once for each
pull or voiding that may matter. The bill stays as it is; what differs is a late change, which a
person answers. It closes itself when bill and facts agree again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from syncd.core.service.basis import ProductBasis, SnapshotBasis, decode_line
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.late_difference import (
    MOST_UNITS,
    LateContent,
    LateProduct,
    LateUnits,
    encode_late,
    late_difference,
)
from syncd.core.service.late_issues import LATE_CHANGE, late_finding, late_subject
from syncd.core.service.ledger import Books
from syncd.core.service.plan_issues import speak
from syncd.core.service.reckoning import ReckoningRules, Sources, reckon
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.bills import SentBill, final_bills
from syncd.core.store.census.evidence import movements
from syncd.core.store.issue_subjects import open_subjects
from syncd.core.store.issues import Finding
from syncd.core.store.late_changes import (
    StoredLateChange,
    close_late_change,
    current_late_changes,
    record_late_change,
    was_decided,
)
from syncd.core.store.late_facts import LateFacts, checked, late_facts, watched_months
from syncd.core.store.references import ReferenceKind
from syncd.sdk.connector import EventLog

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
    """

    bill: SentBill
    account: str
    client_name: str
    content: LateContent

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

    Returns:
        how many months of a connection were reckoned again; 0 is the usual case.
    """
    periods = watched_months(now, timezone, rules.late_change_months)
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
        for draft in drafting.drafts(sorted(sent)):
            bill = sent[draft.account.id]
            content = await _content(conn, bill, draft, recorder, voided=bool(facts.void_id))
            if content is not None:
                found.append(_compared(bill, draft, content, data, psa_connection.id))
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
    conn: AsyncConnection, bill: SentBill, draft: Draft, recorder: BasisRecorder, *, voided: bool
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
    content = late_difference([one.line for one in sent], now.lines)
    if not content.lines:
        return content
    bases = _bases((item, one.bill.snapshot) for one in sent for item in one.line.products)
    later = _bases((item, now.snapshot) for line in now.lines for item in line.products)
    units = [
        found
        for line in content.lines
        for product in line.products
        if (found := await _units(conn, bill, product, bases, later)) is not None
    ]
    return LateContent(lines=content.lines, units=tuple(units))


_Bases = Mapping[str, tuple[ProductBasis, SnapshotBasis | None]]


def _bases(counted: Iterable[tuple[ProductBasis, SnapshotBasis | None]]) -> _Bases:
    """Products, and what is billed with them, by key."""
    return {
        key: (item, snapshot)
        for item, snapshot in counted
        for key in (item.key, *(part.key for part in item.parts))
    }


async def _units(
    conn: AsyncConnection, bill: SentBill, product: LateProduct, before: _Bases, after: _Bases
) -> LateUnits | None:
    """The units behind a difference; None where one pull alone is behind both counts."""
    shown = after.get(product.key) or before.get(product.key)
    earlier, later = _seq(before, product.key, after), _seq(after, product.key, before)
    if shown is None or product.product_id is None or not earlier or not later:
        return None
    if earlier == later:
        return None
    item, _ = shown
    moved = await movements(
        conn,
        bill.account_id,
        product.product_id,
        min(earlier, later),
        max(earlier, later),
        included=item.included_reasons,
        period=item.facts_of,
        stale_after_days=item.stale_after_days,
        as_of=bill.recorded_at,
    )
    joined = sorted(one.unit.name for one in moved.joined)
    left = sorted(one.unit.name for one in moved.left)
    resized = sorted(one.unit.name for one in moved.resized)
    if later < earlier:
        joined, left = left, joined
    return LateUnits(
        product=product.key,
        joined=tuple(joined[:MOST_UNITS]),
        left=tuple(left[:MOST_UNITS]),
        resized=tuple(resized[:MOST_UNITS]),
        n=len(joined) + len(left) + len(resized),
    )


def _seq(own: _Bases, key: str, other: _Bases) -> int:
    """The pull behind a product; one that the bill did not have was counted at the bill's pull."""
    found = own.get(key) or next(iter(own.values()), None) or other.get(key)
    if found is None:
        return 0
    item, snapshot = found
    pull = (item.snapshot if key in own else None) or snapshot
    return pull.seq if pull is not None else 0


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
        held = await current_late_changes(conn, [one.bill.account_id for one in found], period)
        about = {
            one.bill.account_id: late_subject(connection, one.account, period) for one in found
        }
        findings: dict[str, Finding] = {}
        for one in found:
            account_id = one.bill.account_id
            stored = held.get(account_id)
            if not one.differs:
                await close_late_change(conn, account_id, period, now=now)
                continue
            change = _row(one)
            same = stored is not None and stored.digest == change.digest
            if not same:
                await record_late_change(conn, change, now=now)
                fresh.append(one)
            if not await was_decided(conn, account_id, period, change.digest):
                findings[about[account_id]] = late_finding(
                    one.client_name, one.bill, one.content, change
                )
        open_now = await open_subjects(conn, connection, {LATE_CHANGE})
        keep = open_now.get(LATE_CHANGE, set()) - set(about.values())
        await book.replace(LATE_CHANGE, findings, keep=keep)
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
