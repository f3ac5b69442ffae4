"""`syncd plan billing`: plans a month and shows what it would write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syncd.bootstrap import App
from syncd.cli.desk import billing_desk, sources_of
from syncd.cli.moments import read_period
from syncd.cli.plan_view import next_steps, plan_data, show
from syncd.core.store.plans import PlanBillState

if TYPE_CHECKING:
    from syncd.cli.context import Cli

HELD_EXIT, PARTIAL_EXIT = 3, 6


async def plan_month(cli: Cli, *, period: str | None, clients: Sequence[str]) -> int:
    """Plan, store, print.

    Returns:
        the exit code: 0, 3 when something is held, 6 when a bill stops.

    Raises:
        ConfigError: the period is not written as one.
        SyncdError: see `plan_billing`.
    """
    chosen = read_period(period)
    output = cli.output()
    async with App.start(cli.config) as app:
        desk = await billing_desk(app)
        stored = await desk.plan(
            rules=app.settings.billing,
            timezone=app.settings.timezone,
            sources=sources_of(app),
            period=chosen,
            clients=clients,
            review_plan=app.plugins.review_plan,
        )
        steps = next_steps(stored.record)
        data = plan_data(
            stored.record, next_commands=steps, asset_type_field=stored.asset_type_field
        )
    output.emit(
        data,
        lambda _console: show(
            output, stored.record, asset_type_field=stored.asset_type_field, hints=steps
        ),
    )
    if stored.count(PlanBillState.ERROR):
        return PARTIAL_EXIT
    return HELD_EXIT if stored.count(PlanBillState.HELD) else 0
