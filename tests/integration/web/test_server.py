"""Over real sockets: whoever sends slowly, or never ends, is cut off; nobody waits behind him."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from syncd.config.web import WebSettings
from syncd.core.store.database import Database
from syncd.web import server
from syncd.web.webhooks import MARGIN_SECONDS
from tests.builders_webhooks import Desk, desk_of, signed

GIVES_UP = 30.0
"""Seconds after which a connection that should be cut fails its test."""

BODY, SIGNED = signed({"key": "e1", "remote": "d1"})


@pytest.fixture
async def desk(sqlite_database: Database) -> Desk:
    made = await desk_of(sqlite_database, max_open=2)
    made.be_patient(60.0)
    return made


@pytest.fixture
async def port(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.5)
    async with server.served(desk.desk, WebSettings(host="127.0.0.1", port=0)) as port:
        yield port


def head(*, path: str = "/webhooks/books", length: int = len(BODY)) -> bytes:
    signature = SIGNED["x-signature"]
    return (
        f"POST {path} HTTP/1.1\r\nhost: syncd\r\ncontent-length: {length}\r\n"
        f"x-signature: {signature}\r\n\r\n"
    ).encode()


async def answered(port: int, sent: bytes, *, trickles: bool = False) -> bytes:
    """Everything that comes back until the other side closes, while we go on sending."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def trickle() -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

    writer.write(sent)
    await writer.drain()
    going_on = asyncio.create_task(trickle()) if trickles else None
    got = b""
    # What was sent after the end is refused by the system.
    with suppress(ConnectionError):
        async with asyncio.timeout(GIVES_UP):
            while part := await reader.read(1024):
                got += part
    if going_on is not None:
        going_on.cancel()
        await asyncio.wait([going_on])
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return got


def refusals(desk: Desk) -> list[str]:
    return [one["refusal"] for name, one in desk.log.events if name == "webhook.refused"]


async def test_a_body_that_trickles_is_answered_in_time_and_cut(desk: Desk, port: int) -> None:
    desk.be_patient(MARGIN_SECONDS + 0.2)
    got = await answered(port, head(length=1000), trickles=True)
    assert got.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in got
    assert refusals(desk) == ["TOO_SLOW"]


async def test_a_body_that_never_comes_is_cut(desk: Desk, port: int) -> None:
    desk.be_patient(MARGIN_SECONDS + 0.2)
    assert (await answered(port, head())).startswith(b"HTTP/1.1 503 ")
    assert refusals(desk) == ["TOO_SLOW"]


@pytest.mark.parametrize(
    "sent", [b"", b"POST /webhooks/books HTTP/1.1\r\nx-"], ids=["none", "some"]
)
async def test_a_head_that_does_not_end_is_cut(desk: Desk, port: int, sent: bytes) -> None:
    assert await answered(port, sent, trickles=bool(sent)) == b""
    assert refusals(desk) == []


async def test_a_second_head_that_does_not_end_is_cut_too(desk: Desk, port: int) -> None:
    got = await answered(port, head() + BODY + b"POST /", trickles=True)
    assert got.count(b"HTTP/1.1 ") == 1
    assert got.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/", "/webhooks/other"])
async def test_a_stranger_is_answered_before_he_has_sent_all(port: int, path: str) -> None:
    got = await answered(port, head(path=path, length=10_000_000), trickles=True)
    assert got.startswith(b"HTTP/1.1 404 ")


async def test_a_body_without_an_end_is_cut_at_its_limit(desk: Desk, port: int) -> None:
    part = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    sent = head(length=0).replace(b"content-length: 0", b"transfer-encoding: chunked") + part * 2
    assert (await answered(port, sent)).startswith(b"HTTP/1.1 413 ")
    assert refusals(desk) == ["TOO_LONG"]


async def test_whoever_keeps_a_connection_open_keeps_nobody_out(desk: Desk, port: int) -> None:
    held = [asyncio.create_task(answered(port, b"POST /", trickles=True)) for _ in range(8)]
    await asyncio.gather(*held)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head() + BODY)
    assert (await reader.read(1024)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    assert desk.woken == ["books"]
