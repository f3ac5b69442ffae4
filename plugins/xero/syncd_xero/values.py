"""Reads and writes what Xero has its own forms for: dates in milliseconds, ids, filters.

A value that cannot be read is an error of the caller's making to name; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

T = TypeVar("T")

NOTHING: Final = "00000000-0000-0000-0000-000000000000"
"""The id of an element that was not saved."""

LONGEST_LIST: Final = 1500
"""Characters of one list in an address; the whole must stay below what servers take."""

_MILLISECONDS: Final = re.compile(r"/Date\((-?\d+)(?:([+-])(\d{2})(\d{2}))?\)/")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION: Final = re.compile(r"\.(\d+)")


def moment(text: str) -> datetime:
    """A moment in UTC, out of `/Date(1793491200000+0000)/` or ISO text without or with a zone.

    The offset in the first form says where it was written; the milliseconds are UTC already.

    Raises:
        ValueError: it is neither.
    """
    found = _MILLISECONDS.fullmatch(text.strip())
    if found is not None:
        try:
            return _EPOCH + timedelta(milliseconds=int(found[1]))
        except OverflowError as error:
            message = "no moment"
            raise ValueError(message) from error
    plain = _FRACTION.sub(lambda part: "." + part[1][:6].ljust(6, "0"), text.strip())
    there = datetime.fromisoformat(plain)
    return there.replace(tzinfo=UTC) if there.tzinfo is None else there.astimezone(UTC)


def day(text: str) -> date:
    """A day; Xero writes it as its midnight in UTC, whatever the organisation's zone.

    Raises:
        ValueError: it is none.
    """
    return moment(text).date()


def identifier(text: str) -> str:
    """An id as keys hold it."""
    return text.strip().lower()


def modified_since(since: datetime) -> str:
    """`If-Modified-Since` in the form that Xero reads, in whole seconds."""
    return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def quoted(text: str) -> str:
    """Text inside a filter.

    Raises:
        ValueError: it holds a double quote, for which no filter is documented.
    """
    if '"' in text:
        message = "a filter cannot hold a double quote"
        raise ValueError(message)
    return f'"{text}"'


def filter_day(one: date) -> str:
    return f"DateTime({one.year},{one.month:02},{one.day:02})"


def either(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions)


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def lists(values: Iterable[str], most: int, longest: int = LONGEST_LIST) -> Iterator[list[str]]:
    """Values in groups that fit an address.

    Args:
        values: texts.
        most: in a group.
        longest: characters of a group with a separator behind each value.
    """
    group: list[str] = []
    size = 0
    for value in values:
        if group and (len(group) >= most or size + len(value) + 1 > longest):
            yield group
            group, size = [], 0
        group.append(value)
        size += len(value) + 1
    if group:
        yield group
