"""Moments and spans as people read them, in local time and rounded; months as they type them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.sdk.errors import ConfigError
from syncd.sdk.period import Period

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def moment(value: datetime, zone: ZoneInfo) -> str:
    """Local date and time to the minute."""
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"


def moment_to_the_second(value: datetime, zone: ZoneInfo) -> str:
    """Local date and time of what follows quickly upon another."""
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def span(value: timedelta) -> str:
    """A length of time in its two largest units: `2 d 3 h`, `41 min`, `3.2 s`."""
    seconds = max(value.total_seconds(), 0.0)
    for n, (unit, size) in enumerate(_UNITS):
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            smaller = _UNITS[n + 1] if n + 1 < len(_UNITS) else None
            if smaller and rest >= smaller[1]:
                return f"{whole} {unit} {rest // smaller[1]} {smaller[0]}"
            return f"{whole} {unit}"
    return f"{seconds:.1f} s"


def read_period(text: str | None) -> Period | None:
    """The period that an option or an argument names.

    Raises:
        ConfigError: it is not written as one.
    """
    if text is None:
        return None
    try:
        return Period.parse(text)
    except ValueError as error:
        raise ConfigError(f"'{text}' is not a month", remedy="write it like 2026-11") from error
