"""The daemon tells people: each notifier has a task of its own, beside the work and never in it.

A finished run wakes them; between runs they look now and then for what waits for another try.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.config.settings import NotifierSettings

PAUSE_SECONDS = 30.0
"""How often a notifier looks for what waits, when no run wakes it."""

LAST_SECONDS = 5.0
"""How long the stop of the daemon waits for messages; what is left is sent after its next start."""

WINDOW_LOOKS = timedelta(hours=1)
"""How often the closing window is looked for, which reads all decisions, when no run ended."""


@dataclass(slots=True)
class Tellers:
    """The tasks that tell people.

    Attributes:
        app: the program.
    """

    app: App
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _wakes: list[asyncio.Event] = field(default_factory=list)
    _ending: bool = False

    def start(self) -> None:
        """Begin; they live until `end`."""
        for one in self.app.settings.notifiers.values():
            if one.enabled:
                wake = asyncio.Event()
                wake.set()
                self._wakes.append(wake)
                self._tasks.append(asyncio.create_task(self._serve(one, wake)))
        self.app.told.append(self._wake)

    async def end(self) -> None:
        """Tell what the last runs left, within a few seconds, and stop."""
        self._ending = True
        self._wake()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=LAST_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_SECONDS)

    def _wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    async def _serve(self, settings: NotifierSettings, wake: asyncio.Event) -> None:
        from syncd.telling import tell, window_of

        window = window_of(self.app)
        looked: datetime | None = None
        while True:
            ending, woken = self._ending, wake.is_set()
            wake.clear()
            now = self.app.clock()
            looks = woken or looked is None or looked + WINDOW_LOOKS <= now
            if looks:
                looked = now
            await tell(self.app, settings, window=window if looks else None)
            if ending:
                return
            await _either(wake, PAUSE_SECONDS)


async def _either(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
