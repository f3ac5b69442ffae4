"""A duty: work that is due again and again, and which of its due times is to be worked off now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.config.schedule import Schedule
    from syncd.core.store.runs import RunRecord

EARLY = timedelta(seconds=1)
"""An alarm that rings this much too early by the program's clock still means its due time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Recurring work.

    Attributes:
        subject: a connection's name, or `billing`.
        kind: kind of its runs.
        schedule: when it is due.
        do: does it for a due time; None asks for a run outside of the schedule.
        worth: how long after its due time a missed run is still made up for; None is for ever.
        always: also done at every start, outside of the schedule.
    """

    subject: str
    kind: str
    schedule: Schedule
    do: Callable[[datetime | None], Awaitable[None]]
    worth: timedelta | None = None
    always: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind} of {self.subject}"


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A run to make up for at the start.

    Attributes:
        due: the missed due time; None repeats a run that was interrupted, outside of the schedule.
        seen_late: it was missed while no daemon ran, rather than never done before.
    """

    due: datetime | None
    seen_late: bool


def last_due(schedule: Schedule, now: datetime) -> datetime:
    """The due time that an alarm ringing now means; it is the key of the run."""
    return schedule.due_before(now + EARLY)


def catch_up(duty: Duty, last: RunRecord | None, now: datetime) -> CatchUp | None:
    """What to make up for at the start: at most one run, however many were missed.

    Args:
        duty: whose.
        last: its newest run of any kind of trigger, None when it never ran.
        now: UTC.
    """
    if duty.always:
        return CatchUp(None, seen_late=False)
    due = last_due(duty.schedule, now)
    in_time = duty.worth is None or now - due <= duty.worth
    if last is None:
        return CatchUp(due, seen_late=False) if in_time else None
    if last.scheduled_for < due:
        return CatchUp(due, seen_late=True) if in_time else None
    if last.status == "interrupted" and in_time:
        return CatchUp(None, seen_late=False)
    return None
