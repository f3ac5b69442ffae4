"""The simulated Xero's sign-in, limits and memory of keys behave as the vendor's are known to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from syncd_xero.sandbox import CLIENT_ID, CUSTOM_CLIENT_ID, REFRESH_TOKEN, SECRET, TENANT, tenant_id

from tests.builders_xero import WANTED, Bookkeeping, books, invoice

BACK = "http://localhost:8400"


async def consent(desk: Bookkeeping, **more: str) -> dict[str, list[str]]:
    asked = {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": BACK, "state": "s"}
    asked |= {"scope": f"{WANTED} offline_access", **more}
    answer = await desk.http.get("/identity/connect/authorize", params=asked)
    assert answer.status_code == 302
    return parse_qs(urlsplit(answer.headers["location"]).query)


async def exchange(desk: Bookkeeping, code: str, **more: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, **more}
    proof = base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    headers = {"authorization": f"Basic {proof}"}
    answer = await desk.http.post("/connect/token", data=form, headers=headers)
    return answer.status_code, answer.json()


async def test_a_code_opens_once_within_five_minutes() -> None:
    async with books() as desk:
        code = (await consent(desk))["code"][0]
        status, said = await exchange(desk, code)
        assert (status, said["expires_in"]) == (200, 1800)
        assert await exchange(desk, code) == (400, {"error": "invalid_grant"})
        late = (await consent(desk))["code"][0]
        desk.watch.now += 300
        assert await exchange(desk, late) == (400, {"error": "invalid_grant"})


async def test_pkce_is_held_to_its_verifier() -> None:
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"verifier").digest()).rstrip(b"=").decode()
    async with books() as desk:
        for verifier, wanted in (("verifier", 200), ("other", 400)):
            code = (await consent(desk, code_challenge=digest))["code"][0]
            status, _ = await exchange(desk, code, code_verifier=verifier)
            assert status == wanted


async def test_a_broad_scope_fails_the_whole_consent() -> None:
    async with books() as desk:
        told = await consent(desk, scope=f"{WANTED} accounting.transactions")
        assert told == {"error": ["invalid_scope"], "state": ["s"]}


async def test_a_refresh_token_rotates_with_a_grace_of_half_an_hour() -> None:
    async with books() as desk:
        first = (await desk.refresh()).json()["refresh_token"]
        assert first != REFRESH_TOKEN
        desk.watch.now += 1799
        assert (await desk.refresh()).status_code == 200
        desk.watch.now += 1
        again = await desk.refresh()
        assert (again.status_code, again.json()) == (400, {"error": "invalid_grant"})
        assert (await desk.refresh(first)).status_code == 200
        assert desk.simulator.logins.reused == 1


async def test_a_dead_token_that_comes_again_may_end_everything() -> None:
    async with books(reuse_revokes=True) as desk:
        first = (await desk.refresh()).json()["refresh_token"]
        desk.watch.now += 1800
        await desk.refresh()
        assert (await desk.refresh(first)).status_code == 400


async def test_a_refresh_token_dies_unused_after_sixty_days() -> None:
    async with books() as desk:
        desk.watch.now += 60 * 86_400
        assert (await desk.refresh()).status_code == 400


async def test_an_access_token_lives_half_an_hour() -> None:
    async with books() as desk:
        await desk.get("Organisation")
        desk.watch.now += 1800
        answer = await desk.ask("GET", "Organisation")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert answer.json()["Detail"].startswith("TokenExpired")


async def test_a_consent_opens_several_organisations_and_names_them() -> None:
    async with books(organisations=2) as desk:
        desk.token = (await desk.refresh()).json()["access_token"]
        headers = {"authorization": f"Bearer {desk.token}"}
        rows = (await desk.http.get("/connections", headers=headers)).json()
        assert [one["tenantId"] for one in rows] == [TENANT, tenant_id(2)]
        assert (await desk.ask("GET", "Organisation")).status_code == 403
        for tenant in (TENANT, tenant_id(2)):
            desk.more = {"xero-tenant-id": tenant}
            found = await desk.get("Organisation")
            assert found["Organisations"][0]["OrganisationID"] == tenant
        gone = await desk.http.delete(f"/connections/{rows[1]['id']}", headers=headers)
        assert gone.status_code == 204
        answer = await desk.ask("GET", "Organisation")
        assert (answer.status_code, answer.json()["Detail"]) == (403, "AuthenticationUnsuccessful")


async def test_a_custom_connection_opens_one_organisation_without_naming_it() -> None:
    async with books(organisations=2) as desk:
        assert (await desk.custom()).json().get("refresh_token") is None
        assert (await desk.get("Organisation"))["Organisations"][0]["OrganisationID"] == TENANT
        desk.more = {"xero-tenant-id": tenant_id(2)}
        assert (await desk.ask("GET", "Organisation")).status_code == 403


async def test_a_missing_right_is_403_for_its_resources_alone() -> None:
    async with books() as desk:
        desk.token = (await desk.custom("accounting.settings.read")).json()["access_token"]
        assert (await desk.ask("GET", "Accounts")).status_code == 200
        assert (await desk.ask("GET", "Invoices?page=1")).status_code == 403


async def test_a_withdrawn_consent_refreshes_and_opens_nothing() -> None:
    async with books() as desk:
        assert (await desk.ask("GET", "Organisation")).status_code == 200
        desk.simulator.hand.withdraw()
        assert (await desk.ask("GET", "Organisation")).status_code == 403
        assert (await desk.refresh()).json() == {"error": "invalid_grant"}
        assert (await desk.custom()).status_code == 400


async def test_wrong_credentials_get_no_token() -> None:
    async with books() as desk:
        wrong = base64.b64encode(f"{CUSTOM_CLIENT_ID}:wrong".encode()).decode()
        answer = await desk.http.post(
            "/connect/token",
            data={"grant_type": "client_credentials"},
            headers={"authorization": f"Basic {wrong}"},
        )
        assert answer.json() == {"error": "invalid_client"}


async def test_sixty_calls_a_minute_rolling() -> None:
    async with books() as desk:
        for _ in range(60):
            answer = await desk.ask("GET", "Currencies")
            desk.watch.now += 0.5
        assert answer.headers["x-minlimit-remaining"] == "0"
        refused = await desk.ask("GET", "Currencies")
        assert (refused.status_code, refused.content) == (429, b"")
        assert refused.headers["x-rate-limit-problem"] == "minute"
        assert refused.headers["retry-after"] == "30"
        desk.watch.now += 30
        assert (await desk.ask("GET", "Currencies")).status_code == 200


async def test_a_day_is_reset_at_a_fixed_time() -> None:
    async with books(day_calls=100, minute_calls=0, day_reset=7200.0) as desk:
        desk.simulator.hand.take_calls(99)
        desk.watch.now = 5000.0
        assert (await desk.ask("GET", "Currencies")).headers["x-daylimit-remaining"] == "0"
        refused = await desk.ask("GET", "Currencies")
        assert refused.headers["x-rate-limit-problem"] == "day"
        assert refused.headers["retry-after"] == "2200"
        desk.watch.now = 7200.0
        desk.token = ""
        assert (await desk.ask("GET", "Currencies")).status_code == 200


async def test_ten_thousand_calls_a_minute_of_an_app_in_all_its_organisations() -> None:
    free = {"minute_calls": 0, "day_calls": 0}
    async with books(None, **free, organisations=2, app_minute_calls=10_000) as desk:
        desk.token = (await desk.refresh()).json()["access_token"]
        first, second = desk.simulator.organisations
        desk.more = {"xero-tenant-id": first}
        desk.simulator.hand.take_calls(9_998)
        told = await desk.ask("GET", "Currencies")
        assert told.headers["x-appminlimit-remaining"] == "1"
        desk.watch.now += 20
        desk.more = {"xero-tenant-id": second}
        assert (await desk.ask("GET", "Currencies")).headers["x-appminlimit-remaining"] == "0"
        for tenant in (first, second):
            desk.more = {"xero-tenant-id": tenant}
            refused = await desk.ask("GET", "Currencies")
            assert refused.status_code == 429
            assert refused.headers["x-rate-limit-problem"] == "appminute"
            assert refused.headers["retry-after"] == "40"
        desk.watch.now += 40
        assert (await desk.ask("GET", "Currencies")).status_code == 200


async def test_five_calls_in_flight() -> None:
    async with books(answer_seconds=1.0, sleep=lambda seconds: asyncio.sleep(0.01)) as desk:
        await desk.get("Currencies")
        answers = await asyncio.gather(*(desk.ask("GET", "Currencies") for _ in range(6)))
        refused = [one for one in answers if one.status_code == 429]
        assert len(refused) == 1
        assert refused[0].headers["x-rate-limit-problem"] == "concurrent"
        assert "retry-after" not in refused[0].headers


async def test_a_known_key_is_answered_again_and_executed_once() -> None:
    async with books() as desk:
        first = await desk.put(invoice(""), key="a")
        again = await desk.put(invoice(""), key="a")
        assert first.content == again.content
        assert len(desk.simulator.books.documents) == 1
        assert desk.simulator.replays.replayed == 1


async def test_a_key_is_forgotten_after_six_minutes() -> None:
    async with books() as desk:
        await desk.put(invoice(""), key="a")
        desk.watch.now += 359
        await desk.put(invoice(""), key="a")
        assert len(desk.simulator.books.documents) == 1
        desk.watch.now += 1
        await desk.put(invoice(""), key="a")
        assert len(desk.simulator.books.documents) == 2


@pytest.mark.parametrize(("keeps", "second"), [("all", 500), ("good", 200)])
async def test_refusals_and_internal_errors_are_kept_as_well(keeps: str, second: int) -> None:
    async with books(idempotency_keeps=keeps) as desk:
        desk.simulator.hand.break_batch(0)
        assert (await desk.put(invoice("7"), key="a")).status_code == 500
        assert (await desk.put(invoice("7"), key="a")).status_code == second


async def test_a_key_of_another_request_and_a_long_key_are_refused() -> None:
    async with books() as desk:
        await desk.put(invoice("7"), key="a")
        answer = await desk.put(invoice("8"), key="a")
        assert answer.status_code == 400
        assert answer.json()["Message"] == "Idempotency Key a is used with a different request."
        assert (await desk.put(invoice("9"), key="k" * 129)).status_code == 400
        assert len(desk.simulator.books.documents) == 1


async def test_who_does_not_ask_for_json_gets_xml() -> None:
    async with books() as desk:
        answer = await desk.ask("GET", "Organisation", headers={"accept": "*/*"})
        assert answer.text.startswith("<Response><Id>")
    async with books(missing_accept="refuse") as desk:
        answer = await desk.ask("GET", "Organisation", headers={"accept": "*/*"})
        assert answer.status_code == 406
