"""A canary: neither the client secret nor a token is ever in a message, an event or a log line."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import httpx
import pytest
import respx

from syncd.sdk.errors import SyncdError
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from tests.builders_sdk import SECRET, TOKEN, TOKEN_URL, VENDOR, api, credentials, granted

CANARIES = (SECRET, quote(SECRET), quote_plus(SECRET), TOKEN)
ECHO = {"error": "invalid_client", "error_description": f"{SECRET} {quote_plus(SECRET)} is wrong"}

TOKEN_ANSWERS = {
    "echoes the secret": httpx.Response(400, json=ECHO),
    "echoes the secret as a code": httpx.Response(400, json={"error": SECRET}),
    "echoes the secret for a scope": httpx.Response(400, json={**ECHO, "error": "invalid_scope"}),
    "web page with the secret": httpx.Response(200, text=f"<html>{SECRET}</html>"),
    "wrong shape with the secret": httpx.Response(200, json={"access_token": {"x": SECRET}}),
    "a token that breaks the header": httpx.Response(200, json=granted(TOKEN + "\r\nx: y")),
    "not ASCII": httpx.Response(200, json=granted(TOKEN + "é")),
    "redirect": httpx.Response(307, headers={"location": "https://evil.example.com"}),
    "unavailable": httpx.Response(503, text=SECRET),
    "timeout": httpx.ReadTimeout("x"),
}

API_ANSWERS = {
    "echoes the token": httpx.Response(400, text=f"Bearer {TOKEN} is not for you"),
    "refuses the token": httpx.Response(401, text=TOKEN),
    "forbids the token": httpx.Response(403, text=TOKEN),
    "unavailable": httpx.Response(500, text=TOKEN),
    "web page with the token": httpx.Response(200, text=f"<html>{TOKEN}</html>"),
    "wrong shape with the token": httpx.Response(200, json={"a": TOKEN}),
    "timeout": httpx.ReadTimeout("x"),
}


def shown(error: BaseException) -> Iterator[str]:
    """Everything of an error that a log could print."""
    yield "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while isinstance(seen, SyncdError):
        yield from (str(seen), repr(seen), repr(vars(seen)), seen.remedy)
        seen = seen.__cause__ or seen.__context__


def assert_hidden(texts: list[str]) -> None:
    for text in texts:
        for canary in CANARIES:
            assert canary not in text


async def attempt(vendor: respx.MockRouter, caplog, *, write: bool) -> list[str]:
    log = RecordingLog()
    caplog.set_level(logging.DEBUG)
    auth = credentials(log=log)
    texts: list[str] = []
    with FakeStopwatch().running():
        client = api(
            auth=auth,
            log=log,
            policy={"attempts": 2},
            error_text=lambda status, body: body.decode(),
        )
        async with client:
            try:
                answer = await (client.write("POST", "/a", json={}) if write else client.read("/a"))
                texts.append(repr(answer))
                answer.decode(list[int])
            except SyncdError as error:
                texts += shown(error)
            else:
                pytest.fail("the vendor was broken and nobody noticed")
    texts += [repr(client), repr(auth), str(vars(client)), repr(log.events)]
    texts += [record.getMessage() for record in caplog.records]
    return texts


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("answer", TOKEN_ANSWERS.values(), ids=TOKEN_ANSWERS)
async def test_the_secret_stays_hidden_whatever_the_token_endpoint_answers(answer, write, caplog):
    with respx.mock() as vendor:
        vendor.post(TOKEN_URL).mock(side_effect=[answer] * 5)
        texts = await attempt(vendor, caplog, write=write)
    assert_hidden(texts)


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("answer", API_ANSWERS.values(), ids=API_ANSWERS)
async def test_the_token_stays_hidden_whatever_the_vendor_answers(answer, write, caplog):
    with respx.mock(assert_all_called=False) as vendor:
        vendor.post(TOKEN_URL).respond(json=granted())
        vendor.route(url=f"{VENDOR}/a").mock(side_effect=[answer] * 5)
        assert_hidden(await attempt(vendor, caplog, write=write))


async def test_this_test_would_see_a_leak():
    with pytest.raises(AssertionError):
        assert_hidden([f"Bearer {TOKEN}"])
