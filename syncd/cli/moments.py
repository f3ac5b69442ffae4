"""Moments and spans as people read them: local time in the billing zone, and rounded ages."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def moment(value: datetime, zone: ZoneInfo) -> str:
    """Local date and time to the minute."""
    return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"


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
