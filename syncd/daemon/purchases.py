"""Purchases by the daemon: the finished month is read daily from the 8th on until it is there.

Vendors invoice a month about then. Once it was read nothing more is asked of them; what is bought
and billed is compared daily, from what is stored, so that issues close when a bill comes.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from syncd.config.schedule import parse_schedule
from syncd.daemon.duty import Duty
from syncd.sdk.period import last_finished

if TYPE_CHECKING:
    from syncd.bootstrap import App

READ: Final = "purchases"
FIRST_DAY: Final = 8
SCHEDULE: Final = f"15 6 {FIRST_DAY}-31 * *"
"""Daily at 06:15 UTC."""


def purchase_duties(app: App) -> list[Duty]:
    """One for each connection that tells what the MSP is charged."""
    return [
        Duty(
            subject=name,
            kind=READ,
            schedule=parse_schedule(SCHEDULE),
            do=partial(read_purchases, app, name),
        )
        for name in sorted(app.settings.sellers)
    ]


async def read_purchases(app: App, name: str, due: datetime | None) -> None:
    """Read the finished month if it was not read so far, and compare it with what was billed.

    A vendor that fails says so in its own run, and is asked again on the next day.

    Raises:
        RunDuplicate: this due read was already taken.
        StoreError: a run could not be claimed.
    """
    # Only now: an installation that buys nothing never loads it.
    from syncd.purchasing import missing_reads, read_purchases_of, reconcile

    zone = app.settings.timezone
    now = app.clock()
    if now.astimezone(zone).day < FIRST_DAY:
        return
    month = last_finished(now, zone)
    if await missing_reads(app, month, [name], billed=True):
        await read_purchases_of(app, [name], month, billed=True, scheduled_for=due)
    if app.settings.billing.psa in app.settings.connections:
        await reconcile(app, month)
