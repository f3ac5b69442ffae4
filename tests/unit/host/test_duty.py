"""Which due times are worked off: the last one, once, and nothing that is no longer worth it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.config.schedule import parse_schedule
from syncd.core.store.runs import RunRecord, RunStatus
from syncd.daemon.alarm import Alarm
from syncd.daemon.duty import CatchUp, Duty, catch_up, last_due

NOW = datetime(2026, 11, 10, 8, 30, tzinfo=UTC)
DUE = datetime(2026, 11, 10, 6, tzinfo=UTC)


async def nothing(_due: datetime | None) -> None:
    return None


def duty(worth: timedelta | None = None, *, always: bool = False) -> Duty:
    return Duty(
        subject="a",
        kind="pull",
        schedule=parse_schedule("every 6h"),
        do=nothing,
        worth=worth,
        always=always,
    )


def run(scheduled_for: datetime, status: RunStatus = RunStatus.SUCCEEDED) -> RunRecord:
    return RunRecord(
        id="r",
        subject="a",
        kind="pull",
        scheduled_for=scheduled_for,
        status=status,
        started_at=scheduled_for,
        counts={},
    )


def test_a_duty_that_never_ran_is_done_at_once() -> None:
    assert catch_up(duty(), None, NOW) == CatchUp(DUE, seen_late=False)


def test_many_missed_runs_are_made_up_for_by_one() -> None:
    assert catch_up(duty(), run(DUE - timedelta(days=30)), NOW) == CatchUp(DUE, seen_late=True)


def test_a_due_time_that_was_taken_is_not_repeated() -> None:
    assert catch_up(duty(), run(DUE), NOW) is None


def test_a_run_by_hand_after_the_due_time_counts_for_it() -> None:
    assert catch_up(duty(), run(DUE + timedelta(minutes=7)), NOW) is None


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.PARTIAL, RunStatus.HELD])
def test_a_run_that_ended_badly_waits_for_its_next_due_time(status: RunStatus) -> None:
    assert catch_up(duty(), run(DUE, status), NOW) is None


def test_a_run_that_was_interrupted_is_repeated_outside_of_the_schedule() -> None:
    found = catch_up(duty(), run(DUE, RunStatus.INTERRUPTED), NOW)
    assert found == CatchUp(None, seen_late=False)


def test_a_run_missed_for_too_long_is_left_to_a_person() -> None:
    assert catch_up(duty(timedelta(hours=2)), run(DUE - timedelta(days=1)), NOW) is None
    assert catch_up(duty(timedelta(hours=2)), None, NOW) is None
    assert catch_up(duty(timedelta(hours=3)), None, NOW) == CatchUp(DUE, seen_late=False)


def test_a_duty_of_every_start_is_done_at_every_start() -> None:
    assert catch_up(duty(always=True), run(DUE), NOW) == CatchUp(None, seen_late=False)


@pytest.mark.parametrize("offset_ms", [-900, -1, 0, 1, 5000])
def test_an_alarm_that_rings_a_little_early_or_late_means_its_due_time(offset_ms: int) -> None:
    assert last_due(parse_schedule("every 6h"), DUE + timedelta(milliseconds=offset_ms)) == DUE


def test_an_alarm_rings_once_for_each_due_time_also_with_a_shifted_and_jittering_clock() -> None:
    real = datetime(2026, 11, 21, 3, 59, 59, tzinfo=UTC)
    jitter = iter([0, 40, -40, 25, -25, 0, 0] * 4)
    shift = timedelta(days=-20)

    def clock() -> datetime:
        return real + shift + timedelta(microseconds=next(jitter))

    alarm = Alarm(parse_schedule("every 1m"), clock)
    rung = []
    previous = None
    for _ in range(5):
        previous = alarm.get_next_fire_time(previous, real)
        real = previous
        rung.append(
            (real + shift).replace(second=0, microsecond=0)
            + timedelta(minutes=round((real + shift).second / 60))
        )
    assert rung == [datetime(2026, 11, 1, 4, minute, tzinfo=UTC) for minute in range(5)]
