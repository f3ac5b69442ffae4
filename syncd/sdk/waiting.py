"""The one place where the SDK reads a stopwatch and waits.

Limits and retries wait through here, so that a test, or the conformance kit, can watch a connector
wait for minutes without spending them.
"""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Protocol


class Stopwatch(Protocol):
    """Something that measures time that only grows, and waits."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed."""
        ...


class RealStopwatch:
    """The machine's own time."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


STOPWATCH: ContextVar[Stopwatch] = ContextVar("syncd_stopwatch", default=RealStopwatch())  # noqa: B039 - stateless
"""The stopwatch of the running task; tests set another, tasks inherit it."""


def monotonic() -> float:
    """Seconds on the running task's stopwatch."""
    return STOPWATCH.get().monotonic()


async def sleep(seconds: float) -> None:
    """Wait on the running task's stopwatch."""
    await STOPWATCH.get().sleep(seconds)
