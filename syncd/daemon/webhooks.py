"""The daemon takes webhooks and looks into them, beside the work and never in it.

A connection whose vendor calls has a task of its own; an announcement wakes it, and now and then it
looks for what was put off. Without `[web]` no port is opened, and nothing of HTTP is loaded.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from syncd.core.store.connections import ensure_connection
from syncd.daemon.looking import PAUSE_SECONDS, Looking
from syncd.sdk.errors import SyncdError

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.web.webhooks import Receiver

GATHER_SECONDS: Final = 2.0
"""An announcement seldom comes alone; those of one change are looked into together."""


@dataclass(slots=True)
class Callers:
    """Vendors that call us.

    Attributes:
        app: the program.
        port: where they reach us; 0 while closed.
    """

    app: App
    port: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _wakes: dict[str, asyncio.Event] = field(default_factory=dict)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Listen, if the settings say so; until `end`.

        Raises:
            ConfigError: the address cannot be listened at.
            StoreError: the database cannot serve.
        """
        settings = self.app.settings
        if settings.web.host is None:
            return
        from syncd.web.server import served
        from syncd.web.webhooks import WebhookDesk

        receivers = {one.connection.name: one for one in await self._receivers()}
        desk = WebhookDesk(
            receivers=receivers,
            database=self.app.database,
            clock=self.app.clock,
            log=self.app.log,
            max_body_bytes=settings.web.max_body_bytes,
            max_open=settings.web.max_open,
            wake=self._wake,
        )
        for name, receiver in receivers.items():
            self._wakes[name] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._serve(receiver), name=f"webhooks {name}"))
        self.port = await self._open.enter_async_context(served(desk, settings.web))
        self.app.log("web.listening", port=self.port, n_connections=len(receivers))

    async def end(self) -> None:
        """Take no more; what is stored waits for the next start."""
        await self._open.aclose()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _wake(self, name: str) -> None:
        self._wakes[name].set()

    async def _receivers(self) -> Sequence[Receiver]:
        from syncd.web.webhooks import Receiver

        found = []
        async with self.app.database.writer() as conn:
            for name, one in self.app.settings.connections.items():
                webhooks = one.connector.webhooks
                if not one.enabled or webhooks is None or not webhooks.enabled(one.config):
                    continue
                connection = await ensure_connection(
                    conn, name, one.connector.name, formerly=one.formerly
                )
                found.append(Receiver(connection=connection, webhooks=webhooks, config=one.config))
        return found

    async def _serve(self, receiver: Receiver) -> None:
        # Only now: with the port open, books are there.
        from syncd.books import refreshing

        connection = receiver.connection
        looking = Looking(
            database=self.app.database,
            connection=connection,
            opened=partial(refreshing, self.app, connection.name),
            clock=self.app.clock,
            log=self.app.log,
        )
        wake = self._wakes[connection.name]
        while True:
            pause = PAUSE_SECONDS
            try:
                pause = await looking.look()
            except SyncdError as error:
                self._failed(receiver, str(error))
            except Exception as error:  # noqa: BLE001 - isolation: logged by type, tried again
                trace = "".join(traceback.format_tb(error.__traceback__))
                self._failed(receiver, type(error).__name__, trace=trace)
            try:
                async with asyncio.timeout(pause):
                    await wake.wait()
                await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                pass
            wake.clear()

    def _failed(self, receiver: Receiver, error: str, **more: str) -> None:
        subject = f"webhooks of {receiver.connection.name}"
        self.app.log("daemon.work_failed", subject=subject, error=error, **more)
