"""Partner Center's loose moments and enumerations are read as they are meant, or told as unread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncd_csp.values import enum, moment, party, whole

MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - zones are added by the tests
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - likewise
)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2015-11-24T08:00:00Z", datetime(2015, 11, 24, 8, tzinfo=UTC)),
        ("2026-01-10T09:00:01.1234567Z", datetime(2026, 1, 10, 9, 0, 1, 123456, tzinfo=UTC)),
        ("2026-01-10T09:00:01.12Z", datetime(2026, 1, 10, 9, 0, 1, 120000, tzinfo=UTC)),
        ("2026-01-10T09:00:01+00:00", datetime(2026, 1, 10, 9, 0, 1, tzinfo=UTC)),
        ("2026-01-09T16:00:00-08:00", datetime(2026, 1, 10, tzinfo=UTC)),
        ("2017-05-12T00:00:00", datetime(2017, 5, 12, tzinfo=UTC)),
        ("2017-05-12", datetime(2017, 5, 12, tzinfo=UTC)),
        ("2017-05-12 08:15:00", datetime(2017, 5, 12, 8, 15, tzinfo=UTC)),
        ("2017-05-12T00: 00: 00", datetime(2017, 5, 12, tzinfo=UTC)),
        ("11/30/2026 11:59:59 PM", datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)),
        ("11/30/2026 12:00:00 AM", datetime(2026, 11, 30, tzinfo=UTC)),
        ("9999-12-30T00:00:00Z", datetime(9999, 12, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("", None),
        (None, None),
    ],
)
def test_moments_that_microsoft_writes_are_read(text: str | None, at: datetime | None) -> None:
    assert moment(text) == at


@pytest.mark.parametrize(
    "text",
    ["soon", "2026-13-01", "2026-02-30T00:00:00Z", "12/40/2026", "9999-12-31T23:00:00-08:00"],
)
def test_what_is_no_moment_is_told_apart_from_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        moment(text)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60), st.sampled_from(["", " ", "  "]))
def test_a_moment_survives_its_offset_and_blanks(at: datetime, ahead: int, blank: str) -> None:
    there = at.replace(tzinfo=timezone(timedelta(minutes=ahead)))
    text = there.isoformat().replace("T", "T" + blank)
    assert moment(text) == there.astimezone(UTC)


@given(MOMENTS)
def test_a_moment_without_a_zone_is_utc(at: datetime) -> None:
    assert moment(at.isoformat()) == at.replace(tzinfo=UTC)


@given(st.text(max_size=30))
def test_no_text_makes_moments_fail_otherwise(text: str) -> None:
    try:
        found = moment(text)
    except ValueError:
        return
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize("text", ["oneTime", "OneTime", "one_time", "ONE_TIME", " one-time "])
def test_an_enumeration_is_one_value_however_it_is_written(text: str) -> None:
    assert enum(text) == "one_time"


@given(st.text(max_size=80))
def test_an_enumeration_is_always_fit_for_a_code(text: str) -> None:
    found = enum(text)
    assert len(found) <= 40
    assert found == "" or found.replace("_", "").isascii()
    assert enum(found) == found


def test_ids_of_bills_and_lists_are_the_same() -> None:
    assert party("org:ABC-1") == party(" abc-1 ") == "abc-1"
    assert party(None) == ""


@given(st.integers(0, 10**12))
def test_a_count_may_be_written_with_a_fraction_of_nothing(number: int) -> None:
    assert whole(Decimal(number)) == whole(Decimal(f"{number}.00")) == number


@pytest.mark.parametrize("text", ["-1", "1.5", "NaN", "Infinity"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no count"):
        whole(Decimal(text))
