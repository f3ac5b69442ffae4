"""Moments as both databases store them: whole microseconds since 1970, in UTC.

SQL that is written as text binds and reads them with these two.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from syncd.sdk.period import require_utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970.

    Raises:
        ValueError: the moment has no zone.
    """
    return (require_utc(moment) - _EPOCH) // _MICROSECOND


def from_micros(stored: int) -> datetime:
    """The moment behind `to_micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=stored)
