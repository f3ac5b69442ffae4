"""The consent for one company, and the token that changes: newest stored first, none lost."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import respx
from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.consent import CompanySignIn
from syncd_quickbooks.sandbox import CLIENT_ID, REALM, REFRESH_TOKEN, SECRET

from syncd.sdk.errors import AuthError, ProtocolError, SignInExpired, VendorUnavailable
from syncd.sdk.tokens import CallbackReader
from tests.builders_quickbooks import NOW, TOKENS, Opened, context, document, opened

REDIRECT = "https://www.example.com/syncd"


def back(books: Opened, address: str) -> dict[str, str]:
    """What the browser brings back after a person consented."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    answer = books.simulator.logins.authorize(asked)
    assert answer is not None
    return dict(answer)


async def consent(books: Opened, **settings: str) -> str:
    made = context(redirect_url=REDIRECT, **settings)
    async with CompanySignIn(made) as flow:
        assert isinstance(flow, CallbackReader)
        address = flow.address(redirect=REDIRECT, state="s1", challenge="unused")
        came = back(books, address)
        assert came["state"] == "s1"
        flow.came_back(came)
        granted = await flow.redeem(came["code"], redirect=REDIRECT, verifier="unused")
        assert granted.ends_at == NOW + timedelta(days=100)
        assert REALM in granted.summary
        return granted.token


async def test_a_consent_gives_a_token_that_works() -> None:
    async with opened() as books:
        books.vault.consent(await consent(books), NOW)
        assert (await books.ledger.book()).key == REALM


async def test_consent_for_another_company_is_refused_before_its_code_is_used() -> None:
    async with opened({"realms": (REALM, "777777"), "consents_to": "777777"}) as books:
        exchanged = books.simulator.logins.exchanges
        with pytest.raises(AuthError, match=r"'777777'.*nothing is kept") as refused:
            await consent(books)
        assert "pick the right company" in refused.value.remedy
        assert books.simulator.logins.exchanges == exchanged


async def test_a_consent_that_names_no_company_is_refused() -> None:
    async with CompanySignIn(context()) as flow:
        with pytest.raises(AuthError, match="no company"):
            flow.came_back({"code": "c", "state": "s"})
        with pytest.raises(AuthError, match="which company"):
            await flow.redeem("c", redirect=REDIRECT, verifier="")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(400, json={"error": "invalid_grant"}), AuthError),
        (httpx.Response(401, json={"error": "invalid_client"}), AuthError),
        (httpx.Response(200, json={"access_token": "a", "expires_in": 3600}), ProtocolError),
        (httpx.Response(503, text="later"), VendorUnavailable),
    ],
    ids=["code", "app", "no-token", "busy"],
)
async def test_a_refused_code_says_why(answer: httpx.Response, error: type[Exception]) -> None:
    with respx.mock() as web:
        web.post(TOKENS).mock(return_value=answer)
        async with CompanySignIn(context()) as flow:
            flow.came_back({"realmId": REALM})
            with pytest.raises(error) as refused:
                await flow.redeem("secret-code", redirect=REDIRECT, verifier="")
            assert "secret-code" not in str(refused.value)


async def test_the_newest_token_is_stored_before_it_serves() -> None:
    async with opened() as books:
        await books.ledger.book()
        assert len(books.vault.stored) == 1
        assert books.vault.stored[0] != REFRESH_TOKEN
        token = books.vault.token
        assert token is not None
        assert token.ends_at == NOW + timedelta(days=100)


async def test_a_token_that_cannot_be_stored_is_not_used() -> None:
    async with opened() as books:
        books.vault.broken = True
        with pytest.raises(Exception, match="disk is full"):
            await books.ledger.post([document()])
        assert books.sent == []


async def test_the_hard_end_of_a_consent_comes_first() -> None:
    async with opened({"hard_expiry_seconds": 86_400}) as books:
        await books.ledger.book()
        token = books.vault.token
        assert token is not None
        assert token.ends_at == NOW + timedelta(days=1)
        result = await books.ledger.check()
        assert any("consent ends on 2026-11-21" in one for one in result.warnings)


@pytest.mark.parametrize("rotation", ["at_once", "overlap", "daily"])
async def test_an_access_token_that_died_is_renewed_once(rotation: str) -> None:
    async with opened({"rotation": rotation}) as books:
        await books.ledger.book()
        books.simulator.hand.expire_tokens()
        await books.ledger.book()
        assert books.simulator.logins.exchanges == 2
        assert books.simulator.logins.reused == 0


async def test_a_consent_that_was_taken_back_asks_for_a_person() -> None:
    async with opened() as books:
        books.simulator.hand.revoke()
        with pytest.raises(SignInExpired, match="consent has ended") as refused:
            await books.ledger.book()
        assert "syncd login books" in refused.value.remedy


async def test_no_secret_is_in_any_message_or_event() -> None:
    async with opened() as books:
        await books.ledger.book()
        books.simulator.hand.revoke()
        with pytest.raises(SignInExpired) as refused:
            await books.ledger.book()
        said = f"{refused.value!r} {refused.value.remedy}"
        for secret in (SECRET, CLIENT_ID, REFRESH_TOKEN, *books.simulator.logins.issued):
            assert secret not in said


def test_the_connector_offers_a_sign_in_and_webhooks() -> None:
    assert CONNECTOR.sign_in is not None
    assert CONNECTOR.webhooks is not None
    assert CONNECTOR.webhooks.answer_seconds <= 3
