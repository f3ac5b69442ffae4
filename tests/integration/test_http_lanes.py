"""One vendor, many tenants: lanes share the pool, and each is signed and paused for itself."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import ProtocolError, VendorUnavailable
from syncd.sdk.http import Auth
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from tests.builders_sdk import VENDOR, api


class Badge(Auth):
    """Signs with the name of a tenant."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def async_auth_flow(self, request):
        request.headers["authorization"] = self._name
        yield request


@pytest.fixture
def vendor():
    with respx.mock(assert_all_called=False) as mock:
        yield mock


async def test_each_lane_signs_with_its_own_credentials_and_all_calls_are_counted(vendor):
    route = vendor.get(f"{VENDOR}/me").respond(json=1)
    async with api() as client:
        one, two = client.lane(Badge("one")), client.lane(Badge("two"))
        await one.read("/me")
        await two.read("/me")
        await two.lane(Badge("three")).read("/me")
        assert client.calls == one.calls == 3
    signed = [call.request.headers.get("authorization") for call in route.calls]
    assert signed == ["one", "two", "three"]


async def test_a_lane_lives_as_long_as_its_client(vendor):
    client = api()
    lane = client.lane(Badge("one"))
    with pytest.raises(RuntimeError):
        await lane.read("/me")


async def test_lanes_share_the_quota(vendor):
    vendor.get(f"{VENDOR}/me").respond(json=1)
    watch = FakeStopwatch()
    with watch.running():
        async with api(limits=RateLimit(calls=1, window_seconds=10, concurrency=5)) as client:
            await client.lane(Badge("one")).read("/me")
            await client.lane(Badge("two")).read("/me")
    assert watch.now >= 10


async def test_a_429_pauses_its_own_lane_and_no_other(vendor):
    def answer(request: httpx.Request) -> httpx.Response:
        slow = request.headers["authorization"] == "slow" and not watch.waits
        return httpx.Response(429 if slow else 200, headers={"retry-after": "60"}, json=1)

    vendor.get(f"{VENDOR}/me").mock(side_effect=answer)
    watch, ended = FakeStopwatch(), {}

    async def read(name: str) -> None:
        await client.lane(Badge(name)).read("/me")
        ended[name] = watch.now

    with watch.running():
        async with api(limits=RateLimit(concurrency=1)) as client:
            await asyncio.gather(read("slow"), read("quick"))
    assert ended["quick"] == 0
    assert ended["slow"] >= 60


async def test_a_form_is_sent_once_and_unsigned_and_its_answer_comes_whatever_the_status(vendor):
    route = vendor.post(f"{VENDOR}/t/token").respond(400, json={"error": "no"})
    log = RecordingLog()
    async with api(log=log) as client:
        answer = await client.lane(Badge("one")).send_form("/t/token", {"a": "1&2", "b": "ü"})
        assert (answer.status, client.calls) == (400, 1)
    sent = route.calls.last.request
    assert parse_qs(sent.content.decode()) == {"a": ["1&2"], "b": ["ü"]}
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in sent.headers
    assert "1&2" not in repr(log.events)


async def test_a_form_leaves_to_no_other_origin_and_says_when_it_was_not_answered(vendor):
    vendor.post(f"{VENDOR}/token").mock(side_effect=httpx.ReadTimeout("slow"))
    async with api() as client:
        with pytest.raises(ProtocolError):
            await client.send_form("https://elsewhere.example.com/token", {})
        with pytest.raises(VendorUnavailable):
            await client.send_form("/token", {})
