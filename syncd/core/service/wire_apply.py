"""Applying a plan of wiring: what may be written is queued in one commit, and then delivered.

Writing to recurring invoices is switched on by a person; without that the plan says what to do by
hand. A plan is used up once, as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.answers import WriteReport
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.psa_sweep import sweep
from syncd.core.service.refusals import (
    LinksByHand,
    PlanConsumed,
    PlanStale,
    ShadowMode,
)
from syncd.core.service.wire_delivery import deliver_links
from syncd.core.service.wire_issues import close_linked
from syncd.core.service.wire_plan import WireRules, is_lasting
from syncd.core.store.billing_data import load_billing_data
from syncd.core.store.golive import load_golive
from syncd.core.store.lines import records_of
from syncd.core.store.outbox import OutboxState
from syncd.core.store.plans import PlanRecord, PlanState, use_up
from syncd.core.store.wire_changes import WireItem, links_of_plan, open_lines, queue_links
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period
from syncd.sdk.ports import Psa, RecurringWriter
from syncd.sdk.records import PlannedLink

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

_UNFINISHED = frozenset({OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class WiredPlan:
    """What became of a plan of wiring.

    Attributes:
        plan_id: which.
        items: each link that was queued, as it stands.
        skipped: links that were not, with the reason.
        report: what the delivery did; None for a dry run.
    """

    plan_id: str
    items: tuple[WireItem, ...]
    skipped: tuple[tuple[PlannedLink, str], ...]
    report: WriteReport | None

    @property
    def exit_code(self) -> int:
        """0; 5 while an end is not known; 6 where a link was refused or skipped."""
        if self.report is not None and self.report.stopped_by is not None:
            return self.report.stopped_by.exit_code
        if any(one.state in _UNFINISHED for one in self.items):
            return 5
        return 6 if self.skipped or any(_refused(one) for one in self.items) else 0


async def apply_links(
    database: Database,
    record: PlanRecord,
    *,
    rules: WireRules,
    timezone: ZoneInfo,
    psa: Psa,
    psa_connection: ConnectionRef,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    dry_run: bool = False,
) -> WiredPlan:
    """Write the links of a plan; one that an earlier apply left open is gone on with.

    Args:
        database: where everything is.
        record: the plan.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa: the opened PSA.
        psa_connection: its stored connection.
        clock: current time in UTC.
        log: told of what is settled.
        sleep: waits; replaced in tests.
        dry_run: check everything and write nothing, neither here nor at the PSA.

    Raises:
        LinksByHand: writing links is off, or the PSA's connector cannot.
        ShadowMode: none of the clients is live.
        PlanConsumed: everything of it was applied already.
        PlanStale: it is too old.
        DeliveryBusy: another process delivers.
        ConnectorError: the PSA could not be read.
    """
    writer = require_writer(psa, rules, record)
    now = clock()
    async with database.reader() as conn:
        queued = await links_of_plan(conn, record.id)
    skipped: list[tuple[PlannedLink, str]] = []
    if record.state is PlanState.OPEN:
        _require_fresh(record, rules, now)
        skipped = await _queue(
            database, record, rules, psa_connection, timezone, now, dry_run=dry_run
        )
    elif not any(one.state in _UNFINISHED for one in queued):
        message = f"plan {record.id} was applied and is used up"
        raise PlanConsumed(message, remedy="`syncd wire` makes a new one")
    if dry_run:
        return WiredPlan(plan_id=record.id, items=(), skipped=tuple(skipped), report=None)
    report = await deliver_links(
        database, psa, writer, psa_connection, clock=clock, log=log, sleep=sleep
    )
    async with database.reader() as conn:
        items = await links_of_plan(conn, record.id)
    if report.delivered and report.stopped_by is None:
        clients = {one.link.client for one in items}
        await _close(database, psa, psa_connection, clients, clock(), log)
    return WiredPlan(plan_id=record.id, items=tuple(items), skipped=tuple(skipped), report=report)


def require_writer(psa: Psa, rules: WireRules, record: PlanRecord) -> RecurringWriter:
    """The PSA as a writer of links.

    Raises:
        LinksByHand: writing links is off, or the PSA's connector cannot.
    """
    remedy = f"`syncd plans show {record.id}` says for each link what to do by hand in the PSA"
    if not rules.write_links:
        message = "recurring invoices are not written: [billing] write_links is false"
        raise LinksByHand(message, remedy=f"{remedy}; or set write_links = true")
    if not isinstance(psa, RecurringWriter):
        message = "the connector of the PSA cannot write recurring invoices"
        raise LinksByHand(message, remedy=remedy)
    return psa


async def _queue(
    database: Database,
    record: PlanRecord,
    rules: WireRules,
    psa_connection: ConnectionRef,
    timezone: ZoneInfo,
    now: datetime,
    *,
    dry_run: bool,
) -> list[tuple[PlannedLink, str]]:
    """Consume the plan, in one commit; what is not queued comes back with the reason."""
    skipped: list[tuple[PlannedLink, str]] = []
    month = str(Period.containing(now, timezone))
    async with database.writer() as conn:
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
        if record.plan.links and not any(
            golive.is_live(one.client, month) for one in record.plan.links
        ):
            message = "none of these clients is live: a client in shadow is never written to"
            raise ShadowMode(message, remedy="`syncd golive CLIENT --from PERIOD` makes one live")
        busy = await open_lines(conn, psa_connection.id)
        queue = []
        for link in record.plan.links:
            other = busy.get((link.change.invoice, link.change.line))
            if not golive.is_live(link.client, month):
                skipped.append((link, "the client is in shadow: `syncd golive` makes it live"))
            elif other is not None:
                skipped.append((link, f"plan {other} has an open write: `syncd apply {other}`"))
            else:
                queue.append(link)
        if dry_run:
            return skipped
        if not await use_up(conn, record.id):
            message = f"another apply took plan {record.id} at the same moment"
            raise PlanConsumed(message, remedy=f"`syncd apply {record.id}` says how it stands")
        await queue_links(conn, record.id, psa_connection.id, queue, now=now)
    return skipped


def _require_fresh(record: PlanRecord, rules: WireRules, now: datetime) -> None:
    age = now - record.plan.made_at
    if age > timedelta(days=rules.plan_max_age_days):
        message = (
            f"plan {record.id} is {age.days} days old, and plans are used up to "
            f"{rules.plan_max_age_days} days"
        )
        raise PlanStale(message, remedy="`syncd wire` makes a new one")


async def _close(
    database: Database,
    psa: Psa,
    psa_connection: ConnectionRef,
    clients: set[str],
    now: datetime,
    log: EventLog,
) -> None:
    """Close what the links have mended, from a new look at their clients."""
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=now.date().isoformat())
        accounts = [
            one
            for client in sorted(clients)
            for one in data.accounts_of_client(psa_connection.id, client)
        ]
        ledger = await records_of(conn, psa_connection.id, accounts)
    remotes = [
        one.remote for held in ledger.values() for one in held if is_lasting(one) and one.remote
    ]
    seen = await sweep(psa, clients, remotes)
    async with database.writer() as conn:
        book = IssueBook(conn, psa_connection.name, now)
        await close_linked(book, data, {one: ledger.get(one, ()) for one in accounts}, seen)
    book.speak(log)


def _refused(item: WireItem) -> bool:
    return item.state is OutboxState.REJECTED
