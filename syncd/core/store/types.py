"""Column types that keep money exact and time in UTC on every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.types import TypeDecorator

from syncd.sdk.money import from_scaled, to_scaled
from syncd.sdk.period import require_utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970, as moments are stored; for SQL written as text.

    Raises:
        ValueError: the moment has no zone.
    """
    return (require_utc(moment) - _EPOCH) // _MICROSECOND


def from_micros(stored: int) -> datetime:
    """The moment behind `to_micros`, in UTC."""
    return _EPOCH + timedelta(microseconds=stored)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, stored as microseconds since 1970 so that both databases compare it alike.

    SQLite would drop the zone of a native datetime; a naive value is refused.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        return None if value is None else from_micros(value)


class ScaledDecimal(TypeDecorator[Decimal]):
    """An amount, stored as an integer of 10^-8 units; SQLite would make a Decimal a float.

    A value with more than 8 decimals is refused, never rounded.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> int | None:  # noqa: ARG002
        return None if value is None else to_scaled(value)

    def process_result_value(self, value: int | None, dialect: Any) -> Decimal | None:  # noqa: ARG002
        return None if value is None else from_scaled(value)
