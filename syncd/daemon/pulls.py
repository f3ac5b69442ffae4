"""Pulls by the daemon: by schedule, and of a finished month before the bills that need it.

No bill of a month waits for a schedule that comes only after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.core.service.after_pull import look_back
from syncd.core.service.pull_months import awaits_month, run_pulls
from syncd.core.service.pull_run import OpenSource, run_pull
from syncd.core.service.renewal_issues import review_terms
from syncd.core.service.runs import RunDuplicate
from syncd.core.service.sign_in_issues import review_sign_ins
from syncd.sdk.connector import Capability, EventLog
from syncd.sdk.errors import PluginError
from syncd.sdk.period import last_finished
from syncd.sdk.ports import SourceHints, UsageSource

if TYPE_CHECKING:
    from syncd.bootstrap import App


async def pull(app: App, name: str, due: datetime | None) -> None:
    """Pull a source: what stands, and the months that are due.

    Raises:
        RunDuplicate: this due pull was already taken.
        StoreError: a run could not be claimed.
    """
    await run_pulls(
        app.database,
        await app.connection(name),
        _opener(app, name),
        timezone=app.settings.timezone,
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
    await review_terms(
        app.database,
        pulled={name},
        active=app.settings.sources,
        timezone=app.settings.timezone,
        now=app.clock(),
        log=app.log,
    )
    await review_sign_ins(app.database, active=app.settings.in_use, now=app.clock(), log=app.log)


async def pull_billed_months(app: App, due: datetime | None) -> None:
    """Read the facts of the month before, of every source that bills them and has them not final.

    A source that fails says so in its own run and stops only its own bills.

    Raises:
        StoreError: a run could not be claimed.
    """
    timezone = app.settings.timezone
    month = last_finished(app.clock(), timezone)
    for name, settings in app.settings.connections.items():
        if not settings.enabled or Capability.USAGE not in settings.connector.provides:
            continue
        connection = await app.connection(name)
        async with app.database.reader() as conn:
            if not await awaits_month(conn, connection.id, month, timezone):
                continue
        try:
            await run_pull(
                app.database,
                connection,
                _opener(app, name),
                scheduled_for=due,
                clock=app.clock,
                log=app.log,
                node=app.node,
                report=app.report,
                period=month,
            )
        except RunDuplicate:
            # Somebody read the month for this very due time; the run tells how it went.
            continue


def _opener(app: App, name: str) -> OpenSource:
    @asynccontextmanager
    async def source(hints: SourceHints, log: EventLog) -> AsyncIterator[UsageSource]:
        async with app.open(name, hints, log=log) as ports:
            if ports.usage is None:
                message = f"connection '{name}' opened no usage port"
                raise PluginError(message, remedy="report this to the plugin's author")
            yield ports.usage

    return source
