"""The alarm clock: APScheduler wakes us when something may be due, and decides nothing.

What is due is computed from the schedule and the clock, and the run table says who does it. This
is the only importer of APScheduler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from syncd.daemon.duty import EARLY

if TYPE_CHECKING:
    from syncd.config.schedule import Schedule

Clock = Callable[[], datetime]


class Alarm(BaseTrigger):  # type: ignore[misc] # APScheduler is untyped
    """Fires at the due times of a schedule, as the program's clock sees them."""

    def __init__(self, schedule: Schedule, clock: Clock) -> None:
        self._schedule = schedule
        self._clock = clock

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """When to wake up, in the scheduler's own time.

        The program's clock may be shifted against it, in a demonstration; a rounding of that shift
        must not ring twice for one due time.
        """
        moment = self._clock()
        shift = moment - now
        if previous is not None:
            moment = max(moment, previous + shift + EARLY)
        return self._schedule.due_after(moment) - shift


def alarm_clock(
    calls: Iterable[tuple[str, Schedule, Callable[[], Awaitable[None]]]], clock: Clock
) -> AsyncIOScheduler:
    """A scheduler, not yet started, that makes each call at the due times of its schedule.

    Late calls are made however late they are, and only once.
    """
    scheduler = AsyncIOScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, schedule, call in calls:
        scheduler.add_job(call, Alarm(schedule, clock), id=name, name=name)
    return scheduler
