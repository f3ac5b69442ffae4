"""Reads what Partner Center writes loosely: moments with and without a zone, ids, enumerations.

A value that is not there is None; one that cannot be read is told apart from it, so that nothing
is guessed silently.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

BOM: Final = b"\xef\xbb\xbf"

_MOMENT: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:T?(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?)?"
    r"(?:(Z)|([+-])(\d{2}):?(\d{2}))?",
    re.IGNORECASE | re.ASCII,
)
_AMERICAN: Final = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4})(?:(\d{1,2}):(\d{2})(?::(\d{2}))?(AM|PM)?)?",
    re.IGNORECASE | re.ASCII,
)
_NOT_A_CODE: Final = re.compile(r"[^a-z0-9]+")
_WORD_BREAK: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST_CODE: Final = 40


def moment(text: str | None) -> datetime | None:
    """A moment in UTC; one without a zone is UTC already.

    Blanks inside, seven digits of a fraction, offsets and the American form are all met in
    Microsoft's own examples. The year 1 is how some of its services write "never".

    Raises:
        ValueError: the text is no moment.
    """
    if text is None or not text.strip():
        return None
    plain = "".join(text.split())
    found = _MOMENT.fullmatch(plain)
    if found is not None:
        return _moment(found)
    found = _AMERICAN.fullmatch(plain)
    if found is None:
        message = "no moment"
        raise ValueError(message)
    month, day, year, hour, minute, second, half = found.groups()
    clock = int(hour or 0)
    if half:
        clock = clock % 12 + (12 if half.lower() == "pm" else 0)
    return datetime(
        int(year), int(month), int(day), clock, int(minute or 0), int(second or 0), tzinfo=UTC
    )


def _moment(found: re.Match[str]) -> datetime | None:
    year, month, day, hour, minute, second, fraction, _, sign, ahead, minutes = found.groups()
    if year == "0001":
        return None
    zone = UTC
    if sign:
        offset = timedelta(hours=int(ahead), minutes=int(minutes))
        zone = timezone(-offset if sign == "-" else offset)
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    there = datetime(
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), micro,
        tzinfo=zone,
    )  # fmt: skip
    try:
        return there.astimezone(UTC)
    except OverflowError as error:
        message = "no moment"
        raise ValueError(message) from error


def enum(text: str | None) -> str:
    """An enumeration's value in lower snake case, whichever way it is written; empty if absent.

    `oneTime`, `OneTime`, `one_time` and `ONE_TIME` are one value.
    """
    if not text:
        return ""
    words = text.strip()
    if not words.isupper():
        words = _WORD_BREAK.sub("_", words)
    return _NOT_A_CODE.sub("_", words.lower()).strip("_")[:_LONGEST_CODE]


def party(text: str | None) -> str:
    """The id of a customer: lower case, without the `org:` that bills put before it."""
    return (text or "").strip().lower().removeprefix("org:")


def whole(number: Decimal) -> int:
    """A count.

    Raises:
        ValueError: below zero, a fraction, or no number at all.
    """
    if not number.is_finite() or number < 0 or number != number.to_integral_value():
        message = "no count"
        raise ValueError(message)
    return int(number)
