"""Planning and applying links as runs: a row, a history, one closing line each.

Whoever plans or applies bills of the same PSA waits meanwhile, and the other way round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.billing_runs import APPLY, PLAN, SUBJECT, BillingDesk
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.runs import RunHandle, run
from syncd.core.service.wire_apply import WiredPlan, apply_links
from syncd.core.service.wire_plan import WireRules, plan_links
from syncd.core.store.delivery_lock import billing_turn
from syncd.core.store.runs import RunStatus
from syncd.sdk.errors import DataError, OutcomeUnknown
from syncd.sdk.period import Period
from syncd.sdk.ports import Psa

if TYPE_CHECKING:
    from syncd.core.store.plans import PlanRecord


async def plan_wiring(
    desk: BillingDesk,
    *,
    rules: WireRules,
    timezone: ZoneInfo,
    period: Period | None = None,
    clients: Collection[str] = (),
    chosen: Mapping[str, str] | None = None,
) -> PlanRecord:
    """Propose links; see `plan_links`. Waits while another process plans or applies."""
    async with _work(desk, PLAN) as (handle, psa):
        record = await plan_links(
            desk.database,
            rules=rules,
            timezone=timezone,
            psa=psa,
            psa_connection=desk.psa_connection,
            clock=desk.clock,
            log=desk.log,
            period=period,
            clients=clients,
            chosen=chosen,
            run_id=handle.id,
        )
        handle.count("links", len(record.plan.links))
        handle.count("unlinked", len(record.plan.unlinked))
        return record


async def apply_wiring(
    desk: BillingDesk,
    record: PlanRecord,
    *,
    rules: WireRules,
    timezone: ZoneInfo,
    dry_run: bool = False,
) -> WiredPlan:
    """Write the links of a plan; see `apply_links`."""
    async with _work(desk, APPLY) as (handle, psa):
        done = await apply_links(
            desk.database,
            record,
            rules=rules,
            timezone=timezone,
            psa=psa,
            psa_connection=desk.psa_connection,
            clock=desk.clock,
            log=desk.log,
            dry_run=dry_run,
        )
        if done.report is not None:
            handle.count("delivered", done.report.delivered)
            handle.count("rejected", done.report.rejected)
            handle.count("write_calls", done.report.calls)
            if done.report.stopped_by is not None:
                error = done.report.stopped_by
                handle.ends(RunStatus.FAILED, code=error.code, error=str(error))
            elif done.report.waiting:
                handle.ends(
                    RunStatus.PARTIAL, code=OutcomeUnknown.code, error="some links are not settled"
                )
            elif done.exit_code:
                handle.ends(
                    RunStatus.PARTIAL, code=DataError.code, error="some links were not written"
                )
        return done


@asynccontextmanager
async def _work(desk: BillingDesk, kind: str) -> AsyncIterator[tuple[RunHandle, Psa]]:
    async with (
        billing_turn(desk.database, desk.psa_connection.id, wait_seconds=desk.wait_seconds),
        run(
            desk.database,
            subject=SUBJECT,
            kind=kind,
            scheduled_for=None,
            clock=desk.clock,
            log=desk.log,
            node=desk.node,
            report=desk.report,
        ) as handle,
        failures_recorded(desk.database, desk.psa_connection, desk.clock, desk.log),
        desk.open_psa() as psa,
    ):
        yield handle, psa
