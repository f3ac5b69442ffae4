"""Keeps a connection inside its vendor's quota: a rolling window, and a cap on calls in flight.

A small job is never paced; only a call that would break the quota waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from syncd.sdk import waiting
from syncd.sdk.connector import RateLimit

T = TypeVar("T")

SHORTEST_WAIT = 0.001
"""Seconds; keeps rounding from turning the last moment of a wait into a busy loop."""


class SlidingWindow:
    """Admits one call per `async with`, which yields the seconds it waited for the quota.

    A vendor counts a call somewhere between our sending it and our reading its answer. So a call
    occupies the quota from its start until `window_seconds` after its end: whenever the vendor
    counted it, no window of that length ever holds more than `calls`. Callers are admitted in the
    order in which they came.

    Attributes:
        concurrency: most calls in flight.
    """

    def __init__(
        self,
        calls: int,
        window_seconds: float,
        concurrency: int,
        *,
        monotonic: Callable[[], float] = waiting.monotonic,
        sleep: Callable[[float], Awaitable[None]] = waiting.sleep,
    ) -> None:
        """Set the quota.

        Args:
            calls: most calls within a window; 0 means that no quota is known.
            window_seconds: length of the window.
            concurrency: most calls in flight.
            monotonic: seconds on a clock that only grows.
            sleep: waits on the same clock.

        Raises:
            ValueError: a negative quota, an empty window or no room for a single call.
        """
        if calls < 0 or concurrency < 1 or not window_seconds > 0:
            raise ValueError("a limit needs calls >= 0, window_seconds > 0 and concurrency >= 1")
        self._calls = calls
        self._window = window_seconds
        self._monotonic = monotonic
        self._sleep = sleep
        self.concurrency = concurrency
        self._slots = asyncio.Semaphore(concurrency)
        self._order = asyncio.Lock()
        self._ends: deque[float] = deque()
        self._in_flight = 0
        self._ended = asyncio.Event()
        self._penalty_until = float("-inf")

    @classmethod
    def of(cls, limit: RateLimit | SlidingWindow) -> SlidingWindow:
        """The window for a connection's limits, or the one that is given."""
        if isinstance(limit, SlidingWindow):
            return limit
        return cls(limit.calls, limit.window_seconds, limit.concurrency)

    def penalise(self, seconds: float) -> None:
        """Admit nobody for `seconds`: the vendor said that we were too fast.

        A shorter penalty never ends a longer one.
        """
        self._penalty_until = max(self._penalty_until, self._monotonic() + seconds)

    def occupy(self, calls: int) -> None:
        """Count calls of others that the vendor may still count, as if they had ended now."""
        self._ends.extend([self._monotonic()] * calls)

    async def __aenter__(self) -> float:
        await self._slots.acquire()
        try:
            async with self._order:
                waited = await self._turn()
        except BaseException:
            self._slots.release()
            raise
        self._in_flight += 1
        return waited

    async def __aexit__(self, *_: object) -> None:
        self._in_flight -= 1
        if self._calls:
            self._ends.append(self._monotonic())
        self._ended.set()
        self._slots.release()

    async def _turn(self) -> float:
        waited = 0.0
        while True:
            now = self._monotonic()
            while self._ends and self._ends[0] + self._window <= now:
                self._ends.popleft()
            wait = self._penalty_until - now
            if self._calls and len(self._ends) + self._in_flight >= self._calls:
                if not self._ends:
                    self._ended.clear()
                    await self._ended.wait()
                    continue
                wait = max(wait, self._ends[0] + self._window - now)
            if wait <= 0:
                return waited
            wait = max(wait, SHORTEST_WAIT)
            await self._sleep(wait)
            waited += wait


_SHARED: Final[
    WeakKeyDictionary[
        asyncio.AbstractEventLoop, WeakKeyDictionary[waiting.Stopwatch, dict[Hashable, Any]]
    ]
] = WeakKeyDictionary()


def shared(key: Hashable, make: Callable[[], T]) -> T:
    """One thing for all clients of this process, for what a client must not learn anew.

    Args:
        key: whose thing it is, with its kind; equal keys get the same thing.
        make: gives it to the first who asks.

    Raises:
        RuntimeError: no event loop runs.
    """
    of_loop = _SHARED.setdefault(asyncio.get_running_loop(), WeakKeyDictionary())
    things = of_loop.setdefault(waiting.STOPWATCH.get(), {})
    if key not in things:
        things[key] = make()
    found: T = things[key]
    return found


def shared_window(
    owner: str, calls: int, window_seconds: float, concurrency: int, *, used: int = 0
) -> SlidingWindow:
    """One window for all clients of this process, for quotas that are soon used up.

    A client that is opened right after another one would count from nothing, while the vendor
    still counts what the other one sent.

    Args:
        owner: whose quota it is, e.g. address and organisation.
        calls: most calls within a window.
        window_seconds: length of the window.
        concurrency: most calls in flight; of the first who asks.
        used: of these calls, what a process before this one may have just made.

    Raises:
        ValueError: as with `SlidingWindow`.
        RuntimeError: no event loop runs.
    """

    def begun() -> SlidingWindow:
        window = SlidingWindow(calls, window_seconds, concurrency)
        window.occupy(used)
        return window

    return shared(("window", owner, calls, window_seconds), begun)
