"""Due times: cron as an independent reader has it, intervals from a fixed epoch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.config.schedule import BadSchedule, MonthTurn, early_days, parse_schedule

CRONS = [
    "0 */6 * * *",
    "*/7 * * * *",
    "30 22 * * mon-fri",
    "15 3 1-3 * *",
    "0 0 29 2 *",
    "5,10,50 1-5/2 * jan,jul *",
    "0 12 * * sat,sun",
    "59 23 31 * *",
]
EIGHT_YEARS = 8 * 365 * 86400
MOMENTS = st.integers(0, EIGHT_YEARS * 1000).map(
    lambda ms: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@settings(max_examples=60)
@given(text=st.sampled_from(CRONS), moment=MOMENTS)
def test_cron_is_due_exactly_when_an_independent_reader_says_so(
    text: str, moment: datetime
) -> None:
    minute, hour, day, month, weekday = text.split()
    oracle = CronTrigger(
        minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=UTC
    )
    expected = oracle.get_next_fire_time(None, moment + timedelta(microseconds=1))
    assert parse_schedule(text).due_after(moment) == expected


@given(
    text=st.sampled_from([*CRONS, "every 6h", "every 7m", "every 3d"]),
    moment=MOMENTS,
)
def test_no_due_time_lies_between_the_last_and_the_next(text: str, moment: datetime) -> None:
    schedule = parse_schedule(text)
    before, after = schedule.due_before(moment), schedule.due_after(moment)
    assert before <= moment < after
    assert schedule.due_after(before) == after
    assert schedule.due_before(after - timedelta(microseconds=1)) == before


def test_intervals_are_counted_from_a_fixed_epoch_so_that_a_restart_moves_nothing() -> None:
    schedule = parse_schedule("every 6h")
    for minute in (1, 59, 300):
        started = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=minute)
        assert schedule.due_after(started) == datetime(2026, 11, 1, 6, tzinfo=UTC)


def test_a_due_time_is_its_own_last_due_time() -> None:
    due = datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert parse_schedule("0 6 * * *").due_before(due) == due
    assert parse_schedule("every 6h").due_before(due) == due


def test_weekday_names_mean_what_they_say() -> None:
    monday = parse_schedule("0 6 * * mon").due_after(datetime(2026, 11, 21, tzinfo=UTC))
    assert monday == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert monday.strftime("%A") == "Monday"


@pytest.mark.parametrize(
    "text",
    [
        "", "daily", "@daily", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
        "* * * 13 *", "* * * * 1", "* * * * funday", "*/0 * * * *", "5-1 * * * *", "-1 * * * *",
        "1-2-3 * * * *", "a * * * *", "* * 1 * mon", "0 0 30 feb *", "every", "every h",
        "every 0h", "every -1h", "every 1.5h", "every 32d", "every 999999999999h", "every 6h 3m",
        "* * * * sun-mon", "1,,2 * * * *", "٣ * * * *",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(BadSchedule) as caught:
        parse_schedule(text)
    assert caught.value.remedy


def test_a_day_whose_last_pull_is_more_than_six_hours_before_midnight_is_found() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    day, gap = early_days(parse_schedule("0 6 * * *"), ZoneInfo("Europe/London"), now) or (0, 0)
    assert (day, gap) == (date(2026, 11, 21), timedelta(hours=18))


def test_the_same_schedule_may_be_late_enough_in_another_zone() -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    schedule = parse_schedule("30 9 * * *")
    assert early_days(schedule, ZoneInfo("Europe/London"), now) is not None
    assert early_days(schedule, ZoneInfo("Australia/Sydney"), now) is None


def test_a_pull_every_six_hours_is_never_early() -> None:
    for zone in ("Europe/London", "America/New_York", "Asia/Kolkata"):
        for start in (datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC)):
            assert early_days(parse_schedule("every 6h"), ZoneInfo(zone), start) is None


def test_only_the_day_of_a_clock_change_may_be_early() -> None:
    schedule = parse_schedule("0 18 * * *")
    zone = ZoneInfo("Europe/London")
    assert early_days(schedule, zone, datetime(2026, 1, 5, tzinfo=UTC)) is None
    assert early_days(parse_schedule("30 17 * * *"), zone, datetime(2026, 6, 5, tzinfo=UTC)) is None
    found = early_days(parse_schedule("30 17 * * *"), zone, datetime(2026, 10, 1, tzinfo=UTC))
    assert found is not None
    assert found[0] == date(2026, 10, 25)


TURNS = st.builds(
    MonthTurn,
    st.sampled_from(["UTC", "Europe/London", "America/Havana", "Australia/Lord_Howe"]).map(
        ZoneInfo
    ),
    st.sampled_from([time(0, 15), time(6, 0), time(23, 59)]),
    st.just(3),
)


@given(schedule=TURNS, moment=MOMENTS)
def test_the_turn_of_a_month_is_due_daily_and_in_its_first_days_hourly(
    schedule: MonthTurn, moment: datetime
) -> None:
    last, following = schedule.due_before(moment), schedule.due_after(moment)
    assert last <= moment < following
    assert schedule.due_after(last) == following
    assert schedule.due_before(following) == following
    assert following - last <= timedelta(hours=25)
    local = following.astimezone(schedule.zone)
    if local.day > 3:
        tomorrow = schedule.due_after(following).astimezone(schedule.zone)
        assert tomorrow.date() == local.date() + timedelta(days=1)


def test_the_window_of_a_month_opens_at_its_local_time_and_tries_every_hour() -> None:
    schedule = MonthTurn(ZoneInfo("Europe/London"), time(0, 15), 3)
    opens = datetime(2026, 3, 31, 23, 15, tzinfo=UTC)
    assert schedule.due_after(datetime(2026, 3, 31, 22, 0, tzinfo=UTC)) == opens
    assert schedule.due_after(opens) == opens + timedelta(hours=1)
    last = datetime(2026, 4, 3, 22, 15, tzinfo=UTC)
    assert schedule.due_after(last) == datetime(2026, 4, 3, 23, 15, tzinfo=UTC)
    assert schedule.due_after(last + timedelta(hours=1)) == datetime(2026, 4, 4, 23, 15, tzinfo=UTC)
