"""The simulated sign-in of Intuit: consent, rotation of refresh tokens, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from syncd_quickbooks.sandbox import CLIENT_ID, REALM, REFRESH_TOKEN

from tests.builders_quickbooks_company import START, TOKENS, Asked, asked, basic, fault

BACK = "http://localhost:8400/callback"


async def consent(app: Asked, **more: str) -> dict[str, list[str]]:
    """What comes back to the app's address."""
    asking = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": BACK,
        "state": "s",
        **more,
    }
    answer = await app.http.get("/connect/oauth2", params=asking)
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["location"]).query)


async def redeem(app: Asked, code: str, redirect: str = BACK) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
    return await app.http.post(TOKENS, data=form, headers=basic())


async def test_a_consent_names_the_company_and_its_code_works_once() -> None:
    async with asked() as app:
        back = await consent(app)
        assert (back["realmId"], back["state"]) == ([REALM], ["s"])
        answer = await redeem(app, back["code"][0])
        assert answer.json()["x_refresh_token_expires_in"] == 8_640_000
        assert (await redeem(app, back["code"][0])).json() == {"error": "invalid_grant"}


async def test_a_code_is_good_for_its_redirect_address_only() -> None:
    async with asked() as app:
        code = (await consent(app))["code"][0]
        assert (await redeem(app, code, "http://localhost/other")).status_code == 400


async def test_without_the_scope_there_is_an_error_and_no_code() -> None:
    async with asked() as app:
        assert (await consent(app, scope="openid"))["error"] == ["invalid_scope"]


async def test_an_unknown_app_is_not_sent_back() -> None:
    async with asked() as app:
        answer = await app.http.get("/connect/oauth2", params={"client_id": "x"})
        assert answer.status_code == 400


async def test_a_wrong_secret_is_refused() -> None:
    async with asked() as app:
        form = {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}
        answer = await app.http.post(TOKENS, data=form, headers=basic(secret="x"))
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


async def test_an_exchange_may_kill_the_old_token_at_once() -> None:
    async with asked(rotation="at_once") as app:
        assert (await app.sign_in()).json() == {"error": "invalid_grant"}
        assert app.simulator.logins.reused == 1


async def test_an_exchange_may_leave_the_old_token_alive_for_a_day() -> None:
    async with asked(rotation="overlap") as app:
        assert (await app.sign_in()).status_code == 200
        app.world.clock.set(START + timedelta(hours=25))
        assert (await app.sign_in()).status_code == 400


async def test_an_exchange_may_repeat_the_token_for_a_day() -> None:
    async with asked(rotation="daily") as app:
        assert (await app.sign_in()).json()["refresh_token"] == REFRESH_TOKEN
        app.world.clock.set(START + timedelta(hours=25))
        other = (await app.sign_in()).json()["refresh_token"]
        assert other != REFRESH_TOKEN


async def test_a_token_that_is_not_used_dies_after_a_hundred_days() -> None:
    async with asked() as app:
        first = await redeem(app, (await consent(app))["code"][0])
        app.world.clock.set(START + timedelta(days=100))
        answer = await app.sign_in(first.json()["refresh_token"])
        assert answer.json() == {"error": "invalid_grant"}


async def test_the_hard_end_is_told_to_who_asks() -> None:
    async with asked(rotation="overlap") as app:
        assert "x_refresh_token_hard_expires_in" not in (await app.sign_in()).json()
        asking = {"x-include-refresh-token-hard-expires-in": "true"}
        answer = await app.sign_in(**asking)
        assert answer.json()["x_refresh_token_hard_expires_in"] == 157_680_000


async def test_an_access_token_dies_and_the_gateway_says_so() -> None:
    async with asked() as app:
        app.clock.now = 3600.0
        answer = await app.get("/preferences")
        assert fault(answer) == (401, "3200")
        assert "invalid_token" in answer.headers["www-authenticate"]
        assert "errorCode=003200" in answer.text


async def test_a_token_opens_the_company_that_was_picked_and_no_other() -> None:
    async with asked(realms=(REALM, "9000"), consents_to="9000") as app:
        assert fault(await app.get("/preferences")) == (403, "3100")


async def test_a_consent_that_is_taken_away_ends_everything() -> None:
    async with asked(rotation="overlap") as app:
        app.hand.revoke()
        assert fault(await app.get("/preferences")) == (401, "3200")
        assert (await app.sign_in()).json() == {"error": "invalid_grant"}


async def test_an_app_can_end_its_own_consent() -> None:
    async with asked() as app:
        where = "/v2/oauth2/tokens/revoke"
        answer = await app.http.post(where, json={"token": app.token}, headers=basic())
        assert answer.status_code == 200
        assert fault(await app.get("/preferences")) == (401, "3200")


@pytest.mark.parametrize(("code", "status"), [("120", 403), ("3100", 403), ("6190", 400)])
async def test_access_can_be_lost_in_several_ways(code: Any, status: int) -> None:
    async with asked(lost_access=code) as app:
        assert fault(await app.get("/preferences")) == (status, code)
