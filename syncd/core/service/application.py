"""Applying a plan: what may be sent is queued in one commit and delivered; the rest says why not.

A bill is the unit: it is queued whole or not at all, once, and only while everything it rests on is
as the plan saw it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from syncd.core.service.adoption_queue import queue_adoptions
from syncd.core.service.applied import ApplyReport, report_of
from syncd.core.service.delivery import deliver_pending
from syncd.core.service.psa_sweep import Sweep, sweep
from syncd.core.service.queueing import queue_bills, require_same_data
from syncd.core.service.refusals import (
    PlanConsumed,
    PlanNotFound,
    PlanStale,
    ShadowMode,
    anew,
)
from syncd.core.service.targets import moved_targets
from syncd.core.store.adoptions import only_adoptions_wait
from syncd.core.store.golive import LIVE, GoLiveBook, load_golive
from syncd.core.store.outbox import OutboxState, of_plan, waiting
from syncd.core.store.plan_history import newest_plan_id
from syncd.core.store.plans import (
    APPLICABLE,
    PlanBillState,
    PlanKind,
    PlanRecord,
    StoredBill,
    load_plan,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.ports import Psa
from syncd.sdk.records import PlannedBill

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

LATEST = "latest"

_UNFINISHED = frozenset({OutboxState.PENDING, OutboxState.SENDING, OutboxState.UNKNOWN})

_SHADOW_ONLY = {PlanBillState.SHADOW}


class ApplyRules(Protocol):
    """The settings of `[billing]` that applying needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...
    @property
    def plan_max_age_days(self) -> int: ...


async def find_plan(database: Database, wanted: str) -> PlanRecord:
    """A stored plan by its id, or the newest one for `latest`.

    Raises:
        PlanNotFound: there is no such plan.
    """
    async with database.reader() as conn:
        plan_id = await newest_plan_id(conn) if wanted == LATEST else wanted
        record = await load_plan(conn, plan_id) if plan_id is not None else None
    if record is None:
        message = "there is no plan yet" if wanted == LATEST else f"there is no plan '{wanted}'"
        raise PlanNotFound(
            message, remedy="`syncd plan billing` makes one; `syncd plans` lists them"
        )
    return record


async def check_plan(
    database: Database,
    wanted: str,
    *,
    rules: ApplyRules,
    psa_connection: ConnectionRef,
    now: datetime,
    dry_run: bool = False,
) -> tuple[PlanRecord, int]:
    """Refuse what can be refused without asking the PSA, before anything is begun.

    Args:
        database: where everything is.
        wanted: id of the plan, or `latest`.
        rules: settings of `[billing]`.
        psa_connection: its stored connection.
        now: current time in UTC.
        dry_run: nothing is to be written.

    Returns:
        the plan, and how many writes an earlier apply left open.

    Raises:
        PlanNotFound: there is no such plan.
        ShadowMode: no client of the plan is live.
        PlanConsumed: everything of it was applied already.
        PlanStale: it is too old, replaced, or what it rests on was edited.
    """
    record = await find_plan(database, wanted)
    async with database.reader() as conn:
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
        left_over, _ = await waiting(conn, psa_connection.id)
        marking = bool(left_over) and await only_adoptions_wait(conn, psa_connection.id)
    if not dry_run and record.kind is not PlanKind.ADOPTION and not marking:
        _require_live(record, golive)
    if not left_over or dry_run:
        if _applicable(record):
            await _require_fresh(database, record, rules, now)
        elif not dry_run:
            _require_anything_left(record)
    return record, left_over


