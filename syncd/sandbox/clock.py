"""The clock of a simulated world: it stands still until it is moved, or follows the real one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from syncd.sdk.period import require_utc


class WorldClock:
    """A moment that can be set, shared by all simulators of one world."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = None if start is None else require_utc(start)
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The simulated moment; the real one while none was set."""
        return datetime.now(UTC) if self._now is None else self._now

    def set(self, moment: datetime) -> None:
        """Move to a moment and tell the watchers.

        Raises:
            ValueError: the moment has no zone.
        """
        self._now = require_utc(moment)
        for watcher in self._watchers:
            watcher()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after each move."""
        self._watchers.append(watcher)
