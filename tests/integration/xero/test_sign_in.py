"""Sign-in, tokens that change, organisations that close, and the calls of a day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from syncd_xero import CONNECTOR
from syncd_xero.config import XeroConfig
from syncd_xero.sandbox import CLIENT_ID, REFRESH_TOKEN, SANDBOX, SECRET, TENANT, consent_settings

from syncd.sandbox.host import SandboxHost
from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConfigError, RateLimited, SignInExpired
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.testing.fakes import RecordingLog
from syncd.sdk.tokens import SignIn
from tests.builders_partner import market
from tests.builders_tokens import MemoryVault
from tests.builders_xero import documents
from tests.builders_xero_books import CONSENT, challenge_of, connected

BACK = "http://localhost:8400"


@asynccontextmanager
async def signing_in(**more: Any) -> AsyncIterator[tuple[SignIn, Any]]:
    world = market()
    with SandboxHost(world, [SANDBOX], options={"xero": more.pop("options", {})}) as host:
        hosted = host.simulators["xero"]
        given = {**consent_settings(hosted.base_url), "client_secret": SECRET, **more}
        given.pop("webhook_key")
        context = Context(
            connection="books",
            config=XeroConfig.model_validate(given),
            limits=CONNECTOR.limits,
            clock=world.now,
            log=RecordingLog(),
        )
        assert CONNECTOR.sign_in is not None
        async with CONNECTOR.sign_in(context) as flow:
            yield flow, world


async def code_at(address: str) -> tuple[str, str]:
    """What the browser comes back with after a person agreed."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
    assert answer.status_code in {302, 303}, answer.text
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    return back.get("code", [""])[0], back.get("state", [""])[0]


@pytest.mark.parametrize("pkce", [True, False])
async def test_a_consent_gives_a_token_that_lasts_60_days(pkce: bool) -> None:
    verifier = "v" * 50
    async with signing_in(pkce=pkce) as (flow, world):
        address = flow.address(redirect=BACK, state="abc", challenge=challenge_of(verifier))
        assert ("code_challenge" in address) is pkce
        code, state = await code_at(address)
        assert state == "abc"
        granted = await flow.redeem(code, redirect=BACK, verifier=verifier)
        assert granted.ends_at == world.now() + timedelta(days=60)
        assert TENANT in granted.summary
        assert granted.token not in repr(granted)
        with pytest.raises(AuthError, match="once"):
            await flow.redeem(code, redirect=BACK, verifier=verifier)


async def test_a_consent_for_another_organisation_is_not_kept() -> None:
    other = "11111111-2222-3333-4444-555555555555"
    async with signing_in(organisation=other) as (flow, _):
        address = flow.address(redirect=BACK, state="abc", challenge=challenge_of("v" * 50))
        code, _ = await code_at(address)
        with pytest.raises(AuthError, match=f"does not open organisation {other}"):
            await flow.redeem(code, redirect=BACK, verifier="v" * 50)


async def test_a_custom_connection_needs_no_sign_in() -> None:
    with pytest.raises(ConfigError, match="custom connection"):
        async with signing_in(access="custom"):
            raise AssertionError


async def test_the_refresh_token_changes_and_the_newest_is_kept_before_it_is_used() -> None:
    async with connected(**CONSENT) as books:
        await asyncio.gather(*(books.ledger.book() for _ in range(4)))
        assert len(books.vault.stored) == 1
        token = books.vault.token
        assert token is not None
        assert token.previous == REFRESH_TOKEN
        assert token.ends_at is not None


async def test_after_a_crash_the_token_before_is_taken_within_its_grace() -> None:
    vault = MemoryVault("lost-and-never-known", previous=REFRESH_TOKEN)
    async with connected(**CONSENT, vault=vault) as books:
        assert (await books.ledger.book()).key == TENANT
        assert vault.stored


async def test_a_sign_in_that_ended_asks_for_a_person() -> None:
    async with connected(**CONSENT, vault=MemoryVault("revoked")) as books:
        with pytest.raises(SignInExpired, match="takes the stored sign-in no longer") as ended:
            await books.ledger.book()
        assert "syncd login books" in ended.value.remedy
        result = await books.ledger.check()
        assert not result.ok
        assert "syncd login books" in str(result.error)


async def test_an_organisation_that_disconnected_the_app_is_told_apart() -> None:
    async with connected(**CONSENT) as books:
        await books.ledger.book()
        books.hand.disconnect()
        with pytest.raises(AuthError, match="disconnected the app"):
            await books.ledger.post(documents(1))


async def test_reads_leave_the_days_last_calls_to_writes() -> None:
    async with connected(options={"day_calls": 30}, day_reserve=25) as books:
        while (books.ledger._client.budget.remaining or 30) > 25:
            await books.ledger.read_back({TENANT: DocumentKind.INVOICE})
        with pytest.raises(RateLimited, match="kept for writes"):
            await books.references_anew()
        outcomes = await books.ledger.post(documents(2))
        assert len(outcomes) == 2
        assert {type(one).__name__ for one in outcomes} == {"Posted"}


async def test_the_minutes_limit_is_never_broken() -> None:
    async with connected() as books:
        for _ in range(150):
            await books.ledger.read_back({TENANT: DocumentKind.INVOICE})
        organisations = books.simulator.organisations.values()
        assert not any(one.quota.refused for one in organisations)
        assert books.stopwatch.monotonic() >= 120


def test_the_app_without_a_secret_names_itself_in_the_form() -> None:
    from syncd_xero.token import app_fields

    plain = XeroConfig.model_validate({"client_id": CLIENT_ID})
    assert app_fields(plain) == {"client_id": CLIENT_ID}
