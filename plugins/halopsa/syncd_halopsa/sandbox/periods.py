"""Days and periods as recurring invoices use them."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

LAST_EMPTY_YEAR = 1901


def day_of(text: str) -> date | None:
    """The day of a date as HaloPSA writes it; None for its ways to write none.

    Raises:
        ValueError: it is no date.
    """
    day = date.fromisoformat(text[:10])
    return None if day.year <= LAST_EMPTY_YEAR else day


def moved(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def written(day: date) -> str:
    """A day as HaloPSA writes dates."""
    return f"{day.isoformat()}T00:00:00"
