"""Planning and applying links as runs: a row, a history, one closing line each.

Whoever plans or applies bills of the same PSA waits meanwhile, and the other way round.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from syncd.core.service.billing_runs import APPLY, PLAN, BillingDesk
from syncd.core.service.wire_apply import WiredPlan, apply_links
from syncd.core.service.wire_plan import WireRules, plan_links
from syncd.sdk.period import Period

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
    async with desk.side_run(PLAN) as (handle, psa):
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
    async with desk.side_run(APPLY) as (handle, psa):
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
            done.report.conclude(handle, "links", unwritten=bool(done.exit_code))
        return done
