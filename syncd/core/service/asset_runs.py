"""Planning and applying assets as runs: a row, a history, one closing line each.

Whoever plans or applies bills of the same PSA waits meanwhile, and the other way round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.billing.asset_values import UnitId
from syncd.core.service.asset_apply import AppliedAssets, apply_export
from syncd.core.service.asset_plan import AssetRules, plan_export
from syncd.core.service.billing_runs import APPLY, PLAN, SUBJECT, BillingDesk
from syncd.core.service.connection_health import failures_recorded
from syncd.core.service.runs import RunHandle, run
from syncd.core.store.delivery_lock import billing_turn
from syncd.core.store.plans import PlanBillState
from syncd.core.store.runs import RunStatus
from syncd.sdk.errors import DataError, OutcomeUnknown, PlanHeld
from syncd.sdk.ports import Psa

if TYPE_CHECKING:
    from syncd.core.store.plans import PlanRecord


async def plan_asset_run(
    desk: BillingDesk,
    *,
    rules: AssetRules,
    timezone: ZoneInfo,
    exporting: Mapping[str, bool],
    clients: Collection[str] = (),
    chosen: Mapping[UnitId, str] | None = None,
    progress: Callable[[int], None] = lambda _reached: None,
) -> PlanRecord:
    """Compare and store a plan; see `plan_export`. Waits while another process plans or applies."""
    async with _work(desk, PLAN) as (handle, psa):
        record = await plan_export(
            desk.database,
            rules=rules,
            timezone=timezone,
            psa=psa,
            psa_connection=desk.psa_connection,
            exporting=exporting,
            clock=desk.clock,
            log=desk.log,
            clients=clients,
            chosen=chosen,
            run_id=handle.id,
            progress=progress,
        )
        content = record.plan.assets
        assert content is not None
        handle.count("assets", len(content.planned))
        handle.count("held", len(content.held))
        if any(one.state is PlanBillState.HELD for one in record.bills):
            handle.ends(RunStatus.PARTIAL, code=PlanHeld.code, error="assets wait for a person")
        return record


async def apply_asset_run(
    desk: BillingDesk,
    record: PlanRecord,
    *,
    rules: AssetRules,
    timezone: ZoneInfo,
    progress: Callable[[int], None] = lambda _reached: None,
    dry_run: bool = False,
) -> AppliedAssets:
    """Write the assets of a plan; see `apply_export`."""
    async with _work(desk, APPLY) as (handle, psa):
        done = await apply_export(
            desk.database,
            record,
            rules=rules,
            timezone=timezone,
            psa=psa,
            psa_connection=desk.psa_connection,
            clock=desk.clock,
            log=desk.log,
            progress=progress,
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
                why = "some assets are not settled"
                handle.ends(RunStatus.PARTIAL, code=OutcomeUnknown.code, error=why)
            elif done.report.rejected or done.skipped:
                why = "some assets were not written"
                handle.ends(RunStatus.PARTIAL, code=DataError.code, error=why)
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
