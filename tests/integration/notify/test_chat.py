"""Webhooks: what is posted, what each answer means, and an address that is named nowhere."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx
from pydantic import SecretStr
from syncd_chat import open_chat
from syncd_chat.config import ChatConfig

from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    OutcomeUnknown,
    PermissionMissing,
    RateLimited,
    RequestRejected,
)
from syncd.sdk.notices import Notice, NoticeKind, NoticeSection, NotifierContext
from tests.builders_notify import NOW

SECRET = "T00hunter2"
URL = f"https://hooks.test/workflows/{SECRET}/run?api-version=1&sig={SECRET}sig"
NOTICE = Notice(
    "by/1", "syncd: 1 failure", (NoticeSection("Failed", ("a",)),), (NoticeKind.FAILED,), NOW
)


class Channel:
    """A notifier, with everything that it let out."""

    def __init__(self, url: str = URL, form: str = "teams") -> None:
        self.config = ChatConfig(url=SecretStr(url), format=form)  # type: ignore[arg-type]
        self.logged: list[Any] = []
        self.begun = 0

    async def send(self) -> str:
        async with open_chat(self._context()) as opened:
            return await opened.send(NOTICE, self._begin)

    async def check(self) -> Any:
        async with open_chat(self._context()) as opened:
            return await opened.check()

    def _context(self) -> NotifierContext[ChatConfig]:
        return NotifierContext(
            notifier="channel",
            config=self.config,
            clock=lambda: NOW,
            log=lambda event, /, **fields: self.logged.append((event, fields)),
        )

    def _begin(self) -> None:
        self.begun += 1


@pytest.mark.parametrize("form", ["teams", "slack", "json"])
@respx.mock
async def test_one_message_is_one_post_to_the_whole_address(form: str) -> None:
    route = respx.post(URL).respond(202)
    channel = Channel(form=form)
    assert await channel.send() == ""
    assert route.call_count == 1
    assert str(route.calls[0].request.url) == URL
    assert "syncd: 1 failure" in json.dumps(json.loads(route.calls[0].request.content))
    assert channel.begun == 1


ANSWERS: list[tuple[Callable[[Any], Any], type[ConnectorError]]] = [
    (lambda route: route.respond(400, text=SECRET), RequestRejected),
    (lambda route: route.respond(404), RequestRejected),
    (lambda route: route.respond(410), RequestRejected),
    (lambda route: route.respond(401), AuthError),
    (lambda route: route.respond(403), PermissionMissing),
    (lambda route: route.respond(429), RateLimited),
    (lambda route: route.respond(500, text=URL), OutcomeUnknown),
    (lambda route: route.respond(302, headers={"location": URL}), OutcomeUnknown),
    (lambda route: route.mock(side_effect=httpx.ConnectError(URL)), ConnectFailed),
    (lambda route: route.mock(side_effect=httpx.ReadTimeout(URL)), OutcomeUnknown),
    (lambda route: route.mock(side_effect=httpx.RemoteProtocolError(URL)), OutcomeUnknown),
]


@pytest.mark.parametrize("case", range(len(ANSWERS)))
@respx.mock
async def test_each_answer_means_what_it_says_and_repeats_no_secret(
    case: int, caplog: pytest.LogCaptureFixture
) -> None:
    answer, kind = ANSWERS[case]
    caplog.set_level(logging.DEBUG)
    route = respx.post(URL)
    answer(route)
    channel = Channel()
    with pytest.raises(kind) as caught:
        await channel.send()
    assert type(caught.value) is kind
    assert route.call_count == 1  # a message is repeated by the host, never in place
    out = f"{caught.value} {caught.value.remedy} {channel.logged} {caplog.text}"
    assert SECRET not in out
    assert "/…" in str(caught.value)


@respx.mock
async def test_a_sent_message_leaves_no_trace_of_its_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    respx.post(URL).respond(200)
    channel = Channel()
    await channel.send()
    assert [event for event, _ in channel.logged] == ["request.sent"]
    assert SECRET not in f"{channel.logged} {caplog.text}"


@respx.mock
async def test_a_check_posts_nothing_and_does_not_ask_for_the_secret_path() -> None:
    route = respx.get("https://hooks.test/").respond(404)
    found = await Channel().check()
    assert found.ok
    assert route.call_count == 1
    assert SECRET not in found.summary


@respx.mock
async def test_a_check_of_a_host_that_is_away_fails() -> None:
    respx.get("https://hooks.test/").mock(side_effect=httpx.ConnectError("x"))
    with pytest.raises(ConnectFailed):
        await Channel().check()


async def test_a_real_server_gets_a_real_post() -> None:
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        got.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = Channel(f"http://127.0.0.1:{port}/hook/{SECRET}?k=1", "slack")
        await channel.send()
    (request,) = got
    assert request.startswith(f"POST /hook/{SECRET}?k=1 HTTP/1.1".encode())
    assert b'"blocks"' in request
    assert SECRET not in str(channel.logged)
