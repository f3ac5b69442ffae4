"""The daemon's HTTP server: one port, on loopback unless a proxy stands in front.

Whoever does not send a whole head in time is cut off; the time of a body is the desk's matter.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from syncd.sdk.errors import ConfigError
from syncd.web.webhooks import WebhookDesk, answer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from syncd.config.web import WebSettings

HEAD_SECONDS = 5.0
"""How long the head of a request may take, from the open connection or the answer before it."""

_STOP_SECONDS: Final = 5
_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def application(desk: WebhookDesk) -> Starlette:
    """Everything that can be asked for."""
    return Starlette(
        routes=[Route("/webhooks/{connection}", desk.respond, methods=_METHODS)],
        exception_handlers={404: _nothing},
    )


async def _nothing(_request: Request, _error: Exception) -> Response:
    return answer(404)


class _Server(uvicorn.Server):
    """Leaves signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Protocol(H11Protocol):
    """Waits for a head only so long, however much of it trickles in."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_a_head()

    def on_response_complete(self) -> None:
        self._expect_a_head()
        super().on_response_complete()

    def _expect_a_head(self) -> None:
        self.loop.call_later(HEAD_SECONDS, self._cut_unless_asked, self.cycle)

    def _cut_unless_asked(self, before: RequestResponseCycle | None) -> None:
        if self.cycle is before:  # no head was whole since then
            self.transport.close()


@asynccontextmanager
async def served(desk: WebhookDesk, settings: WebSettings) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port.

    Raises:
        ConfigError: the address cannot be listened at.
    """
    listening = _bound(settings)
    server = _Server(
        uvicorn.Config(
            application(desk),
            http=_Protocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=_STOP_SECONDS,
            limit_concurrency=settings.max_open * 2,
            h11_max_incomplete_event_size=32 * 1024,
        )
    )
    task = asyncio.create_task(server.serve([listening]), name="web")
    try:
        # Connections are taken from here on by the socket itself, and wait for the server.
        listening.listen(settings.max_open)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait([task], timeout=_STOP_SECONDS + 1)
        task.cancel()
        listening.close()


def _bound(settings: WebSettings) -> socket.socket:
    host = settings.host or "127.0.0.1"
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, settings.port))
    except OSError as error:
        listening.close()
        message = f"the daemon cannot listen at {host}:{settings.port}: {error.strerror}"
        raise ConfigError(
            message, remedy="choose another address in [web], or stop what listens there"
        ) from error
    return listening
