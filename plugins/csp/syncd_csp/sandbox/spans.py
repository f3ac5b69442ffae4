"""Terms and billing cycles: spans of whole months, counted from a day of the month.

Such a day is never after the 28th, so that every month has one.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

DAY = timedelta(days=1)


def later(day: date, months: int) -> date:
    """The same day so many months later, the last of the month where it has none."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@lru_cache(maxsize=65_536)
def span(start: date, months: int, day: date) -> tuple[date, date]:
    """First and last day of the span around a day, the spans following each other from `start`.

    A day before the start belongs to the first one.
    """
    passed = (day.year - start.year) * 12 + day.month - start.month
    number = max(passed // months, 0)
    if number and later(start, number * months) > day:
        number -= 1
    return later(start, number * months), later(start, (number + 1) * months) - DAY


def days(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last, both among them."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def month_of(day: date) -> tuple[date, date]:
    """First and last day of the month of a day."""
    first = day.replace(day=1)
    return first, later(first, 1) - DAY
