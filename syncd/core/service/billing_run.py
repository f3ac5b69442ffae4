"""Planning a month: from counts and decisions to a stored plan with its objections.

One read of our own data, one bulk read of the PSA, one write. Nothing is written to the PSA here,
and an error in one account never stops the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

import msgspec

from syncd.core.billing.guards import GuardInput, review
from syncd.core.billing.model import GuardLimits
from syncd.core.service.agreements import read_agreements
from syncd.core.service.basis_recorder import BasisRecorder
from syncd.core.service.bill_plan import PlannedDraft, Planning
from syncd.core.service.clients import choose_clients
from syncd.core.service.invoice_dates import tell_early_invoices
from syncd.core.service.late_changes import find_late_changes
from syncd.core.service.lives import load_lives
from syncd.core.service.month_closing import MONTH_SEALED
from syncd.core.service.plan_issues import account_subject
from syncd.core.service.psa_sweep import sweep
from syncd.core.service.reckoning import Carried, ReckoningRules, Sources, reckon
from syncd.core.service.refusals import PeriodNotOver
from syncd.core.service.stored_plan import StoredPlan, store_plan
from syncd.core.store.billing_data import BillingData, load_billing_data
from syncd.core.store.golive import load_golive
from syncd.core.store.month_close import is_closed
from syncd.core.store.plans import PlanKind
from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period, last_finished
from syncd.sdk.ports import Psa
from syncd.sdk.records import Objection, Plan, PlanContext, PlannedBill

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


class PlanRules(ReckoningRules, Protocol):
    """The settings of `[billing]` that planning needs; see docs/config.md."""

    @property
    def mode(self) -> str: ...
    @property
    def guards(self) -> GuardLimits: ...
    @property
    def late_change_months(self) -> int: ...


async def plan_billing(
    database: Database,
    *,
    rules: PlanRules,
    timezone: ZoneInfo,
    psa: Psa,
    psa_connection: ConnectionRef,
    sources: Sources,
    clock: Callable[[], datetime],
    log: EventLog,
    period: Period | None = None,
    clients: Collection[str] = (),
    accounts: Collection[int] | None = None,
    kind: PlanKind = PlanKind.BILLING,
    review_plan: Callable[[Plan, PlanContext], Sequence[Objection]] | None = None,
    run_id: str | None = None,
) -> StoredPlan:
    """Plan the bills of a month and store the plan.

    Args:
        database: where everything is.
        rules: settings of `[billing]`.
        timezone: of billing.
        psa: the opened PSA.
        psa_connection: its stored connection.
        sources: which connections count.
        clock: current time in UTC.
        log: gets `plan.made` and `plan.held`.
        period: the month; None for the last finished one.
        clients: only these, by id or by a name that one client has.
        accounts: only these of them, by row id; chosen by whoever plans for a reason of life.
        kind: what the plan is for; only `running` may be of a month that goes on.
        review_plan: asks the plugins; their exceptions come back as objections that hold.
        run_id: of the run this belongs to.

    Raises:
        PeriodNotOver: the month still goes on.
        ClientUnknown: a client was named that is not exactly one.
        ConnectorError: the PSA could not be read.
        StoreError: the database cannot serve.
    """
    now = clock()
    chosen = period or last_finished(now, timezone)
    running = kind is PlanKind.RUNNING
    if chosen.end(timezone) > now and not running:
        message = f"{chosen} is not over: its counts are final from {chosen.end(timezone):%d %B} on"
        raise PeriodNotOver(message, remedy="plan it after the month, or name an earlier --period")
    await find_late_changes(
        database,
        rules=rules,
        timezone=timezone,
        psa_connection=psa_connection,
        sources=sources,
        now=now,
        log=log,
        also=None if running else chosen,
    )
    async with database.reader() as conn:
        data = await load_billing_data(conn, period_first_day=chosen.first_day.isoformat())
        wanted = [
            one
            for one in choose_clients(data, psa_connection.id, clients)
            if accounts is None or one in accounts
        ]
        golive = await load_golive(conn, psa_connection.id, mode=rules.mode)
        lives = await load_lives(conn, data, wanted, zone=timezone, months=[chosen], golive=golive)
        sealed = await is_closed(conn, psa_connection.id, str(chosen))
        drafting = await reckon(
            conn,
            data,
            psa_id=psa_connection.id,
            sources=sources,
            period=chosen,
            timezone=timezone,
            rules=rules,
            settled=dict.fromkeys(wanted, MONTH_SEALED)
            if sealed
            else {
                one: action.reason
                for one, life in lives.items()
                if kind is PlanKind.BILLING and (action := life.by_hand(chosen)).reason
            },
            running_at=now if running else None,
            corrections=Carried.NONE if running else Carried.DUE,
        )
    # Not before what was just read: whoever asks what was known at this moment finds the same.
    now = clock()
    drafts = list(drafting.drafts(wanted))
    asked = [draft for draft in drafts if draft.needs_psa]
    seen = await sweep(
        psa,
        {draft.client for draft in asked},
        [record.remote for draft in asked for record in draft.books.records if record.remote],
    )
    agreements = await read_agreements(psa, {one.client for one in asked if one.agreement})
    planning = Planning(
        drafting=drafting,
        sweep=seen,
        psa=psa,
        recorder=BasisRecorder(drafting=drafting, psa_name=psa_connection.name),
        agreements=agreements,
        zone=timezone,
    )
    planned = sorted(
        (made for draft in drafts if _worth_showing(made := planning.plan(draft))),
        key=lambda made: (made.bill.client_name.casefold(), made.bill.key),
    )
    plan = Plan(
        period=str(chosen),
        currency=rules.currency,
        made_at=now,
        bills=tuple(made.bill for made in planned),
    )
    live = {one.bill.key for one in planned if golive.is_live(one.bill.client, plan.period)}
    objections = _objections(plan, planned, rules, review_plan, chosen, now, live=live)
    looked_at = _looked_at(data, wanted)
    if kind is PlanKind.AUTOMATIC:
        await tell_early_invoices(
            database,
            [one for one in planned if one.bill.key in live],
            seen,
            looked_at=looked_at,
            now=now,
            zone=timezone,
            log=log,
        )
    return await store_plan(
        database,
        plan,
        planned,
        objections,
        data_version=data.data_version,
        looked_at=looked_at,
        kind=kind,
        psa=psa,
        psa_name=psa_connection.name,
        log=log,
        run_id=run_id,
        golive=golive,
    )


def _objections(
    plan: Plan,
    planned: Sequence[PlannedDraft],
    rules: PlanRules,
    review_plan: Callable[[Plan, PlanContext], Sequence[Objection]] | None,
    period: Period,
    now: datetime,
    *,
    live: Collection[str],
) -> tuple[Objection, ...]:
    """Those of planning, then of our guards, then of plugins.

    What is written is judged for itself: a bill in shadow moves no total of it, and an objection
    to all bills in shadow holds nothing. Plugins see what can be written, or all where nothing can.
    """
    if 0 < len(live) < len(plan.bills):
        parts = [
            (
                msgspec.structs.replace(
                    plan, bills=tuple(bill for bill in plan.bills if (bill.key in live) is wanted)
                ),
                [made for made in planned if (made.bill.key in live) is wanted],
            )
            for wanted in (True, False)
        ]
        (written, of_written), (compared, of_compared) = parts
        beside = _objections(compared, of_compared, rules, None, period, now, live=())
        return (
            *_objections(written, of_written, rules, review_plan, period, now, live=live),
            *(one for one in beside if one.bill is not None),
        )
    context = GuardInput(
        changed={made.bill.key: made.changed for made in planned if made.changed},
        agreements={made.bill.key: made.agreement for made in planned if made.agreement},
        missing_price="zero" if rules.missing_price == "zero" else "hold",
        objections=tuple(one for made in planned for one in made.objections),
    )
    own = review(plan, context, rules.guards)
    if review_plan is None:
        return own
    before = sum(
        (bill.total_before for bill in plan.bills if bill.total_before is not None), Decimal(0)
    )
    foreign = review_plan(plan, PlanContext(period=period, now=now, run_total_before=before))
    return (*own, *foreign)


def _worth_showing(made: PlannedDraft) -> bool:
    """An account with nothing to bill, nothing sent and nothing wrong says nothing."""
    bill: PlannedBill = made.bill
    return bool(
        bill.errors or bill.warnings or bill.changes or made.basis.lines or made.draft.frozen
    )


def _looked_at(data: BillingData, accounts: Sequence[int]) -> dict[str, set[str]]:
    """Subjects of issues that this planning speaks for, by connection name."""
    looked_at: dict[str, set[str]] = {}
    for account_id in accounts:
        account = data.accounts[account_id]
        name = data.connections[account.connection_id].name
        looked_at.setdefault(name, set()).add(account_subject(name, account.key))
    return looked_at
