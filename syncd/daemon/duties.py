"""From the configuration to duties: pulls by connection, deliveries that were left, and billing.

Each duty uses the same services as the commands by hand; the daemon adds only the time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from syncd.config.schedule import MonthTurn, parse_schedule
from syncd.core.billing.bill_life import WINDOW_DAYS
from syncd.core.service.after_pull import look_back
from syncd.core.service.pull_run import KIND as PULL
from syncd.core.service.pull_run import run_pull
from syncd.daemon.billing import BILL, BILLING, DELIVER, bill, deliver
from syncd.daemon.duty import Duty
from syncd.sdk.connector import Capability, EventLog
from syncd.sdk.errors import PluginError
from syncd.sdk.ports import SourceHints, UsageSource

if TYPE_CHECKING:
    from syncd.bootstrap import App

RETRY_SCHEDULE = "every 5m"
"""How often deliveries are looked after that wait for a look-up or another try."""

BILLING_WORTH = timedelta(days=3)
"""A billing run missed for longer is a matter for a person: by then the invoices may be out."""


def duties_of(app: App) -> list[Duty]:
    """Everything this configuration asks the daemon to do."""
    settings = app.settings
    duties = [
        Duty(subject=name, kind=PULL, schedule=connection.due, do=partial(_pull, app, name))
        for name, connection in settings.connections.items()
        if connection.enabled
        and connection.due is not None
        and Capability.USAGE in connection.connector.provides
    ]
    billing = settings.billing
    psa = billing.psa
    by_itself = psa is not None and psa in settings.connections and billing.mode == "live"
    if psa is not None and by_itself:
        duties.append(
            Duty(
                subject=psa,
                kind=DELIVER,
                schedule=parse_schedule(RETRY_SCHEDULE),
                do=partial(deliver, app, psa),
                always=True,
            )
        )
    schedule = billing.due
    if schedule is None and by_itself:
        schedule = MonthTurn(settings.timezone, billing.opens, WINDOW_DAYS)
    if schedule is not None:
        duties.append(
            Duty(
                subject=BILLING,
                kind=BILL,
                schedule=schedule,
                do=partial(bill, app),
                worth=BILLING_WORTH,
            )
        )
    return duties


async def _pull(app: App, name: str, due: datetime | None) -> None:
    @asynccontextmanager
    async def source(hints: SourceHints, log: EventLog) -> AsyncIterator[UsageSource]:
        async with app.open(name, hints, log=log) as ports:
            if ports.usage is None:
                message = f"connection '{name}' opened no usage port"
                raise PluginError(message, remedy="report this to the plugin's author")
            yield ports.usage

    await run_pull(
        app.database,
        await app.connection(name),
        source,
        scheduled_for=due,
        clock=app.clock,
        log=app.log,
        node=app.node,
        report=app.report,
    )
    await look_back(
        app.database,
        rules=app.settings.billing,
        psa=app.settings.billing.psa,
        active=app.settings.sources,
        timezone=app.settings.timezone,
        now=app.clock(),
        log=app.log,
    )
