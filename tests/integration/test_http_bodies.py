"""Reads that carry a body, and single posts of JSON: repeated or not as their meaning allows."""

from __future__ import annotations

import httpx
import pytest
import respx

from syncd.sdk.errors import AuthError, ConnectFailed, ProtocolError, VendorUnavailable
from syncd.sdk.http import post_json
from syncd.sdk.testing.fakes import FakeStopwatch
from tests.builders_sdk import VENDOR, api

REPORT = f"{VENDOR}/report"


@pytest.fixture
def vendor():
    with respx.mock(assert_all_called=False) as mock:
        yield mock


async def test_a_question_with_a_body_is_repeated_like_a_read(vendor):
    route = vendor.put(REPORT).mock(
        side_effect=[httpx.Response(503), httpx.ReadTimeout("slow"), httpx.Response(200, json=[1])]
    )
    with FakeStopwatch().running():
        async with api() as client:
            answer = await client.ask("PUT", "/report", json={"Date": "2026-11-30"})
    assert answer.decode(list[int]) == [1]
    assert {call.request.content for call in route.calls} == {b'{"Date":"2026-11-30"}'}
    assert route.calls.last.request.headers["content-type"] == "application/json"


async def test_a_question_that_is_never_answered_is_unavailable_and_not_unknown(vendor):
    vendor.put(REPORT).respond(500)
    with FakeStopwatch().running():
        async with api() as client:
            with pytest.raises(VendorUnavailable, match="PUT /report answered 500"):
                await client.ask("PUT", "/report", json={})


async def test_a_refused_question_is_told_like_a_read(vendor):
    vendor.put(REPORT).respond(401)
    async with api() as client:
        with pytest.raises(AuthError):
            await client.ask("PUT", "/report", json={})


async def test_json_is_posted_once_whatever_the_answer(vendor):
    route = vendor.post(f"{VENDOR}/login").respond(503, json={"Message": "later"})
    answer = await post_json(f"{VENDOR}/login", connection="acme", json={"UserName": "us"})
    assert (answer.status, answer.body) == (503, b'{"Message":"later"}')
    assert route.call_count == 1
    assert route.calls.last.request.content == b'{"UserName":"us"}'
    assert route.calls.last.request.headers["content-type"] == "application/json"


async def test_a_post_of_json_fails_in_our_own_words(vendor):
    vendor.post(f"{VENDOR}/login").mock(side_effect=httpx.ConnectError("no"))
    with pytest.raises(ConnectFailed, match="/login was not sent"):
        await post_json(f"{VENDOR}/login", connection="acme", json={})
    vendor.post(f"{VENDOR}/login").respond(200, content=b"x" * 70_000_000)
    with pytest.raises(ProtocolError):
        await post_json(f"{VENDOR}/login", connection="acme", json={})


async def test_a_post_of_json_goes_to_no_address_without_tls():
    with pytest.raises(ValueError, match="https"):
        await post_json("http://api.example.com/login", connection="acme", json={})
