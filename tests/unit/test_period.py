"""Billing periods are local calendar months with whole days, whatever the clock does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.sdk.period import Period, day_start, last_finished, require_utc

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize("text", ["2026-13", "2026-0", "26-01", "2026/01", "", "2026-1"])
def test_a_text_that_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2026-11"):
        Period.parse(text)


def test_a_month_is_printed_as_it_is_read() -> None:
    assert str(Period.parse(" 2026-03 ")) == "2026-03"


def test_the_year_turns_both_ways() -> None:
    assert Period(2026, 12).following() == Period(2027, 1)
    assert Period(2026, 1).previous() == Period(2025, 12)


@pytest.mark.parametrize(("month", "hours"), [(3, 743), (10, 745), (11, 720)])
def test_a_month_with_a_clock_change_keeps_its_days(month: int, hours: int) -> None:
    period = Period(2026, month)
    assert period.end(LONDON) - period.start(LONDON) == timedelta(hours=hours)
    assert len(period.days) == (period.following().first_day - period.first_day).days


def test_the_month_is_the_local_one() -> None:
    moment = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert Period.containing(moment, LONDON) == Period(2026, 4)
    assert Period.containing(moment, ZoneInfo("UTC")) == Period(2026, 3)
    assert last_finished(moment, LONDON) == Period(2026, 3)


def test_a_day_whose_midnight_does_not_exist_begins_when_it_first_exists() -> None:
    zone = ZoneInfo("America/Santiago")
    start = day_start(date(2025, 9, 7), zone)
    assert start.astimezone(zone).date() == date(2025, 9, 7)
    assert (start - timedelta(microseconds=1)).astimezone(zone).date() == date(2025, 9, 6)


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        require_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2036, 12, 31)),
    st.sampled_from(["Europe/London", "America/Santiago", "Asia/Beirut", "Africa/Cairo", "UTC"]),
)
def test_days_follow_each_other_without_gap(day: date, name: str) -> None:
    zone = ZoneInfo(name)
    start, following = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    assert start.astimezone(zone).date() == day
    assert (following - timedelta(microseconds=1)).astimezone(zone).date() == day
    assert timedelta(hours=22) < following - start < timedelta(hours=26)
