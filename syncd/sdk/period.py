"""Billing periods: local calendar months as half-open intervals of UTC time.

The month is the MSP's, in the configured IANA zone: it begins at local midnight of day 1, so a
month with a clock change has 743 or 745 hours and still has whole days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_PERIOD = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")


def require_utc(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        ValueError: the moment has no zone.
    """
    if moment.tzinfo is None:
        message = f"{moment.isoformat()} has no time zone"
        raise ValueError(message)
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One calendar month, `YYYY-MM`; which instants it covers depends on the zone."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read `YYYY-MM`.

        Raises:
            ValueError: not such a text.
        """
        found = _PERIOD.match(text.strip())
        if not found:
            message = f"'{text}' is not a period; write it like 2026-11"
            raise ValueError(message)
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def containing(cls, moment: datetime, zone: ZoneInfo) -> Period:
        """The local month in which the moment falls."""
        local = require_utc(moment).astimezone(zone)
        return cls(local.year, local.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return self.following().first_day - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """Every local day of the month, in order."""
        return [self.first_day + timedelta(days=n) for n in range(self.last_day.day)]

    def following(self) -> Period:
        return Period(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> Period:
        return Period(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def start(self, zone: ZoneInfo) -> datetime:
        """First instant, in UTC."""
        return day_start(self.first_day, zone)

    def end(self, zone: ZoneInfo) -> datetime:
        """First instant of the next month, in UTC; not part of this one."""
        return self.following().start(zone)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC.

    Where midnight does not exist (a zone that changes its clock at 00:00) the day begins at the
    first instant that does.
    """
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def last_finished(now: datetime, zone: ZoneInfo) -> Period:
    """The month before the local month of `now`."""
    return Period.containing(now, zone).previous()
