"""Client credentials: one token for all, renewed in time, refused in one clear sentence."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
import respx

from syncd.sdk.auth import ClientCredentials
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    OutcomeUnknown,
    PermissionMissing,
    ProtocolError,
    RateLimited,
    VendorUnavailable,
)
from syncd.sdk.testing.fakes import FakeClock, FakeStopwatch, RecordingLog
from tests.builders_sdk import SECRET, TOKEN_URL, VENDOR, api, credentials, granted
from tests.raw_vendor import RawVendor

ITEMS = f"{VENDOR}/items"


@pytest.fixture
def vendor():
    with respx.mock(assert_all_called=False) as mock:
        mock.get(ITEMS).respond(json=[])
        yield mock


def tokens(vendor: respx.MockRouter, *answers, url: str = TOKEN_URL):
    """A token endpoint that gives these answers in turn."""
    return vendor.post(url).mock(side_effect=list(answers))


def fresh(number: int, **more) -> httpx.Response:
    return httpx.Response(200, json=granted(f"token-{number}", **more))


def used(vendor: respx.MockRouter) -> list[str]:
    """The credential of each API call."""
    return [
        call.request.headers["authorization"]
        for call in vendor.calls
        if call.request.url.host == "api.example.com"
    ]


async def test_the_token_request_is_a_form_with_the_query_asked_for(vendor):
    route = vendor.post(TOKEN_URL, params={"tenant": "acme"}).respond(json=granted("token-1"))
    async with api(auth=credentials(params={"tenant": "acme"})) as client:
        await client.read("/items")
    request = route.calls.last.request
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(httpx.QueryParams(request.content.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "our-id",
        "client_secret": SECRET,
        "scope": "monitoring",
    }
    assert "authorization" not in request.headers
    assert used(vendor) == ["Bearer token-1"]


async def test_an_empty_scope_is_left_out(vendor):
    route = tokens(vendor, fresh(1))
    async with api(auth=credentials(scope="")) as client:
        await client.read("/items")
    assert b"scope" not in route.calls.last.request.content


async def test_a_token_serves_until_shortly_before_its_stated_end(vendor):
    clock = FakeClock()
    tokens(vendor, fresh(1, expires_in=3600), fresh(2, expires_in=3600))
    async with api(auth=credentials(clock=clock)) as client:
        await client.read("/items")
        clock.advance(3539)
        await client.read("/items")
        clock.advance(1)
        await client.read("/items")
    assert used(vendor) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(("stated", "serves"), [("3600", 3540), (40, 20), (7200.5, 7140.5)])
async def test_a_tokens_life_is_read_and_never_assumed(vendor, stated, serves):
    clock = FakeClock()
    tokens(vendor, fresh(1, expires_in=stated), fresh(2))
    async with api(auth=credentials(clock=clock)) as client:
        await client.read("/items")
        clock.advance(serves - 0.5)
        await client.read("/items")
        clock.advance(0.5)
        await client.read("/items")
    assert used(vendor) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("stated", [None, "soon", -1, 0, "nan"])
async def test_a_token_without_a_stated_life_serves_until_it_is_refused(vendor, stated):
    clock = FakeClock()
    tokens(vendor, fresh(1, expires_in=stated), fresh(2))
    async with api(auth=credentials(clock=clock)) as client:
        await client.read("/items")
        clock.advance(10**8)
        await client.read("/items")
        vendor.get(ITEMS).mock(side_effect=[httpx.Response(401), httpx.Response(200, json=[])])
        await client.read("/items")
    assert used(vendor) == ["Bearer token-1"] * 3 + ["Bearer token-2"]


@pytest.mark.parametrize("stated", [1e300, "inf"])
async def test_an_absurd_life_is_bounded(vendor, stated):
    clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
    answer = granted("token-1")
    answer["expires_in"] = str(stated)
    tokens(vendor, httpx.Response(200, json=answer), fresh(2))
    async with api(auth=credentials(clock=clock)) as client:
        await client.read("/items")
        clock.advance(366 * 86_400)
        await client.read("/items")
    assert used(vendor) == ["Bearer token-1", "Bearer token-2"]


async def test_many_calls_at_once_fetch_one_token(vendor):
    log = RecordingLog()

    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return fresh(1)

    vendor.post(TOKEN_URL).mock(side_effect=slowly)
    auth = credentials(log=log)
    async with api(auth=auth) as client:
        await asyncio.gather(*(client.read("/items") for _ in range(20)))
    assert auth.fetches == 1
    assert used(vendor) == ["Bearer token-1"] * 20
    assert log.named("token.refreshed") == [{"expires_in_s": 3600}]


async def test_a_401_renews_once_for_all_and_each_call_is_sent_once_more(vendor):
    """A revoked token meets twenty calls at once: one new token, every call served."""
    tokens(vendor, fresh(1), fresh(2), fresh(3))

    def check(request: httpx.Request) -> httpx.Response:
        good = request.headers["authorization"] == "Bearer token-2"
        return httpx.Response(200 if good else 401, json=[])

    vendor.get(ITEMS).mock(side_effect=check)
    auth = credentials()
    async with api(auth=auth) as client:
        await asyncio.gather(*(client.read("/items") for _ in range(20)))
    assert auth.fetches == 2
    assert client.calls == 40


async def test_a_401_after_another_call_renewed_uses_the_new_token(vendor):
    tokens(vendor, fresh(1), fresh(2))
    late = asyncio.Event()

    async def slow_refusal(request: httpx.Request) -> httpx.Response:
        if request.headers["authorization"] == "Bearer token-1":
            await late.wait()
            return httpx.Response(401)
        return httpx.Response(200, json=[])

    def refusal(request: httpx.Request) -> httpx.Response:
        good = request.headers["authorization"] == "Bearer token-2"
        return httpx.Response(200 if good else 401, json=[])

    vendor.get(f"{VENDOR}/slow").mock(side_effect=slow_refusal)
    vendor.get(ITEMS).mock(side_effect=refusal)
    auth = credentials()
    async with api(auth=auth) as client:
        slow = asyncio.create_task(client.read("/slow"))
        await asyncio.sleep(0)
        await client.read("/items")
        late.set()
        assert (await slow).status == 200
    assert auth.fetches == 2


async def test_a_second_401_is_final_and_says_what_to_check(vendor):
    tokens(vendor, fresh(1), fresh(2))
    vendor.get(ITEMS).respond(401)
    async with api(auth=credentials()) as client:
        with pytest.raises(AuthError, match="acme: GET /items answered 401") as caught:
            await client.read("/items")
    assert client.calls == 2
    assert "connection acme" in caught.value.remedy


async def test_a_write_refused_with_401_is_sent_again_with_a_new_token(vendor):
    """A 401 is proof that nothing was carried out."""
    tokens(vendor, fresh(1), fresh(2))
    route = vendor.post(ITEMS).mock(side_effect=[httpx.Response(401), httpx.Response(201, json={})])
    async with api(auth=credentials()) as client:
        assert (await client.write("POST", "/items", json={"n": 1})).status == 201
    assert [call.request.content for call in route.calls] == [b'{"n":1}'] * 2


async def test_a_write_whose_second_sending_is_lost_is_unknown(vendor):
    tokens(vendor, fresh(1), fresh(2))
    vendor.post(ITEMS).mock(side_effect=[httpx.Response(401), httpx.ReadTimeout("x")])
    async with api(auth=credentials()) as client:
        with pytest.raises(OutcomeUnknown):
            await client.write("POST", "/items", json={})


async def test_a_cancelled_caller_does_not_lose_the_token_for_the_others(vendor):
    asked, answer = asyncio.Event(), asyncio.Event()

    async def slowly(request: httpx.Request) -> httpx.Response:
        asked.set()
        await answer.wait()
        return fresh(1)

    vendor.post(TOKEN_URL).mock(side_effect=slowly)
    auth = credentials()
    async with api(auth=auth) as client:
        first = asyncio.create_task(client.read("/items"))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        answer.set()
        await client.read("/items")
    assert auth.fetches == 1
    assert used(vendor) == ["Bearer token-1"]


async def test_a_failed_fetch_fails_all_who_waited_and_the_next_call_asks_again(vendor):
    tokens(vendor, httpx.Response(400, json={"error": "invalid_client"}), fresh(1))
    auth = credentials()
    async with api(auth=auth) as client:
        failures = await asyncio.gather(
            *(client.read("/items") for _ in range(3)), return_exceptions=True
        )
        assert {type(error) for error in failures} == {AuthError}
        await client.read("/items")
    assert auth.fetches == 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_credentials_name_the_connection_and_what_to_check(vendor, status):
    log = RecordingLog()
    tokens(
        vendor,
        httpx.Response(
            status,
            json={"error": "invalid_client", "error_description": "Client\nunknown"},
            headers={"x-request-id": "r-3"},
        ),
    )
    async with api(auth=credentials(log=log)) as client:
        with pytest.raises(AuthError) as caught:
            await client.read("/items")
    error = caught.value
    assert type(error) is AuthError
    assert str(error) == (
        "acme: the token endpoint refuses the client id and secret (invalid_client): Client unknown"
    )
    assert "client_id and client_secret" in error.remedy
    assert (error.connection, error.http_status, error.request_id) == ("acme", status, "r-3")
    assert log.named("token.rejected") == [{"code": "invalid_client"}]
    assert client.calls == 0


async def test_a_scope_that_is_not_granted_is_a_missing_permission(vendor):
    tokens(vendor, httpx.Response(400, json={"error": "invalid_scope"}))
    async with api(auth=credentials()) as client:
        with pytest.raises(PermissionMissing, match="scope 'monitoring'"):
            await client.read("/items")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"error": {"code": 5}}', b"\xff"])
async def test_a_refusal_without_a_code_names_its_status(vendor, body):
    log = RecordingLog()
    tokens(vendor, httpx.Response(400, content=body))
    async with api(auth=credentials(log=log)) as client:
        with pytest.raises(AuthError, match=r"\(400\)"):
            await client.read("/items")
    assert log.named("token.rejected") == [{"code": "400"}]


async def test_a_missing_token_endpoint_points_at_the_address(vendor):
    tokens(vendor, httpx.Response(404))
    async with api(auth=credentials()) as client:
        with pytest.raises(AuthError, match="not there") as caught:
            await client.read("/items")
    assert "region and tenant" in caught.value.remedy


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, text="<html>sign in</html>"), ProtocolError),
        (httpx.Response(200, json={"token": "x"}), ProtocolError),
        (httpx.Response(200, json=granted("")), ProtocolError),
        (httpx.Response(200, json=granted("two words")), ProtocolError),
        (httpx.Response(200, json=granted("line\nbreak")), ProtocolError),
        (httpx.Response(200, json=granted(token_type="mac")), ProtocolError),
        (httpx.Response(302, headers={"location": "https://evil.example.com"}), ProtocolError),
        (httpx.Response(204), ProtocolError),
        (httpx.Response(500), VendorUnavailable),
        (httpx.Response(429, headers={"retry-after": "5"}), RateLimited),
        (httpx.ReadTimeout("x"), VendorUnavailable),
        (httpx.ConnectError("x"), ConnectFailed),
    ],
)
@pytest.mark.parametrize("write", [False, True])
async def test_a_token_endpoint_that_cannot_serve_never_makes_a_write_unknown(
    vendor, answer, kind, write
):
    """Without a token nothing was sent."""
    tokens(vendor, *[answer] * 3)
    with FakeStopwatch().running():
        async with api(auth=credentials(), policy={"attempts": 3}) as client:
            with pytest.raises(kind):
                await (client.write("POST", "/items", json={}) if write else client.read("/items"))
    assert client.calls == 0


async def test_a_token_endpoint_that_recovers_lets_a_write_through_once(vendor):
    tokens(vendor, httpx.Response(503), fresh(1))
    route = vendor.post(ITEMS).respond(201, json={})
    with FakeStopwatch().running():
        async with api(auth=credentials()) as client:
            await client.write("POST", "/items", json={})
    assert route.call_count == 1


async def test_a_token_url_keeps_its_last_slash_and_may_live_on_another_host(vendor):
    route = tokens(vendor, fresh(1), url="https://login.example.com/token/")
    async with api(auth=credentials("https://login.example.com/token/")) as client:
        await client.read("/items")
    assert route.call_count == 1


@pytest.mark.parametrize("url", ["http://login.example.com", "login.example.com"])
def test_a_token_url_without_tls_is_refused(url):
    with pytest.raises(ValueError, match="https"):
        credentials(url)


async def test_a_cut_token_answer_is_asked_for_again_over_real_sockets():
    from tests.raw_vendor import answer, raw

    token = b'{"access_token": "t", "expires_in": 60}'
    async with (
        RawVendor.running(raw(b"HTTP/1.1 200 OK\r\n"), answer(token)) as login,
        RawVendor.running(answer(b"[7]")) as vendor,
    ):
        with FakeStopwatch().running():
            async with api(vendor.url, auth=credentials(login.url + "/token")) as client:
                assert (await client.read("/items")).decode(list[int]) == [7]
        assert len(login.requests) == 2
        assert b"authorization: bearer t\r\n" in vendor.requests[0].lower()


def test_credentials_represent_themselves_without_the_secret():
    auth: ClientCredentials = credentials()
    assert repr(auth) == "<ClientCredentials of acme at login.example.com>"
