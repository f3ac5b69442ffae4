"""Applying a plan of assets: what nobody holds is queued in one commit, and then delivered.

A client of the plan is used up once; what is held waits for `syncd plans release`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.answers import WriteReport
from syncd.core.service.asset_delivery import deliver_assets
from syncd.core.service.asset_issues import ASSETS_HELD
from syncd.core.service.asset_outcomes import fields_after
from syncd.core.service.asset_plan import AssetRules, require_keeper
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.refusals import PlanConsumed, PlanStale, ShadowMode, anew
from syncd.core.store.asset_records import OPEN, AssetRow, asset_rows, queue_asset
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.golive import load_golive
from syncd.core.store.plans import (
    APPLICABLE,
    PlanBillState,
    PlanRecord,
    close_finished,
    load_plan,
    move_bill,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period
from syncd.sdk.ports import Psa
from syncd.sdk.records import PlannedAsset

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

ASSETS = "assets"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedAssets:
    """What became of a plan of assets.

    Attributes:
        record: the plan as it stands now.
        rows: its units as the ledger has them.
        linked: assets that were recognised, or left, without a write.
        skipped: assets that were not queued, with the reason.
        would_write: for a dry run, writes that would be made.
        report: what the delivery did; None for a dry run.
    """

    record: PlanRecord
    rows: tuple[AssetRow, ...]
    linked: int
    skipped: tuple[tuple[PlannedAsset, str], ...]
    would_write: int
    report: WriteReport | None

    @property
    def held(self) -> tuple[str, ...]:
        """Clients of the plan that wait for a person."""
        names = {bill.key: bill.client_name for bill in self.record.plan.bills}
        waiting = (bill for bill in self.record.bills if bill.state is PlanBillState.HELD)
        return tuple(names[bill.bill_key] for bill in waiting)

    @property
    def exit_code(self) -> int:
        """0; 3 while clients are held; 5 while an end is not known; 6 where one was refused."""
        if self.report is not None:
            if self.report.stopped_by is not None:
                return self.report.stopped_by.exit_code
            if self.report.waiting:
                return 5
            if self.report.rejected or self.skipped:
                return 6
        return 3 if self.held else 0


async def apply_export(
    database: Database,
    record: PlanRecord,
    *,
    rules: AssetRules,
    timezone: ZoneInfo,
    psa: Psa,
    psa_connection: ConnectionRef,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    progress: Callable[[int], None] = lambda _reached: None,
    dry_run: bool = False,
) -> AppliedAssets:
    """Write the assets of a plan as far as nobody holds them; open writes are gone on with.

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
        progress: told how many were settled.
        dry_run: check everything and write nothing, neither here nor at the PSA.

    Raises:
        AssetsNotKept: the connector of the PSA has no assets.
        ShadowMode: none of the clients is live.
        PlanConsumed: everything of it was applied already.
        PlanStale: it is too old, or what it rests on was edited.
        DeliveryBusy: another process delivers.
    """
    keeper = require_keeper(psa)
    now = clock()
    async with database.reader() as conn:
        left_over = await asset_rows(conn, psa_connection.id, states=OPEN)
    queued = _Queued([], [], 0)
    if any(bill.state in APPLICABLE for bill in record.bills):
        queued = await _queue(
            database, record, rules, timezone, psa_connection, now, log, dry_run=dry_run
        )
    elif not left_over:
        _require_anything_left(record)
    report = None
    if not dry_run:
        report = await deliver_assets(
            database,
            keeper,
            psa_connection,
            clock=clock,
            log=log,
            sleep=sleep,
            progress=progress,
        )
    async with database.reader() as conn:
        rows = await asset_rows(conn, psa_connection.id, plan_id=record.id)
        record = await load_plan(conn, record.id) or record
    return AppliedAssets(
        record=record,
        rows=tuple(rows),
        linked=queued.linked,
        skipped=tuple(queued.skipped),
        would_write=len(queued.writes),
        report=report,
    )


@dataclass(slots=True)
class _Queued:
    writes: list[PlannedAsset]
    skipped: list[tuple[PlannedAsset, str]]
    linked: int


async def _queue(
    database: Database,
    record: PlanRecord,
    rules: AssetRules,
    timezone: ZoneInfo,
    psa_connection: ConnectionRef,
    now: datetime,
    log: EventLog,
    *,
    dry_run: bool,
) -> _Queued:
    """Consume the clients that can be written, in one commit."""
    _require_fresh(record, rules, now)
    queued = _Queued([], [], 0)
    content = record.plan.assets
    assert content is not None
    month = str(Period.containing(now, timezone))
    clients = {bill.key: bill.client for bill in record.plan.bills}
    waiting = {one.client for one in content.held}
    planned: dict[str, list[PlannedAsset]] = {}
    for one in content.planned:
        planned.setdefault(one.client, []).append(one)
    async with database.writer() as conn:
        data = await load_billing_data(conn, period_first_day=f"{month}-01")
        if data.data_version != record.data_version:
            message = f"decisions were edited since plan {record.id} was made"
            raise PlanStale(message, remedy=anew(ASSETS))
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
        book = IssueBook(conn, psa_connection.name, now)
        places = _Places(data)
        rows = {
            (row.connection_id, row.unit): row for row in await asset_rows(conn, psa_connection.id)
        }
        live = [bill for bill in record.bills if golive.is_live(clients[bill.bill_key], month)]
        if not live:
            message = "none of these clients is live: a client in shadow is never written to"
            raise ShadowMode(message, remedy="`syncd golive CLIENT --from PERIOD` makes one live")
        for bill in live:
            client = clients[bill.bill_key]
            if dry_run:
                taken = bill.state in APPLICABLE
            else:
                taken = await move_bill(
                    conn,
                    bill.id,
                    expected=APPLICABLE,
                    to=PlanBillState.APPLIED,
                    applied_at=now,
                )
            if not taken:
                continue
            for one in planned.get(client, ()):
                row = rows.get((places.connection(one), one.unit))
                if row is not None and row.state in OPEN:
                    why = f"plan {row.plan_id} has an open write of it"
                    queued.skipped.append((one, why))
                    continue
                if one.change is None:
                    queued.linked += 1
                else:
                    queued.writes.append(one)
                if not dry_run:
                    await queue_asset(
                        conn,
                        psa_connection.id,
                        one,
                        plan_id=record.id,
                        connection_id=places.connection(one),
                        account_id=places.account(one),
                        now=now,
                        row_id=row.id if row is not None else None,
                        settled=fields_after(one) if one.change is None else None,
                    )
            if client not in waiting and not dry_run:
                await book.close(ASSETS_HELD, f"{psa_connection.name}/{client}")
        await close_finished(conn)
    book.speak(log)
    return queued


class _Places:
    """Row ids behind the names of a plan."""

    def __init__(self, data: BillingData) -> None:
        self._connections = {one.name: one.id for one in data.connections.values()}
        self._accounts = {(one.connection_id, one.key): one.id for one in data.accounts.values()}

    def connection(self, one: PlannedAsset) -> int:
        return self._connections[one.connection]

    def account(self, one: PlannedAsset) -> int:
        return self._accounts[self.connection(one), one.account]


def _require_fresh(record: PlanRecord, rules: AssetRules, now: datetime) -> None:
    age = now - record.plan.made_at
    if age > timedelta(days=rules.plan_max_age_days):
        message = (
            f"plan {record.id} is {age.days} days old, and plans are used up to "
            f"{rules.plan_max_age_days} days"
        )
        raise PlanStale(message, remedy=anew(ASSETS))


def _require_anything_left(record: PlanRecord) -> None:
    """Refuse a plan of which nothing can be applied and nobody can release anything."""
    states = {bill.state for bill in record.bills}
    if states & {PlanBillState.HELD}:
        return
    if states == {PlanBillState.SHADOW}:
        message = "none of these clients is live: a client in shadow is never written to"
        raise ShadowMode(message, remedy="`syncd golive CLIENT --from PERIOD` makes one live")
    if states & {PlanBillState.SUPERSEDED, PlanBillState.STALE}:
        message = f"plan {record.id} was replaced by a newer one"
        raise PlanStale(message, remedy=anew(ASSETS))
    if states:
        message = f"plan {record.id} was applied and is used up"
        raise PlanConsumed(message, remedy=anew(ASSETS))
