"""A vendor of bare sockets on loopback, for what a mock cannot do: cut, drip, flood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawVendor:
    """Answers the n-th request by the n-th reply, the last one for ever.

    Attributes:
        url: its address.
        requests: head and body of each request that was read.
        heard: set once a request was read.
        open: connections that are open now.
    """

    def __init__(self, *replies: Reply) -> None:
        self.url = ""
        self.requests: list[bytes] = []
        self.heard = asyncio.Event()
        self.open = 0
        self._replies = list(replies)
        self._empty = asyncio.Event()
        self._empty.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self._empty.clear()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.requests.append(head + await reader.readexactly(length))
                self.heard.set()
                reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
                await reply(reader, writer)
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            if not self.open:
                self._empty.set()
            writer.close()

    @classmethod
    @asynccontextmanager
    async def running(cls, *replies: Reply) -> AsyncIterator[RawVendor]:
        """Serve on a free port until the block ends."""
        vendor = cls(*replies)
        server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
        vendor.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield vendor
        finally:
            server.close()
            await vendor.left_alone()

    async def left_alone(self) -> None:
        """Wait until nobody is connected."""
        async with asyncio.timeout(10):
            await self._empty.wait()


def answer(body: bytes = b"[]", *, status: str = "200 OK", headers: str = "") -> Reply:
    """A whole answer."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body
        )
        await writer.drain()

    return reply


def raw(data: bytes) -> Reply:
    """These bytes, then the connection is cut."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return reply


def drip(head: bytes, byte: bytes = b" ") -> Reply:
    """A head, then a byte now and then, for ever."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(byte)
            await writer.drain()
            await asyncio.sleep(0.01)

    return reply


def flood(head: bytes, chunk: bytes) -> Reply:
    """A head, then as much as the other side takes, for ever."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(chunk)
            await writer.drain()

    return reply


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """No answer until the other side gives up."""
    await reader.read()
