"""Stand-ins for what the host gives a connector: a clock, a stopwatch, a log, a sink.

They record instead of acting, so that a test states what must have happened.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self

from syncd.sdk.records import Account, Observation
from syncd.sdk.waiting import STOPWATCH

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
"""Where a FakeClock stands unless told otherwise."""


class FakeClock:
    """A clock that moves only when told; call it for the time."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class FakeStopwatch:
    """Lets whoever waits go on at once, in the order of their due times, and counts the seconds.

    Attributes:
        now: seconds that have passed.
        waits: every pause that was asked for, in seconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []
        self._due: list[tuple[float, int]] = []
        self._turn = count()

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        entry = (self.now + seconds, next(self._turn))
        heapq.heappush(self._due, entry)
        try:
            while True:
                for _ in range(5):  # whoever can run now may still ask for an earlier time
                    await asyncio.sleep(0)
                if self._due[0] == entry:
                    break
        finally:
            self._due.remove(entry)
            heapq.heapify(self._due)
        self.now = max(self.now, entry[0])

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Everything of the SDK that waits in this task, or in tasks it starts, waits here."""
        token = STOPWATCH.set(self)
        try:
            yield self
        finally:
            STOPWATCH.reset(token)


class NullLog:
    """A log that forgets."""

    def __call__(self, event: str, /, **fields: Any) -> None: ...


class RecordingLog:
    """A log that remembers.

    Attributes:
        events: each event with its fields, in order.
    """

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, /, **fields: Any) -> None:
        self.events.append((event, fields))

    def named(self, event: str) -> list[dict[str, Any]]:
        """The fields of every event of that name."""
        return [fields for name, fields in self.events if name == event]


class RecordingSink:
    """An ObservationSink that keeps what a source hands over.

    Attributes:
        roster: declared accounts by key.
        scopes: account keys by scope.
        units: observations by scope.
        early: observations whose account had not been declared when they came.
    """

    def __init__(self) -> None:
        self.roster: dict[str, Account] = {}
        self.scopes: dict[str, list[str]] = {}
        self.units: dict[str, list[Observation]] = {}
        self.early: list[Observation] = []

    async def accounts(self, accounts: Sequence[Account]) -> None:
        self.roster.update((account.key, account) for account in accounts)

    async def scope(self, scope: str, accounts: Sequence[str]) -> None:
        self.scopes.setdefault(scope, []).extend(accounts)

    async def add(self, scope: str, batch: Sequence[Observation]) -> None:
        self.units.setdefault(scope, []).extend(batch)
        self.early.extend(unit for unit in batch if unit.account not in self.roster)

    @property
    def observations(self) -> list[Observation]:
        """All units of all scopes."""
        return [unit for batch in self.units.values() for unit in batch]


class FakeHints:
    """What the host remembers of an earlier pull: how many units there were, and their ids."""

    def __init__(self, units: int = 0, ids: Sequence[int] = ()) -> None:
        self._units = units
        self._ids = sorted(ids)

    async def unit_id_bounds(self, parts: int) -> Sequence[int]:
        if len(self._ids) < parts:
            return []
        return [self._ids[len(self._ids) * n // parts] for n in range(1, parts)]

    async def unit_count(self) -> int:
        return self._units
