"""From settings to purchases: which reads of a month are missing, and reading them all at once.

Used by `syncd reconcile` and by the daemon alike; one vendor that fails never stops the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from syncd.core.service.purchase_issues import sync_purchase_issues
from syncd.core.service.purchases import PurchasesOutcome, run_purchases
from syncd.core.service.reconciliation import Reconciliation
from syncd.core.service.reconciliation_reading import known, read_reconciliation
from syncd.core.service.sources import Sources
from syncd.core.store.purchases import standing_reads
from syncd.sdk.errors import PluginError
from syncd.sdk.period import Period, last_finished

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.sdk.connector import EventLog
    from syncd.sdk.ports import PurchaseSource

GOES_STALE = timedelta(days=1)
"""What a vendor has not invoiced yet is read again after a day: vendors are as late themselves."""


async def missing_reads(
    app: App, period: Period, names: Collection[str], *, billed: bool
) -> list[str]:
    """Connections of which the month was not read so far.

    A read from before the vendor's invoice is none, nor is one of a day ago of what is not invoiced
    yet.
    """
    async with app.database.reader() as conn:
        found = await standing_reads(conn, str(period), billed=billed)
    now = app.clock()
    missing = []
    for name in sorted(names):
        read = found.get((await app.connection(name)).id)
        if not known(read) or (
            not billed and read is not None and now - read.taken_at > GOES_STALE
        ):
            missing.append(name)
    return missing


async def read_purchases_of(
    app: App,
    names: Collection[str],
    period: Period,
    *,
    billed: bool,
    scheduled_for: datetime | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[PurchasesOutcome]:
    """Read what these connections' vendors charge for a month, all at once.

    Raises:
        RunDuplicate: a due read was already taken.
        StoreError: a run could not be claimed.
    """
    reached: dict[str, int] = {}

    def told(name: str) -> Callable[[int], None]:
        def at(lines: int) -> None:
            reached[name] = lines
            if progress is not None:
                progress(sum(reached.values()))

        return at

    async def read(name: str) -> PurchasesOutcome:
        @asynccontextmanager
        async def source(log: EventLog) -> AsyncIterator[PurchaseSource]:
            async with app.open(name, log=log) as ports:
                if ports.purchases is None:
                    message = f"connection '{name}' opened no port of purchases"
                    raise PluginError(message, remedy="report this to the plugin's author")
                yield ports.purchases

        return await run_purchases(
            app.database,
            await app.connection(name),
            source,
            period=period,
            billed=billed,
            scheduled_for=scheduled_for,
            clock=app.clock,
            log=app.log,
            node=app.node,
            report=app.report,
            progress=told(name),
        )

    ended = await asyncio.gather(*(read(name) for name in names), return_exceptions=True)
    outcomes = []
    for one in ended:
        if isinstance(one, BaseException):
            raise one
        outcomes.append(one)
    return outcomes


async def reconcile(
    app: App, period: Period, *, billed: bool = True, client: str | None = None
) -> Reconciliation:
    """What was bought, used and billed in a month, by what is stored; keeps the issues up to date.

    Raises:
        ConfigError: there is no PSA.
        ClientUnknown: the client is not exactly one.
    """
    settings = app.settings
    found = await read_reconciliation(
        app.database,
        psa=await app.connection(app.psa_name()),
        purchase_sources=settings.sellers,
        sources=Sources(active=settings.sources, broken=set(settings.unavailable)),
        rules=settings.billing,
        timezone=settings.timezone,
        period=period,
        now=app.clock(),
        billed=billed,
        client=client,
    )
    newest = last_finished(app.clock(), settings.timezone)
    if billed and client is None and period == newest:
        await sync_purchase_issues(app.database, found, clock=app.clock, log=app.log)
    return found