async def apply_plan(
    database: Database,
    wanted: str,
    *,
    rules: ApplyRules,
    psa: Psa,
    psa_connection: ConnectionRef,
    clock: Callable[[], datetime],
    log: EventLog,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
    patience_seconds: float = 120.0,
    lock_seconds: float = 30.0,
) -> ApplyReport:
    """Send what a plan says, as far as nobody objects and nothing moved.

    Writes that an earlier apply left open are gone on with first, so that the same command is right
    after a crash.

    Args:
        database: where everything is.
        wanted: id of the plan, or `latest`.
        rules: settings of `[billing]`.
        psa: the opened PSA.
        psa_connection: its stored connection.
        clock: current time in UTC.
        log: gets one line per settled write.
        sleep: waits; replaced in tests.
        dry_run: check everything and write nothing, neither here nor at the PSA.
        progress: told how many writes were settled so far.
        patience_seconds: how long to wait for writes whose answer was lost.
        lock_seconds: how long to wait for another deliverer.

    Raises:
        PlanNotFound: there is no such plan.
        ShadowMode: no client of the plan is live.
        PlanConsumed: everything of it was applied already.
        PlanStale: it is too old, replaced, or what it rests on was edited.
        DeliveryBusy: another process delivers; what was queued is kept.
        ConnectorError: the PSA could not be read.
        StoreError: the database cannot serve.
    """
    record, left_over = await check_plan(
        database, wanted, rules=rules, psa_connection=psa_connection, now=clock(), dry_run=dry_run
    )
    deliver = partial(
        deliver_pending,
        database,
        psa,
        psa_connection,
        clock=clock,
        log=log,
        sleep=sleep,
        patience_seconds=patience_seconds,
        lock_seconds=lock_seconds,
        progress=progress,
    )
    async with database.reader() as conn:
        unfinished = {
            item.bill_key for item in await of_plan(conn, record.id) if item.state in _UNFINISHED
        }
    delivery = await deliver() if left_over and not dry_run else None
    applicable = _applicable(record)
    refused: dict[str, str] = {}
    if applicable and (delivery is None or delivery.stopped_by is None):
        planned = {bill.key: bill for bill in record.plan.bills}
        await _require_fresh(database, record, rules, clock())
        refused = await _moved(applicable, planned, psa)
        if not dry_run:
            queue = queue_adoptions if record.kind is PlanKind.ADOPTION else queue_bills
            refused = await queue(
                database,
                record,
                applicable,
                planned,
                refused,
                psa_connection,
                clock(),
                log,
                mode=rules.mode,
            )
            if len(refused) < len(applicable):
                delivery = (await deliver()).after(delivery)
    earlier = {
        bill.bill_key
        for bill in record.bills
        if bill.state is PlanBillState.APPLIED and bill.bill_key not in unfinished
    }
    async with database.reader() as conn:
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
    return await report_of(
        database,
        record.id,
        refused,
        delivery,
        earlier=earlier,
        dry_run=dry_run,
        shadow={
            bill.key
            for bill in record.plan.bills
            if not golive.is_live(bill.client, record.plan.period)
        },
    )


def _require_live(record: PlanRecord, golive: GoLiveBook) -> None:
    """Refuse a plan in which no bill is of a live client."""
    period, clients = record.plan.period, {bill.client for bill in record.plan.bills}
    if any(golive.is_live(client, period) for client in clients):
        return
    if golive.mode == LIVE and not clients:
        return
    if golive.anyone:
        message = f"no client of plan {record.id} is live in {period}: nothing of it is written"
        remedy = "`syncd golive` lists who is live since when"
    else:
        message = (
            'this installation is in shadow: [billing] mode = "shadow" computes and compares, and '
            "writes nothing"
        )
        remedy = (
            f"compare with `syncd shadow {period}`; then let clients go live with `syncd golive "
            f'CLIENT --from {period}`, or all of them with mode = "live" in [billing]'
        )
    raise ShadowMode(message, remedy=remedy)


def _applicable(record: PlanRecord) -> list[StoredBill]:
    """Bills that may be sent, in pushing order."""
    return sorted(
        (bill for bill in record.bills if bill.state in APPLICABLE),
        key=lambda bill: bill.account_id,
    )


def _require_anything_left(record: PlanRecord) -> None:
    """Refuse a plan of which nothing is left; one that waits for a person is reported instead."""
    states = {bill.state for bill in record.bills}
    if PlanBillState.HELD in states:
        return
    if PlanBillState.APPLIED in states:
        when = max(bill.applied_at for bill in record.bills if bill.applied_at is not None)
        message = f"plan {record.id} was applied on {when:%Y-%m-%d %H:%M} UTC and is used up"
        raise PlanConsumed(message, remedy=anew(record.kind))
    if states & {PlanBillState.SUPERSEDED, PlanBillState.STALE} or states == _SHADOW_ONLY:
        details = sorted({bill.detail for bill in record.bills if bill.detail})
        message = f"nothing of plan {record.id} can be applied any more: {'; '.join(details[:3])}"
        raise PlanStale(message, remedy=anew(record.kind))


async def _require_fresh(
    database: Database, record: PlanRecord, rules: ApplyRules, now: datetime
) -> None:
    age = now - record.plan.made_at
    # What the automatic run made inside its days may be released until a newer month stands.
    expires = record.kind is not PlanKind.AUTOMATIC
    if expires and age > timedelta(days=rules.plan_max_age_days):
        message = (
            f"plan {record.id} is {age.days} days old, and plans are used up to "
            f"{rules.plan_max_age_days} days"
        )
        raise PlanStale(message, remedy=anew(record.kind))
    async with database.reader() as conn:
        await require_same_data(conn, record)


async def _moved(
    applicable: Sequence[StoredBill], planned: Mapping[str, PlannedBill], psa: Psa
) -> dict[str, str]:
    """Bills whose target is not as the plan saw it, with both values; one bulk read for all."""
    writing = [planned[bill.bill_key] for bill in applicable if planned[bill.bill_key].changes]
    remotes = [
        change.remote for bill in writing for change in bill.changes if change.remote is not None
    ]
    seen: Sweep = await sweep(psa, {bill.client for bill in writing}, remotes, recurring=False)
    found = {bill.key: moved_targets(bill, seen, psa.marker) for bill in writing}
    return {key: "; ".join(moves) for key, moves in found.items() if moves}
