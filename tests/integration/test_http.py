"""The client's rules against a vendor mocked below httpx."""

from __future__ import annotations

import asyncio
import gzip
from decimal import Decimal

import httpx
import pytest
import respx

from syncd.sdk.connector import RateLimit
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    OutcomeUnknown,
    PermissionMissing,
    ProtocolError,
    RateLimited,
    RequestRejected,
    VendorUnavailable,
)
from syncd.sdk.testing.fakes import FakeStopwatch, RecordingLog
from tests.builders_sdk import VENDOR, api

ITEMS = f"{VENDOR}/v2/items"


@pytest.fixture
def vendor():
    with respx.mock(assert_all_called=False) as mock:
        yield mock


async def test_a_read_asks_for_json_and_answers_with_what_support_needs(vendor):
    route = vendor.get(ITEMS).respond(json=[1, 2], headers={"X-Request-Id": "r-7"})
    async with api(headers={"x-tenant": "t"}) as client:
        answer = await client.read("/v2/items", {"pageSize": 1000})
    request = route.calls.last.request
    assert str(request.url) == f"{ITEMS}?pageSize=1000"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("syncd/")
    assert request.headers["x-tenant"] == "t"
    assert answer.decode(list[int]) == [1, 2]
    assert (answer.status, answer.request_id, answer.url) == (200, "r-7", str(request.url))
    assert answer.headers["content-type"] == "application/json"
    assert client.calls == 1


@pytest.mark.parametrize("path", ["/v2/items", "v2/items", ITEMS, ITEMS.upper().lower()])
async def test_a_path_may_be_relative_or_an_absolute_link_of_the_same_origin(vendor, path):
    vendor.get(ITEMS, params={"after": "5"}).respond(json=[])
    async with api() as client:
        assert (await client.read(f"{path}?after=5")).decode(list[int]) == []


async def test_a_base_url_with_a_path_prefixes_every_relative_path(vendor):
    vendor.get(f"{VENDOR}/api/v2/items").respond(json=[])
    async with api(f"{VENDOR}/api/") as client:
        assert (await client.read("/v2/items")).status == 200


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.com/v2/items",
        "http://api.example.com/v2/items",
        "https://api.example.com:8443/v2/items",
        "https://someone@api.example.com/v2/items",
        "https://api.example.com@evil.example.com/v2/items",
        "https://api.example.com.evil.example.com/",
        "HTTPS://EVIL.example.com/",
        "https://[broken/",
        "/v2/items\n",
    ],
)
@pytest.mark.parametrize("write", [False, True])
async def test_a_link_to_another_origin_is_refused_before_anything_is_sent(vendor, link, write):
    async with api() as client:
        with pytest.raises(ProtocolError, match=r"outside of https://api\.example\.com"):
            await (client.write("POST", link, json={}) if write else client.read(link))
    assert client.calls == 0
    assert not vendor.calls


async def test_a_network_path_stays_on_our_host(vendor):
    route = vendor.route(host="api.example.com").respond(json=[])
    async with api() as client:
        await client.read("//evil.example.com/x")
    assert str(route.calls.last.request.url) == f"{VENDOR}//evil.example.com/x"


async def test_a_redirect_is_never_followed(vendor):
    vendor.get(ITEMS).respond(302, headers={"location": "https://evil.example.com"})
    vendor.post(ITEMS).respond(303, headers={"location": ITEMS})
    async with api() as client:
        with pytest.raises(ProtocolError, match="302: a redirect"):
            await client.read("/v2/items")
        with pytest.raises(OutcomeUnknown):
            await client.write("POST", "/v2/items", json={})
    assert client.calls == 2


