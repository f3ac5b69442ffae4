"""Serves a vendor's simulator on a free loopback port, in a thread, over real sockets.

The tests of the kit are what it serves: a connector meets there what it meets at its vendor.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Self

import uvicorn

from syncd.sdk.testing.faults import Application

PATIENCE = 20.0
"""Seconds for a server to come up or to end."""


class LoopbackHost:
    """A context manager around a running server.

    Attributes:
        url: its address, e.g. `http://127.0.0.1:40123`.
    """

    def __init__(self, app: Application) -> None:
        # Named as TCP, so that asyncio switches Nagle's algorithm off: 40 ms an answer otherwise.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="critical",
                access_log=False,
                interface="asgi3",
                lifespan="off",
                http="h11",
                ws="none",
                loop="asyncio",
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="vendor", daemon=True)

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def __enter__(self) -> Self:
        self._thread.start()
        if not _within(PATIENCE, lambda: self._server.started):
            raise RuntimeError("the vendor's simulator did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._socket.close()

    def let_go(self) -> bool:
        """Whether nobody is connected any more, after some patience."""
        return _within(2.0, lambda: not self._server.server_state.connections)


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True
