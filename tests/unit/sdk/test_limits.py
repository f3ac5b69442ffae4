"""The sliding window: never too many, never slower than the quota asks."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.sdk.connector import RateLimit
from syncd.sdk.limits import SlidingWindow, shared, shared_window
from syncd.sdk.testing.fakes import FakeStopwatch


def window_on(watch: FakeStopwatch, calls: int, seconds: float, concurrency: int) -> SlidingWindow:
    return SlidingWindow(calls, seconds, concurrency, monotonic=watch.monotonic, sleep=watch.sleep)


async def test_a_small_job_is_never_paced():
    watch = FakeStopwatch()
    window = window_on(watch, 60, 60, 5)
    for _ in range(60):
        async with window as waited:
            assert waited == 0
    assert watch.waits == []


async def test_the_call_beyond_the_quota_waits_until_the_first_leaves_the_window():
    watch = FakeStopwatch()
    window = window_on(watch, 2, 60, 5)
    async with window:
        pass
    watch.now = 10
    async with window:
        pass
    async with window as waited:
        assert waited == pytest.approx(50)
    assert watch.now == pytest.approx(60)


async def test_a_call_occupies_the_quota_until_a_window_after_its_end():
    """The vendor counts a call at some moment before we read its answer."""
    watch = FakeStopwatch()
    window = window_on(watch, 1, 60, 5)
    async with window:
        watch.now = 3
    async with window:
        assert watch.now == pytest.approx(63)


async def test_calls_that_others_made_just_now_count_as_well():
    watch = FakeStopwatch()
    watch.now = 100
    window = window_on(watch, 10, 1, 5)
    window.occupy(7)
    for _ in range(3):
        async with window as waited:
            assert waited == 0
    async with window as waited:
        assert waited == pytest.approx(1)
    for _ in range(9):
        async with window as waited:
            assert waited == 0
    async with window as waited:
        assert waited == pytest.approx(1)


async def test_a_shared_window_begins_as_it_is_told_and_only_once():
    watch = FakeStopwatch()
    with watch.running():
        first = shared_window("vendor", 4, 60, 2, used=3)
        async with first as waited:
            assert waited == 0
        again = shared_window("vendor", 4, 60, 2, used=3)
        assert again is first
        async with again as waited:
            assert waited == pytest.approx(60)


async def test_no_quota_means_no_wait():
    watch = FakeStopwatch()
    window = SlidingWindow.of(RateLimit(calls=0, concurrency=1))
    for _ in range(1000):
        async with window as waited:
            assert waited == 0
    assert watch.waits == []


async def test_concurrency_is_capped_without_a_quota():
    window = SlidingWindow(0, 60, 3)
    running = most = 0

    async def call() -> None:
        nonlocal running, most
        async with window:
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(call() for _ in range(20)))
    assert most == 3


async def test_after_a_429_nobody_starts_before_the_pause_is_over():
    watch = FakeStopwatch()
    window = window_on(watch, 0, 60, 5)
    window.penalise(30)
    async with window as waited:
        assert waited == pytest.approx(30)


async def test_a_shorter_pause_never_ends_a_longer_one():
    watch = FakeStopwatch()
    window = window_on(watch, 0, 60, 5)
    window.penalise(30)
    window.penalise(1)
    window.penalise(-5)
    async with window:
        assert watch.now == pytest.approx(30)


async def test_a_pause_that_begins_while_others_wait_holds_them_too():
    watch = FakeStopwatch()
    window = window_on(watch, 1, 10, 5)
    async with window:
        pass

    async def late() -> float:
        async with window:
            return watch.now

    waiter = asyncio.create_task(late())
    await asyncio.sleep(0)
    window.penalise(25)
    assert await waiter == pytest.approx(25)


async def test_callers_are_admitted_in_the_order_in_which_they_came():
    watch = FakeStopwatch()
    window = window_on(watch, 1, 10, 9)
    admitted: list[int] = []

    async def call(number: int) -> None:
        async with window:
            admitted.append(number)

    await asyncio.gather(*(call(n) for n in range(6)))
    assert admitted == [0, 1, 2, 3, 4, 5]


async def test_a_cancelled_waiter_gives_its_place_back():
    watch = FakeStopwatch()
    window = window_on(watch, 1, 10, 2)

    async def call() -> None:
        async with window:
            await asyncio.Event().wait()

    holder = asyncio.create_task(call())
    await asyncio.sleep(0)
    waiter = asyncio.create_task(call())
    await asyncio.sleep(0)
    waiter.cancel()
    holder.cancel()
    await asyncio.gather(waiter, holder, return_exceptions=True)
    async with asyncio.timeout(5), window:
        assert watch.now == pytest.approx(10)


async def test_a_call_that_failed_counts_as_well():
    watch = FakeStopwatch()
    window = window_on(watch, 1, 10, 2)
    with pytest.raises(LookupError):
        async with window:
            raise LookupError
    async with window as waited:
        assert waited == pytest.approx(10)


@pytest.mark.parametrize(
    ("calls", "seconds", "concurrency"),
    [(-1, 60, 1), (1, 0, 1), (1, float("nan"), 1), (1, 60, 0)],
)
def test_a_limit_without_meaning_is_refused(calls, seconds, concurrency):
    with pytest.raises(ValueError, match="a limit needs"):
        SlidingWindow(calls, seconds, concurrency)


job = st.tuples(
    st.floats(0, 30, allow_nan=False),  # arrives
    st.floats(0, 20, allow_nan=False),  # takes
    st.floats(0, 1, allow_nan=False),  # when of that the vendor counts it
)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.integers(1, 5),
    seconds=st.floats(0.5, 60),
    concurrency=st.integers(1, 6),
    jobs=st.lists(job, max_size=25),
)
def test_no_window_ever_holds_more_calls_than_the_quota(calls, seconds, concurrency, jobs):
    """Wherever between start and end the vendor counts each call."""
    counted: list[float] = []
    starts: list[float] = []
    running = most = 0

    async def call(window, watch, arrives, takes, when) -> None:
        nonlocal running, most
        await watch.sleep(arrives)
        async with window:
            running += 1
            most = max(most, running)
            start = watch.now
            starts.append(start)
            await watch.sleep(takes)
            counted.append(start + (watch.now - start) * when)
            running -= 1

    async def scenario() -> None:
        watch = FakeStopwatch()
        window = window_on(watch, calls, seconds, concurrency)
        await asyncio.gather(*(call(window, watch, *one) for one in jobs))

    asyncio.run(scenario())
    assert len(starts) == len(jobs)
    assert most <= concurrency
    for moments in (sorted(starts), sorted(counted)):
        for first, beyond in zip(moments, moments[calls:], strict=False):
            assert beyond - first >= seconds * (1 - 1e-9)


@settings(deadline=None)
@given(calls=st.integers(1, 9), n=st.integers(1, 40))
def test_instant_calls_take_exactly_the_time_that_the_quota_imposes(calls, n):
    async def scenario() -> float:
        watch = FakeStopwatch()
        window = window_on(watch, calls, 60, 50)

        async def call() -> None:
            async with window:
                pass

        await asyncio.gather(*(call() for _ in range(n)))
        return watch.now

    assert asyncio.run(scenario()) == pytest.approx(((n - 1) // calls) * 60)


async def test_clients_of_one_organisation_share_a_quota() -> None:
    stopwatch = FakeStopwatch()
    with stopwatch.running():
        first = shared_window("https://books one", 2, 1.0, 5)
        for _ in range(2):
            async with first:
                pass
        second = shared_window("https://books one", 2, 1.0, 5)
        async with second as waited:
            assert waited >= 1.0
        async with shared_window("https://books two", 2, 1.0, 5) as free:
            assert free == 0.0


async def test_a_window_that_is_given_is_used_as_it_is() -> None:
    window = SlidingWindow(2, 1.0, 3)
    assert SlidingWindow.of(window) is window
    assert window.concurrency == 3


async def test_what_is_shared_is_made_once_for_each_key() -> None:
    stopwatch = FakeStopwatch()
    with stopwatch.running():
        first: list[str] = shared(("budget", "one"), list)
        assert shared(("budget", "one"), list) is first
        assert shared(("budget", "two"), list) is not first
    with FakeStopwatch().running():
        assert shared(("budget", "one"), list) is not first
