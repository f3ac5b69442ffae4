"""The life of the daemon: take the lock, mend what a crash left, work, and stop cleanly.

One event loop and one task group. The first signal ends the intake and lets running work finish
within the grace; what is left is interrupted and says so. A second signal ends the process at once,
which is safe because every write is made for it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from syncd import __version__
from syncd.core.service.runs import RunDuplicate
from syncd.core.store.runs import RunRecord, last_runs
from syncd.daemon.alarm import alarm_clock
from syncd.daemon.duties import duties_of
from syncd.daemon.duty import Duty, catch_up, last_due
from syncd.daemon.instance import StillHeld, only_daemon
from syncd.daemon.notices import Tellers
from syncd.daemon.recovery import recover
from syncd.daemon.webhooks import Callers
from syncd.sdk.errors import SyncdError

if TYPE_CHECKING:
    from syncd.bootstrap import App

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""All of them mean: stop. SIGHUP comes from a terminal that was closed."""

LOCK_CHECK_SECONDS = 30.0
"""How often the lock of a database server is asked for a sign of life."""

INTERRUPTED_SECONDS = 15.0
"""How long interrupted work may take to write that it was interrupted."""


async def serve(app: App) -> None:
    """Be the daemon until a signal comes.

    Raises:
        DaemonRunning: another one works with this database.
        StoreError: the database cannot serve, or its lock was lost.
    """
    async with only_daemon(app.database, app.node) as still_held:
        await recover(app)
        await Daemon(app, duties_of(app), still_held).run()


@dataclass(slots=True)
class Daemon:
    """A running daemon.

    Attributes:
        app: the program.
        duties: what it does, and when.
        still_held: raises when the lock may be lost.
    """

    app: App
    duties: Sequence[Duty]
    still_held: StillHeld
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _reason: str = ""
    _failure: SyncdError | None = None
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _following: dict[str, datetime | None] = field(default_factory=dict)

    async def run(self) -> None:
        """Work until told to stop.

        Raises:
            ConfigError: the address of `[web]` cannot be listened at.
            StoreError: the lock was lost; running work was ended first.
        """
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._signalled, number)
        tellers, callers = Tellers(self.app), Callers(self.app)
        try:
            await callers.start()
            async with asyncio.TaskGroup() as group:
                calls = [
                    (duty.name, duty.schedule, self._ring(duty, group)) for duty in self.duties
                ]
                alarms = alarm_clock(calls, self.app.clock)
                alarms.start()
                self.app.log(
                    "daemon.started",
                    version=__version__,
                    n_connections=len(self.app.settings.connections),
                    n_schedules=len(calls),
                )
                watch = group.create_task(self._watch_lock())
                tellers.start()
                await self._catch_up(group)
                await self._stop.wait()
                alarms.shutdown(wait=False)
                watch.cancel()
                await callers.end()
                interrupted = await self._drain()
                await tellers.end()
        finally:
            await callers.end()
            for number in SIGNALS:
                loop.remove_signal_handler(number)
        self.app.log("daemon.stopped", reason=self._reason, n_interrupted=interrupted)
        if self._failure is not None:
            raise self._failure

    def _signalled(self, number: signal.Signals) -> None:
        if self._stop.is_set():
            os._exit(128 + number)
        self._reason = number.name
        self._stop.set()

    async def _watch_lock(self) -> None:
        while True:
            await asyncio.sleep(LOCK_CHECK_SECONDS)
            try:
                await self.still_held()
            except SyncdError as error:
                self._reason, self._failure = "the lock on the database was lost", error
                self._stop.set()
                return

    def _ring(self, duty: Duty, group: asyncio.TaskGroup) -> Callable[[], Awaitable[None]]:
        async def ring() -> None:
            self._submit(duty, last_due(duty.schedule, self.app.clock()), group)

        return ring

    async def _catch_up(self, group: asyncio.TaskGroup) -> None:
        now = self.app.clock()
        newest: dict[str, dict[str, RunRecord]] = {}
        async with self.app.database.reader() as connection:
            for kind in {duty.kind for duty in self.duties}:
                newest[kind] = await last_runs(connection, kind)
        for duty in self.duties:
            missed = catch_up(duty, newest[duty.kind].get(duty.subject), now)
            if missed is None:
                continue
            if missed.seen_late:
                self.app.log(
                    "schedule.missed",
                    subject=duty.subject,
                    kind=duty.kind,
                    scheduled_for=str(missed.due),
                )
            self._submit(duty, missed.due, group)

    def _submit(self, duty: Duty, due: datetime | None, group: asyncio.TaskGroup) -> None:
        """Start the work, or let the newest due time follow the work that still runs."""
        if self._stop.is_set():
            return
        if duty.name in self._tasks:
            self._following[duty.name] = due
            return
        self._tasks[duty.name] = group.create_task(self._work(duty, due), name=duty.name)

    async def _work(self, duty: Duty, due: datetime | None) -> None:
        try:
            await self._do(duty, due)
            while duty.name in self._following and not self._stop.is_set():
                await self._do(duty, self._following.pop(duty.name))
        finally:
            del self._tasks[duty.name]

    async def _do(self, duty: Duty, due: datetime | None) -> None:
        try:
            await duty.do(due)
        except RunDuplicate:
            return
        except SyncdError as error:
            self.app.log("daemon.work_failed", subject=duty.name, error=str(error))
        except Exception as error:  # noqa: BLE001 - isolation: logged, other duties go on
            # The text of a foreign error may hold a client's data; its place in the code does not.
            trace = "".join(traceback.format_tb(error.__traceback__))
            name = type(error).__name__
            self.app.log("daemon.work_failed", subject=duty.name, error=name, trace=trace)

    async def _drain(self) -> int:
        """Wait for running work within the grace, then interrupt it; how many were."""
        grace = self.app.settings.grace_seconds
        running = set(self._tasks.values())
        self.app.log("daemon.draining", signal=self._reason, n_running=len(running), grace_s=grace)
        if not running:
            return 0
        _, late = await asyncio.wait(running, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=INTERRUPTED_SECONDS)
        return len(late)
