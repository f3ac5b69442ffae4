"""Opens a connector against a vendor on loopback that can be broken and watched.

A scene is one such opening from beginning to end; the rules of the kit judge what it shows.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from syncd.sdk.connector import Connector, Context, Ports, RateLimit
from syncd.sdk.ports import SourceHints
from syncd.sdk.testing.fakes import NOON, FakeStopwatch, RecordingLog
from syncd.sdk.testing.faults import (
    Application,
    Fault,
    FaultScript,
    Faulty,
    Message,
    Receive,
    Scope,
    Send,
)
from syncd.sdk.testing.host import LoopbackHost
from syncd.sdk.tokens import TokenVault

T = TypeVar("T")

READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it reached the vendor.

    Attributes:
        method: HTTP method.
        path: without the query.
        at: when it came, in seconds on the scene's stopwatch.
    """

    method: str
    path: str
    at: float


@dataclass(slots=True)
class Scene(Generic[T]):
    """What one opening of a connector showed.

    Attributes:
        watch: what it waited.
        log: what it said.
        requests: what the vendor received, in order; broken calls are among them.
        struck: how many calls a fault broke.
        value: what the act returned, None if it raised.
        error: what it raised.
        closed: whether all connections to the vendor were given up at the end.
        tasks: names of tasks that were still running after the connector was closed.
        printed: lines that libraries logged meanwhile, where the scene listened.
        settings: the validated configuration, as it prints itself.
    """

    watch: FakeStopwatch = field(default_factory=FakeStopwatch)
    log: RecordingLog = field(default_factory=RecordingLog)
    requests: list[Request] = field(default_factory=list)
    struck: int = 0
    value: T | None = None
    error: Exception | None = None
    closed: bool = True
    tasks: list[str] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    settings: str = ""

    def clock(self) -> datetime:
        """The scene's time: it moves as far as the connector waits."""
        return NOON + timedelta(seconds=self.watch.now)

    def words(self) -> Iterable[str]:
        """Everything that a person could read after the scene."""
        yield from (self.settings, repr(self.value), repr(self.log.events), *self.printed)
        if self.error is not None:
            yield repr(self.error)
            yield getattr(self.error, "remedy", "")
            yield "".join(traceback.format_exception(self.error))


class Stage:
    """Where scenes are played, one after the other; a server runs from `open` to `close`.

    Attributes:
        script: how the vendor is broken; an act may replace it in the middle of its scene.
        requests: what the vendor received so far in the running scene.
    """

    def __init__(self) -> None:
        self.script = FaultScript()
        self.requests: list[Request] = []
        self._app: Application | None = None
        self._host = LoopbackHost(self._receive)

    @property
    def url(self) -> str:
        """Base URL of the vendor."""
        return self._host.url

    def open(self) -> None:
        """Start the server."""
        self._host.__enter__()

    def close(self) -> None:
        """Stop the server."""
        self._host.__exit__()

    def play(
        self,
        connector: Connector[Any],
        config: Mapping[str, Any],
        vendor: Application,
        act: Callable[[Ports], Awaitable[T]],
        *,
        faults: Iterable[Fault] = (),
        limits: RateLimit | None = None,
        hints: SourceHints | None = None,
        vault: TokenVault | None = None,
        listen: bool = False,
    ) -> Scene[T]:
        """Open the connector, do the act, close it, and report.

        Args:
            connector: the one on trial.
            config: its settings.
            vendor: the simulator.
            act: what is done with the open ports.
            faults: how the vendor is broken.
            limits: instead of the connector's own.
            hints: what the host remembers of an earlier pull.
            vault: where tokens that change are kept.
            listen: keep whatever anybody logs, down to the last detail.

        Raises:
            RuntimeError: the simulator itself failed.
        """
        scene: Scene[T] = Scene()
        self.script.replace(faults)
        self.requests = scene.requests
        faulty = Faulty(vendor, self.script)

        crashes: list[Exception] = []

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            scene.requests.append(Request(scope["method"], scope["path"], scene.watch.now))
            left = False

            async def noticed() -> Message:
                nonlocal left
                message = await receive()
                left = left or message["type"] == "http.disconnect"
                return message

            try:
                await faulty(scope, noticed, send)
            except Exception as error:
                # A connector that gives up leaves calls behind; a vendor only hears that it left.
                if not left:
                    crashes.append(error)
                    raise

        settings = connector.config.model_validate(config)
        scene.settings = repr(settings)
        context = Context(
            connection="trial",
            config=settings,
            limits=limits or connector.limits,
            clock=scene.clock,
            log=scene.log,
            hints=hints,
            vault=vault,
        )
        self._app = watched
        with _listening(scene.printed) if listen else nullcontext():
            asyncio.run(_perform(connector, context, act, scene))
        scene.closed = self._host.let_go()
        scene.struck = len(self.script.struck)
        self._app = None
        if crashes:
            raise RuntimeError("the simulator raised, which no vendor does") from crashes[0]
        return scene

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            raise RuntimeError("a call came after the scene had ended")
        await self._app(scope, receive, send)


async def _perform(
    connector: Connector[Any],
    context: Context[Any],
    act: Callable[[Ports], Awaitable[T]],
    scene: Scene[T],
) -> None:
    with scene.watch.running():
        try:
            async with connector.open(context) as ports:
                scene.value = await act(ports)
        except Exception as error:  # noqa: BLE001 - the rules judge whatever came
            scene.error = error
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    scene.tasks = [task.get_name() for task in left if not task.done()]


@contextmanager
def _listening(lines: list[str]) -> Iterator[None]:
    ear, root = _Ear(lines), logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(ear)


class _Ear(logging.Handler):
    """Keeps what is logged, by whomever."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
