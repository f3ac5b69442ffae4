"""Invoices by the daemon: what is new is read and, book by book, carried over and read back.

Each step is a run of its own with the due time as its key. A step that fails says so in its run;
the next step and the other books go on without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from syncd.config.schedule import parse_schedule
from syncd.core.service.runs import RunDuplicate
from syncd.daemon.duty import Duty
from syncd.sdk.errors import SyncdError

if TYPE_CHECKING:
    from syncd.bootstrap import App

CARRY: Final = "invoices"
"""Kind of the first run of a round, the read of the PSA's invoices, by which missed ones show."""

REFERENCES: Final = "books reference"
DAILY: Final = "40 5 * * *"
"""When catalogues are read: before people begin to work, in UTC."""


def invoice_duties(app: App) -> list[Duty]:
    """One round for all books, and the daily read of each book's catalogues."""
    schedule = app.settings.invoices.due
    psa = app.settings.invoices.psa or app.settings.billing.psa
    names = app.settings.ledgers
    if schedule is None or psa is None or psa not in app.settings.connections or not names:
        return []
    duties = [
        Duty(
            subject=name,
            kind=REFERENCES,
            schedule=parse_schedule(DAILY),
            do=partial(references, app, name),
        )
        for name in names
    ]
    duties.append(Duty(subject=psa, kind=CARRY, schedule=schedule, do=partial(carry_invoices, app)))
    return duties


async def references(app: App, name: str, due: datetime | None) -> None:
    """Read the catalogues of a book.

    Raises:
        RunDuplicate: this due run was already taken.
        SyncdError: the run failed, and says so in its row.
    """
    # Only now: an installation without books never loads it.
    from syncd.books import refresh_references

    await refresh_references(app, name, due)


async def carry_invoices(app: App, due: datetime | None) -> None:
    """Read the PSA's invoices, then take one book after the other through its steps.

    A book is opened once for all of them. It is read back first, so that what is planned rests on
    what it shows, and payments are queued before the delivery that writes them. All books write to
    one PSA, one at a time.
    """
    from syncd.books import read, tell_psa

    await _step(app, "invoices", partial(read, app, due))
    for name in app.settings.ledgers:
        await _step(app, name, partial(_book, app, name, due))
    await _step(app, "what the PSA is told", partial(tell_psa, app, due))


async def _book(app: App, name: str, due: datetime | None) -> None:
    from syncd.books import carry, look_back, record_payments
    from syncd.open_books import OpenBook

    async with OpenBook(app, name) as book:
        for what, step in (
            ("read back", partial(look_back, app, book)),
            ("payments", partial(record_payments, app, name)),
            ("books", partial(carry, app, book)),
        ):
            await _step(app, f"{what} of {name}", partial(step, due))


async def _step(app: App, subject: str, step: Callable[[], Awaitable[None]]) -> None:
    """Do one step; what goes wrong is in its run and in the log, and stops nothing else."""
    try:
        await step()
    except RunDuplicate:
        return
    except SyncdError as error:
        app.log("daemon.work_failed", subject=subject, error=str(error))
    except Exception as error:  # noqa: BLE001 - isolation: logged by type, the run says DEFECT
        app.log("daemon.work_failed", subject=subject, error=type(error).__name__)
