"""Planning and applying assets as runs: a row, a history, one closing line each.

Whoever plans or applies bills of the same PSA waits meanwhile, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.billing.asset_values import UnitId
from syncd.core.service.asset_apply import AppliedAssets, apply_export
from syncd.core.service.asset_plan import AssetRules, plan_export
from syncd.core.service.billing_runs import APPLY, PLAN, BillingDesk
from syncd.core.store.plans import PlanBillState
from syncd.core.store.runs import RunStatus
from syncd.sdk.errors import PlanHeld

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
    async with desk.side_run(PLAN) as (handle, psa):
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
    async with desk.side_run(APPLY) as (handle, psa):
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
            done.report.conclude(
                handle, "assets", unwritten=bool(done.report.rejected or done.skipped)
            )
        return done
