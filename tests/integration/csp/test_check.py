"""`syncd check` names each right, and warns in time; a person's consent is worth a token."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import respx
from httpx import Response
from syncd_csp import CONNECTOR, trial

from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.errors import AuthError, ConfigError, ProtocolError
from syncd.sdk.records import CheckResult
from syncd.sdk.testing.fakes import FakeClock, RecordingLog
from syncd.sdk.tokens import Granted
from tests.builders_certificates import self_signed
from tests.builders_csp import (
    GRAPH,
    LOGIN,
    NOW,
    ONE,
    PARTNER,
    SECRET,
    TENANT,
    THREE,
    TWO,
    config,
    customer,
    listing,
    opened,
    row,
    serve_customers,
    serve_subscriptions,
    serve_tokens,
)
from tests.builders_tokens import MemoryVault

pytestmark = pytest.mark.respx(assert_all_called=False)


@pytest.fixture
def healthy(respx_mock: respx.MockRouter) -> respx.MockRouter:
    """A partner where everything is granted."""
    serve_tokens(respx_mock, refresh_token="canary-next")
    serve_customers(respx_mock, ONE)
    serve_subscriptions(respx_mock, ONE, row())
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscribedskus").mock(
        return_value=Response(200, json=listing([]))
    )
    respx_mock.get(f"{PARTNER}/v1/invoices").mock(return_value=Response(200, json=listing([])))
    respx_mock.get(f"{GRAPH}{trial.NO_OPERATION}").mock(return_value=Response(404))
    return respx_mock


async def check(vault: MemoryVault | None = None, **settings: Any) -> CheckResult:
    async with opened(vault, **settings) as pc:
        return await pc.usage.check()


def granted(result: CheckResult) -> dict[str, bool]:
    return {permission.name: permission.granted for permission in result.permissions}


async def test_everything_granted_is_said_right_by_right(healthy: respx.MockRouter) -> None:
    result = await check()
    assert result.ok
    assert result.error is None
    assert result.warnings == ()
    assert granted(result) == {
        trial.READ_CUSTOMERS: True,
        trial.READ_SUBSCRIPTIONS: True,
        trial.READ_INVOICES: True,
        trial.EXPORT: True,
    }
    methods = {call.request.method for call in healthy.calls}
    assert methods == {"GET", "POST"}
    assert {str(call.request.url) for call in healthy.calls if call.request.method == "POST"} == {
        f"{LOGIN}/{TENANT}/oauth2/v2.0/token"
    }


async def test_licences_are_tried_where_they_are_wanted(healthy: respx.MockRouter) -> None:
    result = await check(MemoryVault(), access="user", licence_usage=True)
    assert granted(result)[trial.READ_LICENCES]
    healthy.get(f"{PARTNER}/v1/customers/{ONE}/subscribedskus").mock(
        return_value=Response(403, json={"code": "900308", "description": "role"})
    )
    result = await check(MemoryVault(), access="user", licence_usage=True)
    assert not result.ok
    assert not granted(result)[trial.READ_LICENCES]
    assert "ROLE_MISSING" in (result.error or "")


async def test_an_indirect_reseller_is_told_what_to_use(healthy: respx.MockRouter) -> None:
    healthy.get(f"{PARTNER}/v1/customers").mock(return_value=Response(403))
    result = await check()
    assert not result.ok
    assert "indirect reseller uses the plugin entra" in (result.error or "")


async def test_one_customer_that_refuses_does_not_fail_the_check(
    healthy: respx.MockRouter,
) -> None:
    serve_customers(healthy, TWO, ONE)
    healthy.get(f"{PARTNER}/v1/customers/{TWO}/subscriptions").mock(return_value=Response(404))
    result = await check()
    assert result.ok
    assert [warning.partition(":")[0] for warning in result.warnings] == ["Customer 2"]


async def test_a_right_that_every_customer_refuses_is_missing(healthy: respx.MockRouter) -> None:
    serve_customers(healthy, ONE, TWO, THREE)
    for key in (ONE, TWO, THREE):
        healthy.get(f"{PARTNER}/v1/customers/{key}/subscriptions").mock(return_value=Response(403))
    result = await check()
    assert not result.ok
    assert not granted(result)[trial.READ_SUBSCRIPTIONS]


async def test_the_bill_is_not_needed_for_counting(healthy: respx.MockRouter) -> None:
    denied = {"error": {"code": "Forbidden", "message": "no"}}
    healthy.get(f"{GRAPH}{trial.NO_OPERATION}").mock(return_value=Response(403, json=denied))
    healthy.get(f"{PARTNER}/v1/invoices").mock(return_value=Response(403))
    result = await check()
    assert result.ok
    assert (granted(result)[trial.EXPORT], granted(result)[trial.READ_INVOICES]) == (False, False)
    assert len(result.warnings) == 2


async def test_a_sign_in_without_a_second_factor_is_warned_of(healthy: respx.MockRouter) -> None:
    route = healthy.get(f"{PARTNER}/v1/customers").mock(
        return_value=Response(
            200, json=listing([customer(ONE)]), headers={"isMfaCompliant": "false"}
        )
    )
    result = await check(MemoryVault(), access="user")
    assert any("no second factor" in warning for warning in result.warnings)
    assert route.calls[0].request.headers["validatemfa"] == "true"
    assert (await check()).warnings == ()


async def test_what_ends_soon_is_warned_of(healthy: respx.MockRouter) -> None:
    pem = self_signed(ends_at=NOW + timedelta(days=9))
    result = await check(client_secret=None, certificate=pem)
    assert any("the certificate ends on 2026-11-29" in warning for warning in result.warnings)
    form = parse_qs(healthy.calls[0].request.content.decode())
    assert form["client_assertion"][0].count(".") == 2
    assert "client_secret" not in form
    vault = MemoryVault()
    assert vault.token is not None
    vault.token = replace(vault.token, ends_at=NOW + timedelta(days=5))
    result = await check(vault, access="user")
    assert any("the sign-in ends on 2026-11-25" in warning for warning in result.warnings)


async def test_a_certificate_that_is_new_is_tried_again(healthy: respx.MockRouter) -> None:
    refused = {"error": "invalid_client", "error_codes": [700027]}
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 3599}
    route = healthy.post(f"{LOGIN}/{TENANT}/oauth2/v2.0/token")
    pem = self_signed(ends_at=NOW + timedelta(days=900))
    route.mock(side_effect=[Response(401, json=refused)] * 3 + [Response(200, json=token)] * 2)
    assert (await check(client_secret=None, certificate=pem)).ok
    route.mock(side_effect=None, return_value=Response(401, json=refused))
    result = await check(client_secret=None, certificate=pem)
    assert "CERTIFICATE_REFUSED" in (result.error or "")
    result = await check()
    assert "CERTIFICATE_REFUSED" in (result.error or "")


async def test_a_certificate_that_cannot_be_read_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="certificate of connection 'pc'"):
        async with opened(client_secret=None, certificate="-----BEGIN NOTHING-----"):
            pass


async def test_a_sign_in_needs_a_place_to_be_kept() -> None:
    with pytest.raises(ConfigError, match="no key"):
        async with opened(access="user"):
            pass


# consent


def jwt(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


async def redeem(web: respx.MockRouter, answer: Response, **settings: Any) -> Granted:
    web.post(f"{LOGIN}/{TENANT}/oauth2/v2.0/token").mock(return_value=answer)
    async with CONNECTOR.sign_in(context(**settings)) as sign_in:  # type: ignore[misc]
        return await sign_in.redeem("code-1", redirect="http://localhost:8400", verifier="v")


def context(**settings: Any) -> Context[Any]:
    return Context(
        connection="pc",
        config=config(**{"access": "user", **settings}),
        limits=RateLimit(),
        clock=FakeClock(NOW),
        log=RecordingLog(),
    )


async def test_a_person_is_sent_to_the_partners_own_tenant() -> None:
    async with CONNECTOR.sign_in(context()) as sign_in:  # type: ignore[misc]
        address = sign_in.address(redirect="http://localhost:8400", state="s", challenge="c")
        assert sign_in.redirect == "http://localhost:8400"
    parts = urlsplit(address)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        f"{LOGIN}/{TENANT}/oauth2/v2.0/authorize"
    )
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    assert query["code_challenge_method"] == "S256"
    assert "offline_access" in query["scope"].split()
    assert f"{PARTNER}/user_impersonation" in query["scope"].split()
    assert SECRET not in address


@pytest.mark.parametrize("token", [jwt(amr=["pwd", "mfa"]), jwt(), "opaque", "a.?.c"])
async def test_a_consent_gives_a_token_for_ninety_days(
    respx_mock: respx.MockRouter, token: str
) -> None:
    answer = {"access_token": token, "refresh_token": "canary-refresh"}
    found = await redeem(respx_mock, Response(200, json=answer))
    assert (found.token, found.ends_at) == ("canary-refresh", NOW + timedelta(days=90))
    assert "canary" not in repr(found)
    form = parse_qs(respx_mock.calls[0].request.content.decode())
    assert form["code_verifier"] == ["v"]
    assert form["client_secret"] == [SECRET]


async def test_a_consent_without_a_second_factor_is_refused(respx_mock: respx.MockRouter) -> None:
    answer = {"access_token": jwt(amr=["pwd"]), "refresh_token": "canary-refresh"}
    with pytest.raises(AuthError, match="MFA_REQUIRED"):
        await redeem(respx_mock, Response(200, json=answer))


async def test_a_consent_that_does_not_last_is_refused(respx_mock: respx.MockRouter) -> None:
    with pytest.raises(ProtocolError, match="no token that lasts"):
        await redeem(respx_mock, Response(200, json={"access_token": "x"}))


async def test_a_refused_code_is_named_by_its_number(respx_mock: respx.MockRouter) -> None:
    refused = {"error": "invalid_grant", "error_codes": [70008], "error_description": "x"}
    with pytest.raises(AuthError, match=r"SIGN_IN_EXPIRED.*AADSTS70008"):
        await redeem(respx_mock, Response(400, json=refused))


async def test_nobody_signs_in_for_an_application() -> None:
    with pytest.raises(ConfigError, match="own rights"):
        async with CONNECTOR.sign_in(context(access="app")):  # type: ignore[misc]
            pass
