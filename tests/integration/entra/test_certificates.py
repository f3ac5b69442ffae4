"""An application that proves itself by certificate, and the person's sign-in in a browser."""

from __future__ import annotations

import base64
import hashlib
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from syncd_entra import CONNECTOR
from syncd_entra.config import EntraConfig
from syncd_entra.sandbox import SANDBOX
from syncd_entra.sandbox.logins import REFRESHED_BEFORE

from syncd.sandbox.host import SandboxHost
from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConfigError
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.fakes import RecordingLog
from tests.builders_entra import ONE, TWO, cloud, connected, settings
from tests.builders_entra_gdap import PARTNER, certificate_in, entered, pem
from tests.builders_tokens import MemoryVault

COMPLETE = ScopeState.COMPLETE
BY_CERTIFICATE = {"client_secret": None}


def tokens(running):
    """Token requests so far."""
    return sum(times for name, times in running.calls.items() if name.endswith("/token"))


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
@pytest.mark.parametrize("password", [None, "locked"])
async def test_a_certificate_opens_every_tenant(algorithm, password):
    text = pem(password=password)
    given = {
        "certificate": text, "certificate_password": password,
        "certificate_algorithm": algorithm, **BY_CERTIFICATE,
    }  # fmt: skip
    options = {"certificate": certificate_in(text)}
    async with connected(cloud(2), options=options, **given) as running:
        _, verdicts = await running.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    async with entered(cloud(2), options=options, **given) as (over_gdap, _):
        _, verdicts = await over_gdap.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_new_certificate_is_tried_again_while_it_gets_known(times):
    given = {"certificate": pem(), **BY_CERTIFICATE}
    async with connected(cloud(1), options={"settling": times}, **given) as running:
        _, verdicts = await running.pull()
        assert tokens(running) == times + 1
    assert verdicts[ONE].state is COMPLETE


async def test_a_certificate_that_stays_unknown_is_refused_after_three_more_tries():
    given = {"certificate": pem(), **BY_CERTIFICATE}
    other = {"certificate": certificate_in(pem(password="locked"))}
    async with connected(cloud(1), options=other, **given) as running:
        with pytest.raises(AuthError, match=r"CERTIFICATE_REFUSED: m365: .*AADSTS700027"):
            await running.pull()
        assert tokens(running) == 4
        assert "PRIVATE KEY" not in repr(running.log.events)


async def test_a_secret_is_not_tried_again():
    async with connected(cloud(1), options={"refusals": {ONE: 700027}}) as running:
        with pytest.raises(AuthError, match="CERTIFICATE_REFUSED"):
            await running.pull()
        assert tokens(running) == 1


async def test_a_tenant_may_have_a_certificate_of_its_own():
    own = {"client_id": "5a5a5a5a-0000-4000-8000-00000000aaaa", "certificate": pem()}
    tenants = [{"id": ONE, "name": "Client 1"}, {"id": TWO, "name": "Client 2", **own}]
    async with connected(cloud(2), tenants=tenants) as running:
        _, verdicts = await running.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"certificate": pem(password="locked")}, "encrypted"),
        ({"certificate": pem(password="locked"), "certificate_password": "no"}, "wrong"),
        ({"certificate": pem(), "certificate_password": "no"}, "not encrypted"),
        (
            {"certificate": pem().replace("PRIVATE KEY-----\nM", "PRIVATE KEY-----\nX")},
            "damaged",
        ),
    ],
)
async def test_a_certificate_that_cannot_be_read_is_the_configurations(given, words):
    with pytest.raises(ConfigError, match=words) as caught:
        async with connected(cloud(1), **BY_CERTIFICATE, **given):
            raise AssertionError("opened")
    assert "PEM" in caught.value.remedy


# the sign-in


@asynccontextmanager
async def signing_in(**options):
    """A sign-in, and a browser whose owner signs in at once."""
    world = cloud(1)
    with SandboxHost(world, [SANDBOX], options={"entra": options}) as host:
        base = host.simulators["entra"].base_url
        more = {"access": "gdap", "partner_tenant": PARTNER, "login_url": base, "graph_url": base}
        context = Context(
            connection="m365",
            config=EntraConfig.model_validate(settings(world, **more)),
            limits=CONNECTOR.limits,
            clock=world.now,
            log=RecordingLog(),
            vault=MemoryVault(REFRESHED_BEFORE),
        )
        assert CONNECTOR.sign_in is not None
        async with CONNECTOR.sign_in(context) as sign_in, httpx.AsyncClient() as browser:

            async def visit(verifier: str = "v" * 43) -> dict[str, str]:
                digest = hashlib.sha256(verifier.encode()).digest()
                challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                address = sign_in.address(
                    redirect=sign_in.redirect, state="s1", challenge=challenge
                )
                answer = await browser.get(address)
                assert answer.status_code == 302
                return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

            yield sign_in, visit, host.simulators["entra"].app.state.simulator


async def test_a_person_signs_in_once_for_all_tenants():
    async with signing_in() as (sign_in, visit, state):
        back = await visit()
        assert back["state"] == "s1"
        granted = await sign_in.redeem(back["code"], redirect=sign_in.redirect, verifier="v" * 43)
        assert state.logins.living[granted.token] is True
        assert sign_in.token_name == "refresh"
        assert granted.ends_at is not None
        assert granted.token not in repr(granted)
        with pytest.raises(AuthError, match="AADSTS54005"):
            await sign_in.redeem(back["code"], redirect=sign_in.redirect, verifier="v" * 43)


async def test_another_verifier_redeems_nothing():
    async with signing_in() as (sign_in, visit, _):
        back = await visit()
        with pytest.raises(AuthError, match="AADSTS501481"):
            await sign_in.redeem(back["code"], redirect=sign_in.redirect, verifier="x" * 43)


async def test_a_sign_in_that_ends_in_a_refusal_brings_no_code():
    async with signing_in(sign_in_denied=50105) as (_, visit, _state):
        back = await visit()
    assert back["error"] == "access_denied"
    assert "code" not in back


async def test_a_connection_by_app_has_nobody_to_sign_in():
    world = cloud(1)
    context = Context(
        connection="m365",
        config=EntraConfig.model_validate(settings(world)),
        limits=CONNECTOR.limits,
        clock=world.now,
        log=RecordingLog(),
    )
    assert CONNECTOR.sign_in is not None
    with pytest.raises(ConfigError, match="own rights"):
        async with CONNECTOR.sign_in(context):
            raise AssertionError("opened")
