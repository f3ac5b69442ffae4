"""Hosts simulators on free loopback ports, in a thread of this process.

Real HTTP over real sockets, so that what is tested is what runs; never on another address.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import uvicorn

from syncd.sandbox.control import Application, Controlled
from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Sandbox
from syncd.sdk.errors import ConfigError
from syncd.sdk.testing.faults import FaultScript, Faulty

_START_SECONDS = 20.0
_STOP_SECONDS = 5.0


class HostedSimulator:
    """One simulator under its address.

    Attributes:
        sandbox: what it simulates.
        base_url: `http://127.0.0.1:<port>`.
        app: the simulator itself, for tests that edit its state by hand.
        controlled: its statistics and faults.
    """

    def __init__(
        self, sandbox: Sandbox, world: SimulatedWorld, options: Mapping[str, Any], port: int
    ) -> None:
        self.sandbox = sandbox
        self.app: Application = sandbox.build(world, options)
        faults = FaultScript([])
        self.controlled = Controlled(Faulty(self.app, faults), world, faults)
        self._socket = socket.socket(
            socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,  # asyncio turns off the delay of small packets only if told
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._served: Application = self.controlled
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def wrap(self, layer: Callable[[Application], Application]) -> None:
        """Put a layer in front of everything this simulator answers; before `start`."""
        self._served = layer(self._served)

    def start(self) -> None:
        """Serve until `stop`.

        Raises:
            ConfigError: the server did not come up.
        """
        self._server = server = uvicorn.Server(
            uvicorn.Config(
                self._served,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[self._socket])),
            name=f"simulator-{self.sandbox.connector}",
            daemon=True,
        )
        thread.start()
        pause = threading.Event()
        for _ in range(int(_START_SECONDS / 0.01)):
            if server.started or not thread.is_alive():
                break
            pause.wait(0.01)
        if not server.started:
            message = f"the simulator of {self.sandbox.connector} did not start"
            raise ConfigError(message, remedy="look for another process on the loopback port")

    def stop(self) -> None:
        """Close the connections and join the thread."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
        self._socket.close()


class SandboxHost:
    """All simulators of one world; a context manager that stops them."""

    def __init__(
        self,
        world: SimulatedWorld,
        sandboxes: Iterable[Sandbox],
        *,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.world = world
        given, fixed = options or {}, ports or {}
        self.simulators = {
            sandbox.connector: HostedSimulator(
                sandbox,
                world,
                given.get(sandbox.connector, {}),
                fixed.get(sandbox.connector, 0),
            )
            for sandbox in sandboxes
        }

    def __enter__(self) -> Self:
        for simulator in self.simulators.values():
            simulator.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for simulator in self.simulators.values():
            simulator.stop()
