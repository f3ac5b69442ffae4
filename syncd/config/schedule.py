"""When things are due: cron in UTC with weekdays by name, or an interval from a fixed epoch.

Due times are computed, never remembered: the time itself is the key of the run, so that two
processes that look at the same schedule name the same run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from syncd.sdk.period import day_start

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Where intervals are counted from, so that a restart does not move them."""

LONGEST_WAIT = timedelta(days=366 * 4 + 1)
"""A schedule that is not due within this time is never due."""

EARLY_EVENING = timedelta(hours=6)
"""A last pull longer than this before local midnight leaves much of the day uncounted."""

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_EVERY = re.compile(r"^every\s+(\d+)\s*(m|min|minutes?|h|hours?|d|days?)$")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_EXAMPLES = 'write "every 6h", or five cron fields in UTC like "30 22 * * mon-fri"'


class Schedule(Protocol):
    """Something that is due again and again."""

    @property
    def text(self) -> str: ...

    def due_after(self, moment: datetime) -> datetime:
        """The first due time later than the moment."""
        ...

    def due_before(self, moment: datetime) -> datetime:
        """The last due time at or before the moment."""
        ...


class BadSchedule(ValueError):
    """A text is not a schedule.

    Attributes:
        remedy: what to write.
    """

    def __init__(self, message: str, remedy: str = _EXAMPLES) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Every:
    """Due at whole multiples of an interval since the epoch."""

    text: str
    interval: timedelta

    def due_after(self, moment: datetime) -> datetime:
        return self.due_before(moment) + self.interval

    def due_before(self, moment: datetime) -> datetime:
        return EPOCH + (moment - EPOCH) // self.interval * self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """Due at the minutes that match five fields, in UTC."""

    text: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def due_after(self, moment: datetime) -> datetime:
        moment = moment.astimezone(UTC)
        for day in self._days_from(moment.date(), 1):
            for due in self._times(day):
                if due > moment:
                    return due
        raise BadSchedule(f"'{self.text}' is never due", "name a day that exists in its months")

    def due_before(self, moment: datetime) -> datetime:
        moment = moment.astimezone(UTC)
        for day in self._days_from(moment.date(), -1):
            for due in reversed(self._times(day)):
                if due <= moment:
                    return due
        raise BadSchedule(f"'{self.text}' is never due", "name a day that exists in its months")

    def _days_from(self, day: date, step: int) -> Iterator[date]:
        for n in range(LONGEST_WAIT.days + 1):
            candidate = day + timedelta(days=n * step)
            if (
                candidate.month in self.months
                and candidate.day in self.days
                and candidate.weekday() in self.weekdays
            ):
                yield candidate

    def _times(self, day: date) -> list[datetime]:
        return [
            datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
            for hour in self.hours
            for minute in self.minutes
        ]


@dataclass(frozen=True, slots=True)
class MonthTurn:
    """Due every local day at a time, and every hour from then on in the first days of a month."""

    zone: ZoneInfo
    opens: time
    busy_days: int

    @property
    def text(self) -> str:
        return f"{self.opens:%H:%M} {self.zone.key}, hourly on days 1 to {self.busy_days}"

    def due_after(self, moment: datetime) -> datetime:
        day = moment.astimezone(self.zone).date()
        coming = (due for n in range(3) for due in self._times(day + n * _DAY))
        return next(due for due in coming if due > moment)

    def due_before(self, moment: datetime) -> datetime:
        day = moment.astimezone(self.zone).date()
        past = (due for n in range(3) for due in reversed(self._times(day - n * _DAY)))
        return next(due for due in past if due <= moment)

    def _times(self, day: date) -> list[datetime]:
        first = datetime.combine(day, self.opens, tzinfo=self.zone).astimezone(UTC)
        hours = range(24) if day.day <= self.busy_days else range(1)
        ends = day_start(day + _DAY, self.zone)
        return [due for n in hours if (due := first + n * _HOUR) < ends]