async def test_a_read_is_repeated_until_the_vendor_serves(vendor):
    log = RecordingLog()
    vendor.get(ITEMS).mock(
        side_effect=[
            httpx.ConnectError("no route"),
            httpx.ReadTimeout("slow"),
            httpx.RemoteProtocolError("cut"),
            httpx.Response(503),
            httpx.Response(429, headers={"retry-after": "9"}),
            httpx.Response(200, json=[1]),
        ]
    )
    with FakeStopwatch().running() as watch:
        async with api(log=log) as client:
            answer = await client.read("/v2/items")
    assert answer.decode(list[int]) == [1]
    assert client.calls == 6
    assert watch.waits[4] >= 9
    assert [(one["reason"], one["attempt"]) for one in log.named("request.retried")] == [
        ("CONNECT_FAILED", 1),
        ("VENDOR_UNAVAILABLE", 2),
        ("VENDOR_UNAVAILABLE", 3),
        ("VENDOR_UNAVAILABLE", 4),
        ("RATE_LIMITED", 5),
    ]
    assert [one["status"] for one in log.named("request.sent")] == [503, 429, 200]


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError("x"), ConnectFailed),
        (httpx.ConnectTimeout("x"), ConnectFailed),
        (httpx.PoolTimeout("x"), ConnectFailed),
        (httpx.ReadTimeout("x"), VendorUnavailable),
        (httpx.WriteTimeout("x"), VendorUnavailable),
        (httpx.ReadError("x"), VendorUnavailable),
        (httpx.WriteError("x"), VendorUnavailable),
        (httpx.RemoteProtocolError("x"), VendorUnavailable),
        (httpx.LocalProtocolError("x"), VendorUnavailable),
        (httpx.Response(500), VendorUnavailable),
        (httpx.Response(429), RateLimited),
    ],
)
async def test_a_read_that_keeps_failing_ends_with_its_last_failure(vendor, failure, kind):
    vendor.get(ITEMS).mock(side_effect=[failure] * 9)
    with FakeStopwatch().running():
        async with api(policy={"attempts": 3}) as client:
            with pytest.raises(kind, match=r"GET /v2/items .*\(attempt 3\)"):
                await client.read("/v2/items")
    assert client.calls == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, AuthError),
        (403, PermissionMissing),
        (404, RequestRejected),
    ],
)
async def test_a_refusal_is_final(vendor, status, kind):
    vendor.get(ITEMS).respond(status, text="private", headers={"request-id": "r-9"})
    async with api() as client:
        with pytest.raises(kind) as caught:
            await client.read("/v2/items")
    assert client.calls == 1
    assert caught.value.http_status == status
    assert caught.value.request_id == "r-9"
    assert "private" not in str(caught.value)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("x"),
        httpx.WriteTimeout("x"),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.LocalProtocolError("x"),
        httpx.Response(500),
        httpx.Response(503, headers={"retry-after": "1"}),
        httpx.Response(200, content=b"x" * 2000),
    ],
)
async def test_a_write_whose_answer_was_not_seen_is_unknown_and_never_sent_again(vendor, failure):
    vendor.post(ITEMS).mock(side_effect=[failure] * 3)
    with FakeStopwatch().running() as watch:
        async with api(policy={"max_body_bytes": 1000}) as client:
            with pytest.raises(OutcomeUnknown, match=r"POST /v2/items .*is not known"):
                await client.write("POST", "/v2/items", json=[{"id": 1}])
    assert client.calls == 1
    assert watch.waits == []


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("x"),
        httpx.ConnectTimeout("x"),
        httpx.PoolTimeout("x"),
        httpx.Response(429, headers={"retry-after": "3"}),
    ],
)
async def test_a_write_that_was_surely_not_carried_out_is_sent_again(vendor, failure):
    route = vendor.post(ITEMS).mock(side_effect=[failure, httpx.Response(201, json={"id": 5})])
    with FakeStopwatch().running() as watch:
        async with api() as client:
            answer = await client.write("POST", "/v2/items", json=[{"id": 1}])
    assert answer.status == 201
    assert client.calls == 2
    assert len(watch.waits) == 1
    assert [call.request.content for call in route.calls] == [b'[{"id":1}]'] * 2


async def test_a_connector_may_declare_5xx_harmless_for_writes(vendor):
    vendor.post(ITEMS).mock(side_effect=[httpx.Response(500), httpx.Response(200, json={})])
    with FakeStopwatch().running():
        async with api(policy={"write_5xx_is_unknown": False}) as client:
            assert (await client.write("POST", "/v2/items", json={})).status == 200
    assert client.calls == 2


@pytest.mark.parametrize("status", [400, 404, 409, 422])
async def test_a_rejected_write_carries_the_vendors_words(vendor, status):
    vendor.put(ITEMS).respond(status, json={"why": "no such client"})
    async with api(error_text=lambda status, body: f"{status} {body.decode()}") as client:
        with pytest.raises(RequestRejected) as caught:
            await client.write("PUT", "/v2/items", json={})
    assert str(caught.value) == (
        f'acme: PUT /v2/items answered {status}: {status} {{"why":"no such client"}}'
    )


