"""From the configuration to duties: pulls by connection, purchases, deliveries left, and billing.

Each duty uses the same services as the commands by hand; the daemon adds only the time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from syncd.config.schedule import parse_schedule
from syncd.core.service.pull_run import KIND as PULL
from syncd.daemon.billing import BILL, BILLING, DELIVER, bill, bills_anything, deliver
from syncd.daemon.duty import Duty
from syncd.daemon.invoices import invoice_duties
from syncd.daemon.pulls import pull, pull_billed_months
from syncd.daemon.purchases import purchase_duties
from syncd.sdk.connector import Capability

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
        Duty(subject=name, kind=PULL, schedule=connection.due, do=partial(pull, app, name))
        for name, connection in settings.connections.items()
        if connection.enabled
        and connection.due is not None
        and Capability.USAGE in connection.connector.provides
    ]
    duties += purchase_duties(app)
    duties += invoice_duties(app)
    billing = settings.billing
    psa = billing.psa
    if psa is not None and psa in settings.connections:
        duties.append(
            Duty(
                subject=psa,
                kind=DELIVER,
                schedule=parse_schedule(RETRY_SCHEDULE),
                do=partial(deliver, app, psa),
                always=True,
            )
        )
    schedule = settings.billing_due
    if schedule is not None:
        duties.append(
            Duty(
                subject=BILLING,
                kind=BILL,
                schedule=schedule,
                do=partial(_bill, app),
                worth=BILLING_WORTH,
            )
        )
    return duties


async def _bill(app: App, due: datetime | None) -> None:
    """The automatic run, on facts of the month that are final."""
    if await bills_anything(app):
        await pull_billed_months(app, due)
        await bill(app, due)