def parse_schedule(text: str) -> Schedule:
    """Read `every 6h` or a cron line.

    Raises:
        BadSchedule: with the reason and what to write.
    """
    cleaned = " ".join(text.lower().split())
    if cleaned.startswith("every"):
        return _every(text, cleaned)
    fields = cleaned.split(" ")
    if len(fields) != 5:
        message = f"'{text}' is not a schedule: it has {len(fields)} of 5 cron fields"
        raise BadSchedule(message)
    if re.search(r"[0-9]", fields[4]):
        message = f"'{text}' numbers the weekday, and programs disagree on which day 0 is"
        raise BadSchedule(message, "write the weekday by name: mon tue wed thu fri sat sun")
    cron = Cron(
        text,
        _field("minute", fields[0], range(60)),
        _field("hour", fields[1], range(24)),
        _field("day", fields[2], range(1, 32)),
        _field("month", fields[3], range(1, 13), _MONTHS),
        _field("weekday", fields[4], range(7), _WEEKDAYS),
    )
    if fields[2] != "*" and fields[4] != "*":
        message = f"'{text}' limits the day and the weekday, and programs disagree on what that is"
        raise BadSchedule(message, "leave one of the two fields as *")
    cron.due_after(EPOCH)
    return cron


def early_days(schedule: Schedule, zone: ZoneInfo, now: datetime) -> tuple[date, timedelta] | None:
    """A coming day whose last due time leaves more than six hours to local midnight.

    Counts of a day are those of its last pull: what arrives later in the day is first counted on
    the next one. Days on which nothing is due are not judged.

    Returns:
        the first such day within five weeks and the gap, or None.
    """
    today = now.astimezone(zone).date()
    for n in range(35):
        day = today + timedelta(days=n)
        midnight = datetime.combine(day + _DAY, time.min, tzinfo=zone).astimezone(UTC)
        due = schedule.due_before(midnight - timedelta(microseconds=1))
        if due.astimezone(zone).date() == day and midnight - due > EARLY_EVENING:
            return day, midnight - due
    return None


def _every(text: str, cleaned: str) -> Every:
    found = _EVERY.match(cleaned)
    if not found:
        message = f"'{text}' is not an interval"
        raise BadSchedule(message, 'write "every 30m", "every 6h" or "every 1d"')
    unit = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": _DAY}[found[2][0]]
    if len(found[1]) > 5 or not _MINUTE <= int(found[1]) * unit <= 31 * _DAY:
        message = f"'{text}' is not between 1 minute and 31 days"
        raise BadSchedule(message, 'write "every 30m", "every 6h" or "every 1d"')
    return Every(text, int(found[1]) * unit)


def _field(name: str, text: str, allowed: range, names: Sequence[str] = ()) -> tuple[int, ...]:
    values: set[int] = set()
    for part in text.split(","):
        values.update(_part(name, part, allowed, names))
    return tuple(sorted(values))


def _part(name: str, part: str, allowed: range, names: Sequence[str]) -> range:
    span, slash, step_text = part.partition("/")
    step = 1
    if slash:
        if not step_text.isdigit() or not 0 < int(step_text) < allowed.stop:
            message = f"'{part}' in the {name} field has no step between 1 and {allowed.stop - 1}"
            raise BadSchedule(message)
        step = int(step_text)
    if span == "*":
        return range(allowed.start, allowed.stop, step)
    first, dash, last = span.partition("-")
    low = _number(name, first, allowed, names)
    high = _number(name, last, allowed, names) if dash else (allowed.stop - 1 if slash else low)
    if high < low:
        message = f"'{part}' in the {name} field runs backwards"
        raise BadSchedule(message, f"write it as two parts, like {first},{last}")
    return range(low, high + 1, step)


def _number(name: str, text: str, allowed: range, names: Sequence[str]) -> int:
    if text in names:
        return names.index(text) + allowed.start
    if text.isascii() and text.isdigit() and int(text) in allowed:
        return int(text)
    known = f"{allowed.start} to {allowed.stop - 1}" if name != "weekday" else " ".join(names)
    message = f"'{text}' in the {name} field is not one of {known}"
    raise BadSchedule(message)
