"""What the term of a unit means on a local calendar: which day, how soon, and in which words.

Vendors state days of UTC. A term ends with the last instant of its day, which is another local day
east of Greenwich.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from syncd.sdk.period import Period
from syncd.sdk.terms import Term, term_of

MONTHLY: Final = "monthly"
_A_MONTH: Final = "P1M"
_WHOLE: Final = re.compile(r"^P([1-9]\d{0,3})([YM])$")
_THEN: Final = {
    "renews": "renews",
    "extended": "runs on month by month",
    "ends": "ends",
    "unknown": "unknown what then",
}


@lru_cache(maxsize=4096)
def ends_on(day: date, zone: ZoneInfo) -> date:
    """The local day in which the last instant of a day of UTC falls."""
    try:
        return datetime.combine(day, time.max, tzinfo=UTC).astimezone(zone).date()
    except OverflowError:  # the last day of the calendar, which means never
        return day


@lru_cache(maxsize=4096)
def safe_until(day: date, zone: ZoneInfo) -> date:
    """The last local day that is over before the day of UTC is: no zone makes it too late."""
    try:
        over = datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC)
        return over.astimezone(zone).date() - timedelta(days=1)
    except OverflowError:
        return day


def renewal_month(term: Term, zone: ZoneInfo) -> str:
    """Month (`YYYY-MM`) in which the term ends; empty where its end is not known."""
    if term.ends is None:
        return ""
    day = ends_on(term.ends, zone)
    return str(Period(day.year, day.month))


def not_monthly(term: Term) -> bool:
    """It is charged, and not every month; unknown is not said to be either."""
    return term.billed not in {"", MONTHLY}


def rolls(term: Term) -> bool:
    """A term of one month that renews by itself: due every month, and nobody has to decide."""
    return term.length == _A_MONTH and term.then == "renews" and not not_monthly(term)


def months_of(length: str) -> int | None:
    """Months of a term such as `P1Y`; None for what is not whole months."""
    found = _WHOLE.match(length)
    if found is None:
        return None
    return int(found[1]) * (12 if found[2] == "Y" else 1)


def length_words(length: str) -> str:
    """`P1Y` as people say it; anything else as the vendor wrote it."""
    found = _WHOLE.match(length)
    if found is None:
        return length
    unit = "year" if found[2] == "Y" else "month"
    return f"{found[1]} {unit}{'' if found[1] == '1' else 's'}"


def then_words(term: Term) -> str:
    """What happens at its end; a change of seats only where one is scheduled."""
    words = _THEN[term.then]
    return words if term.next_quantity is None else f"{words} with {term.next_quantity:,}"


def term_words(term: Term, zone: ZoneInfo) -> str:
    """The whole term in one phrase, such as `1 year to 2027-01-09, renews; billed annual`."""
    parts = [length_words(term.length) or "term"]
    if term.extended:
        parts[0] = f"{parts[0]} extended"
    parts[0] += " to " + ("a day not told" if term.ends is None else f"{ends_on(term.ends, zone)}")
    said = [f"{parts[0]}, {then_words(term)}"]
    if not_monthly(term):
        month = renewal_month(term, zone)
        said.append(f"billed {term.billed}" + (f", renewal month {month}" if month else ""))
    elif term.billed:
        said.append(f"billed {term.billed}")
    if term.falls_until is not None:
        said.append(f"seats may fall until {safe_until(term.falls_until, zone)}")
    return "; ".join(said)


def words_of_term(attributes: str, zone: ZoneInfo) -> str:
    """The same for the attributes of a unit; empty where they state no term."""
    term = term_of(attributes)
    return "" if term is None else term_words(term, zone)


def days_left(term: Term, today: date, zone: ZoneInfo) -> int | None:
    """Local days until the term ends, 0 on its last day, negative after it; None if not known."""
    return None if term.ends is None else (ends_on(term.ends, zone) - today).days


def window_of(days: int, windows: tuple[int, ...]) -> int | None:
    """The narrowest window that holds a day ahead; None for one beyond all, or past.

    Args:
        days: from today.
        windows: their widths in days, ascending.
    """
    return next((width for width in windows if 0 <= days <= width), None)
