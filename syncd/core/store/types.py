"""Column types that keep money exact and time in UTC on every database."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.types import TypeDecorator

from syncd.core.store.micros import from_micros as from_micros
from syncd.core.store.micros import to_micros as to_micros
from syncd.sdk.money import from_scaled, to_scaled


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
