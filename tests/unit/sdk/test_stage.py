"""What a scene takes for a crash of the simulator: its own errors, and not a caller that left."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from syncd.sdk.connector import Ports
from syncd.sdk.testing.faults import Application, Message, Receive, Scope, Send
from syncd.sdk.testing.stage import Stage
from tests.unit.sdk.desk import CONNECTOR


async def _whole(receive: Receive) -> bytes:
    """A body to its end, as a web framework reads it."""
    body = b""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the caller left")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


async def reads(scope: Scope, receive: Receive, send: Send) -> None:
    await _whole(receive)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    await _whole(receive)
    raise ZeroDivisionError("a defect of the simulator")


def played(vendor: Application, said: bytes) -> int:
    stage = Stage()
    stage.open()
    try:
        where = urlsplit(stage.url)

        async def act(ports: Ports) -> None:
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n" + said)
            await writer.drain()
            if len(said) == 4:
                await reader.readline()
            while not stage.requests:  # noqa: ASYNC110 - the server has a loop of its own
                await asyncio.sleep(0.01)
            writer.close()
            await writer.wait_closed()

        settings = {"base_url": stage.url, "api_key": "k"}
        return len(stage.play(CONNECTOR, settings, vendor, act).requests)
    finally:
        stage.close()


def test_a_call_that_is_left_in_its_middle_is_no_crash_of_the_simulator() -> None:
    assert played(reads, b"ab") == 1


def test_an_error_of_the_simulator_ends_the_scene() -> None:
    with pytest.raises(RuntimeError, match="the simulator raised"):
        played(fails, b"abcd")
