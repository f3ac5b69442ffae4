"""A login by name and password: JSON once, a token for all, renewed in time and on a 401."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import respx

from syncd.sdk.auth import PasswordLogin
from syncd.sdk.errors import AuthError, VendorUnavailable
from syncd.sdk.testing.fakes import FakeClock, FakeStopwatch, RecordingLog
from tests.builders_sdk import SECRET, VENDOR, api, granted

LOGIN = f"{VENDOR}/Login"


@pytest.fixture
def vendor():
    with respx.mock(assert_all_called=False) as mock:
        mock.get(f"{VENDOR}/items").respond(json=[])
        yield mock


def login(**given):
    known = {
        "connection": "acme",
        "login_url": LOGIN,
        "fields": {"UserName": "us", "Password": SECRET},
        "password": SECRET,
        "settings": "user_name and password",
        "clock": FakeClock(),
    }
    return PasswordLogin(**{**known, **given})


def fresh(number, **more):
    return httpx.Response(200, json=granted(f"token-{number}", **more))


async def test_the_login_is_json_and_one_token_serves_all(vendor):
    route = vendor.post(LOGIN).mock(side_effect=[fresh(1)])
    async with api(auth=login()) as client:
        await asyncio.gather(*(client.read("/items") for _ in range(5)))
    assert json.loads(route.calls.last.request.content) == {"UserName": "us", "Password": SECRET}
    assert route.call_count == 1
    assert {
        call.request.headers["authorization"]
        for call in vendor.calls
        if call.request.url.path == "/items"
    } == {"Bearer token-1"}


async def test_a_token_is_renewed_five_minutes_before_its_end(vendor):
    clock = FakeClock()
    route = vendor.post(LOGIN).mock(side_effect=[fresh(1, expires_in=1209599), fresh(2)])
    async with api(auth=login(clock=clock), clock=clock) as client:
        await client.read("/items")
        clock.advance(1209599 - 301)
        await client.read("/items")
        assert route.call_count == 1
        clock.advance(1)
        await client.read("/items")
    assert route.call_count == 2


async def test_a_401_logs_in_once_more_and_a_second_one_is_refused(vendor):
    route = vendor.post(LOGIN).mock(side_effect=[fresh(1), fresh(2)])
    items = vendor.get(f"{VENDOR}/items").mock(
        side_effect=[httpx.Response(401), httpx.Response(200, json=[]), httpx.Response(401)]
    )
    auth = login()
    async with api(auth=auth) as client:
        await client.read("/items")
    assert (route.call_count, items.call_count, auth.fetches) == (2, 2, 2)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_credentials_name_the_settings_and_never_the_password(vendor, status):
    words = f"The user name or password is incorrect. {SECRET}"
    vendor.post(LOGIN).respond(status, json={"error": "invalid_grant", "error_description": words})
    log = RecordingLog()
    async with api(auth=login(log=log)) as client:
        with pytest.raises(AuthError) as error:
            await client.read("/items")
    said = str(error.value)
    assert said.startswith("acme: the vendor refuses the login (invalid_grant): The user name")
    assert "user_name and password" in error.value.remedy
    assert SECRET not in said + error.value.remedy + repr(log.events) + repr(login())
    assert log.named("token.rejected") == [{"code": "invalid_grant"}]


async def test_a_login_that_is_not_there_asks_for_the_address(vendor):
    vendor.post(LOGIN).respond(404, json={"Message": "No HTTP resource was found"})
    async with api(auth=login()) as client:
        with pytest.raises(AuthError, match="login is not there") as error:
            await client.read("/items")
    assert "base URL" in error.value.remedy


async def test_a_login_that_cannot_serve_is_transient(vendor):
    vendor.post(LOGIN).respond(503)
    with FakeStopwatch().running():
        async with api(auth=login()) as client:
            with pytest.raises(VendorUnavailable):
                await client.read("/items")
