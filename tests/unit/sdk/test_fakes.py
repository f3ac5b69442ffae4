"""The stand-ins keep time and remember, as the real ones would."""

from __future__ import annotations

import asyncio

from syncd.sdk import waiting
from syncd.sdk.records import Account, Observation
from syncd.sdk.testing.fakes import (
    NOON,
    FakeClock,
    FakeHints,
    FakeStopwatch,
    RecordingLog,
    RecordingSink,
)


def test_a_clock_moves_only_when_told():
    clock = FakeClock()
    assert clock() == clock() == NOON
    clock.advance(90)
    assert (clock() - NOON).total_seconds() == 90


async def test_sleepers_wake_in_the_order_of_their_times_and_never_early():
    watch = FakeStopwatch()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *seconds: float) -> None:
        for one in seconds:
            await watch.sleep(one)
        woken.append((name, watch.monotonic()))

    await asyncio.gather(sleeper("late", 30), sleeper("twice", 5, 5), sleeper("soon", 7))
    assert woken == [("soon", 7), ("twice", 10), ("late", 30)]
    assert sorted(watch.waits) == [5, 5, 7, 30]


async def test_a_running_stopwatch_holds_for_the_tasks_started_in_it_and_no_longer():
    with FakeStopwatch().running() as watch:
        await asyncio.create_task(waiting.sleep(3600))
        assert waiting.monotonic() == 3600
    assert watch.waits == [3600]
    before = waiting.monotonic()
    await waiting.sleep(0)
    assert waiting.monotonic() >= before
    assert watch.waits == [3600]


async def test_a_cancelled_sleeper_does_not_hold_the_others():
    watch = FakeStopwatch()
    first = asyncio.create_task(watch.sleep(1))
    second = asyncio.create_task(watch.sleep(9))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert watch.now == 9
    assert first.cancelled()


def test_a_log_remembers_by_name():
    log = RecordingLog()
    log("a.done", n=1)
    log("b.done")
    log("a.done", n=2)
    assert log.named("a.done") == [{"n": 1}, {"n": 2}]


async def test_a_sink_notices_units_that_come_before_their_account():
    sink = RecordingSink()
    unit = Observation(account="1", product="p", unit="u", quantity=1, name="n")
    await sink.add("fleet", [unit])
    await sink.accounts([Account("1", "One")])
    await sink.scope("fleet", ["1"])
    await sink.add("fleet", [unit])
    assert sink.early == [unit]
    assert sink.observations == [unit, unit]
    assert sink.scopes == {"fleet": ["1"]}


async def test_hints_split_ids_into_ranges_of_equal_size():
    hints = FakeHints(units=10, ids=range(10, 110, 10))
    assert await hints.unit_count() == 10
    assert await hints.unit_id_bounds(5) == [30, 50, 70, 90]
    assert await FakeHints().unit_id_bounds(5) == []