async def test_a_key_in_a_fixed_header_is_blotted_out_of_the_vendors_words(vendor):
    vendor.get(ITEMS).respond(400, text="key 0123456789abcdef of acme is wrong")
    headers = {"x-api-key": "0123456789abcdef", "x-tenant": "acme"}
    async with api(headers=headers, error_text=lambda status, body: body.decode()) as client:
        with pytest.raises(RequestRejected, match=r"key \*\*\* of acme is wrong$"):
            await client.read("/v2/items")


async def test_money_is_written_digit_by_digit(vendor):
    route = vendor.post(ITEMS).respond(json={})
    async with api() as client:
        await client.write("POST", "/v2/items", json={"price": Decimal("0.10"), "n": 3})
    assert route.calls.last.request.content == b'{"price":0.10,"n":3}'
    assert route.calls.last.request.headers["content-type"] == "application/json"


async def test_an_answer_beyond_the_limit_is_refused(vendor):
    packed = gzip.compress(b"x" * 100_000)
    vendor.get(ITEMS).mock(
        side_effect=[
            httpx.Response(200, content=b"x" * 50_001),
            httpx.Response(200, content=packed, headers={"content-encoding": "gzip"}),
        ]
    )
    async with api(policy={"max_body_bytes": 50_000}) as client:
        for _ in range(2):
            with pytest.raises(ProtocolError, match="more than 50000 bytes"):
                await client.read("/v2/items")
    assert client.calls == 2


async def test_a_compressed_answer_is_unpacked(vendor):
    vendor.get(ITEMS).respond(content=gzip.compress(b"[1,2]"), headers={"content-encoding": "gzip"})
    async with api() as client:
        assert (await client.read("/v2/items")).decode(list[int]) == [1, 2]


async def test_every_attempt_pays_at_the_limiter(vendor):
    vendor.get(ITEMS).mock(side_effect=[httpx.Response(503), httpx.Response(200, json=[])])
    log = RecordingLog()
    with FakeStopwatch().running() as watch:
        async with api(limits=RateLimit(calls=1, window_seconds=60), log=log) as client:
            await client.read("/v2/items")
    assert watch.now >= 60
    assert len(log.named("limit.waited")) == 1


async def test_waiting_for_our_own_quota_does_not_use_up_a_calls_time(vendor):
    vendor.get(ITEMS).respond(json=[])
    with FakeStopwatch().running() as watch:
        limits = RateLimit(calls=1, window_seconds=900)
        async with api(limits=limits, policy={"total_seconds": 5}) as client:
            await client.read("/v2/items")
            await client.read("/v2/items")
    assert watch.now >= 900


async def test_one_callers_429_holds_all_callers_of_the_connection(vendor):
    vendor.get(f"{VENDOR}/a").mock(
        side_effect=[
            httpx.Response(429, headers={"retry-after": "40"}),
            httpx.Response(200, json=[]),
        ]
    )
    started: list[float] = []
    with FakeStopwatch().running() as watch:

        def other(request: httpx.Request) -> httpx.Response:
            started.append(watch.now)
            return httpx.Response(200, json=[])

        vendor.get(f"{VENDOR}/b").mock(side_effect=other)
        async with api(limits=RateLimit(concurrency=1)) as client:
            first = asyncio.create_task(client.read("/a"))
            second = asyncio.create_task(client.read("/b"))
            await asyncio.gather(first, second)
    assert started[0] >= 40


async def test_a_closed_client_is_refused(vendor):
    vendor.get(ITEMS).respond(json=[])
    client = api()
    async with client:
        await client.read("/v2/items")
    with pytest.raises(RuntimeError, match="async with"):
        await client.read("/v2/items")


@pytest.mark.parametrize("url", ["http://api.example.com", "https://u:p@api.example.com"])
def test_an_unsafe_base_url_is_refused(url):
    with pytest.raises(ValueError, match=r"https|user name"):
        api(url)


def test_a_header_that_cannot_be_sent_is_refused_without_showing_it():
    with pytest.raises(ValueError, match="cannot be sent") as caught:
        api(headers={"x-key": "canary\n"})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("flaw", [{"attempts": 0}, {"total_seconds": 0}, {"max_body_bytes": 0}])
def test_a_policy_without_room_for_a_call_is_refused(flaw):
    with pytest.raises(ValueError, match="a policy needs"):
        api(policy=flaw)
