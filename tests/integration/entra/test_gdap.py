"""One sign-in of the partner opens every tenant; what a tenant refuses is its own reason."""

from __future__ import annotations

import asyncio

import pytest
from syncd_entra.refusals import AADSTS, OVER_GDAP, Blame
from syncd_entra.sandbox.logins import REFRESHED_BEFORE

from syncd.sdk.errors import (
    AuthError,
    ConfigError,
    ConnectorError,
    SignInExpired,
    StoreError,
    TransientError,
)
from syncd.sdk.records import ScopeState
from syncd.sdk.testing.faults import Action, Fault
from tests.builders_entra import ONE, THREE, TWO, cloud, connected, counted
from tests.builders_entra_gdap import PARTNER, entered
from tests.builders_tokens import MemoryVault

COMPLETE, UNKNOWN = ScopeState.COMPLETE, ScopeState.UNKNOWN


def numbers(*blames: Blame) -> list[int]:
    return [number for number, meaning in AADSTS.items() if meaning.blame in blames]


async def test_the_counts_are_those_of_an_app_in_each_tenant():
    async with connected(cloud()) as by_app:
        expected, _ = await by_app.pull()
    async with entered(cloud()) as (running, _):
        found, verdicts = await running.pull()
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    assert found.units == expected.units


async def test_one_exchange_finds_out_and_the_others_follow_with_what_it_stored():
    async with entered(cloud(6)) as (running, vault):
        await running.pull()
        sent = running.state.logins.exchanges
    assert sent[0] == REFRESHED_BEFORE
    assert len(sent) == 7
    assert set(sent[1:]) <= {*vault.stored}
    assert vault.stored
    assert vault.token is not None
    assert vault.token.value == vault.stored[-1]


async def test_tokens_are_kept_while_the_connection_is_open():
    async with entered(cloud()) as (running, _):
        await running.pull()
        await running.pull()
        assert len(running.state.logins.exchanges) == 4


@pytest.mark.parametrize("number", numbers(Blame.TENANT, Blame.FACTOR))
async def test_a_refusal_of_one_tenant_is_its_own_reason_and_the_others_finish(number):
    async with entered(cloud(), options={"refusals": {TWO: number}}) as (running, _):
        sink, verdicts = await running.pull()
    assert [verdicts[key].state for key in (ONE, TWO, THREE)] == [COMPLETE, UNKNOWN, COMPLETE]
    (reason,) = verdicts[TWO].reasons
    meaning = OVER_GDAP.get(number, AADSTS[number])
    assert reason.startswith(f"{meaning.code}: Client 2: ")
    assert f"AADSTS{number}" in reason
    assert not sink.units.get(TWO)
    assert counted(sink.observations, ONE)


@pytest.mark.parametrize("number", [65001, 90099, 700016, 7000229])
async def test_a_consent_that_is_missing_points_to_partner_center(number):
    async with entered(cloud(), options={"refusals": {TWO: number}}) as (running, _):
        _, verdicts = await running.pull()
    assert "Partner Center" in verdicts[TWO].reasons[0]


@pytest.mark.parametrize("number", numbers(Blame.APP, Blame.SIGN_IN))
async def test_a_refusal_of_the_app_or_the_sign_in_ends_the_read(number):
    async with entered(cloud(), options={"refusals": {TWO: number}}) as (running, _):
        with pytest.raises(AuthError, match=f"{AADSTS[number].code}: m365: .*AADSTS{number}") as e:
            await running.pull()
    if AADSTS[number].blame is Blame.SIGN_IN:
        assert isinstance(e.value, SignInExpired)
        assert "syncd login m365" in e.value.remedy


@pytest.mark.parametrize("number", numbers(Blame.SIGN_IN, Blame.FACTOR, Blame.TENANT))
async def test_whatever_the_partners_own_tenant_refuses_ends_the_read(number):
    async with entered(cloud(), options={"refusals": {PARTNER: number}}) as (running, vault):
        with pytest.raises(AuthError, match=f"m365: .*AADSTS{number}") as caught:
            await running.pull()
    if AADSTS[number].blame in (Blame.SIGN_IN, Blame.FACTOR):
        assert "syncd login m365" in caught.value.remedy
    assert vault.token is not None
    assert vault.token.value == REFRESHED_BEFORE


@pytest.mark.parametrize("number", numbers(Blame.LATER))
async def test_a_busy_sign_in_service_is_asked_again(number):
    for where in (PARTNER, TWO):
        options = {"refusals": {where: number}, "refused_once": (where,)}
        async with entered(cloud(), options=options) as (running, _):
            _, verdicts = await running.pull()
        assert {one.state for one in verdicts.values()} == {COMPLETE}


async def test_a_second_factor_that_every_customer_asks_for_is_the_sign_ins():
    options = {"second_factor": False, "factor_tenants": (ONE, TWO, THREE)}
    async with entered(cloud(), options=options) as (running, _):
        with pytest.raises(AuthError, match="MFA_REQUIRED"):
            await running.pull()
    options["factor_tenants"] = (TWO,)
    async with entered(cloud(), options=options) as (running, _):
        _, verdicts = await running.pull()
    assert [verdicts[key].state for key in (ONE, TWO, THREE)] == [COMPLETE, UNKNOWN, COMPLETE]
    assert verdicts[TWO].reasons[0].startswith("MFA_REQUIRED: Client 2: ")


async def test_a_role_that_is_missing_is_told_from_a_right_that_is_missing():
    options = {"without_role": (ONE,), "missing_rights": {TWO: ["Organization.Read.All"]}}
    async with entered(cloud(), options=options) as (running, _):
        _, verdicts = await running.pull()
    assert verdicts[ONE].reasons[0].startswith("ROLE_MISSING: Client 1: ")
    assert "Directory Readers" in verdicts[ONE].reasons[0]
    assert verdicts[TWO].reasons[0].startswith("PERMISSION_MISSING: Client 2: Organization.Read")
    assert "delegated permission Organization.Read.All" in verdicts[TWO].reasons[0]
    assert verdicts[THREE].state is COMPLETE


async def test_a_tenant_with_an_app_of_its_own_needs_no_relationship():
    own = {"client_id": "5a5a5a5a-0000-4000-8000-00000000aaaa", "client_secret": "not-it"}
    tenants = [{"id": ONE, "name": "Client 1"}, {"id": TWO, "name": "Client 2", **own}]
    async with entered(cloud(2), tenants=tenants) as (running, _):
        _, verdicts = await running.pull()
        assert verdicts[ONE].state is COMPLETE
        assert verdicts[TWO].reasons[0].startswith("SECRET_WRONG: Client 2: ")
        running.state.logins.secret = "not-it"
        running.state.partner.relationships.clear()
        running.state.logins.revoke()
        with pytest.raises(AuthError, match="SECRET_WRONG"):
            await running.pull()


async def test_nobody_who_signed_in_and_no_vault_are_told_with_the_command():
    vault = MemoryVault(None)
    async with entered(cloud(1), vault=vault) as (running, _):
        with pytest.raises(SignInExpired) as caught:
            await running.pull()
        found = await running.source.check()
    assert "syncd login m365" in caught.value.remedy
    assert not found.ok
    assert "syncd login m365" in found.error
    given = {"access": "gdap", "partner_tenant": PARTNER}
    with pytest.raises(ConfigError, match="token"):
        async with connected(cloud(1), **given):
            raise AssertionError("opened without a vault")


async def test_tokens_that_work_once_are_never_lost():
    """Microsoft leaves the former token in force; were it to stop, a later pull gets through."""
    async with entered(cloud(6), options={"revokes": True}) as (running, vault):
        for _ in range(7):
            try:
                _, verdicts = await running.pull()
            except SignInExpired:
                await asyncio.sleep(0)
            else:
                break
        alive = running.state.logins.living
    assert {one.state for one in verdicts.values()} == {COMPLETE}
    assert vault.token is not None
    assert vault.token.value in alive


async def test_nothing_is_used_that_was_not_stored():
    vault = MemoryVault(REFRESHED_BEFORE)
    vault.broken = True
    async with entered(cloud(2), vault=vault) as (running, _):
        with pytest.raises(StoreError):
            await running.pull()
        assert not any(name.startswith("POST /v1.0") for name in running.calls)


@pytest.mark.parametrize("hops", range(0, 60, 3))
async def test_a_pull_that_is_cancelled_anywhere_loses_no_token(hops):
    async with entered(cloud(3), options={"revokes": True}) as (running, vault):
        pull = asyncio.ensure_future(running.pull())
        for _ in range(hops):
            await asyncio.sleep(0.002)
        pull.cancel()
        await asyncio.wait({pull})
        if not pull.cancelled():
            assert pull.exception() is None or isinstance(pull.exception(), SignInExpired)
    assert vault.token is not None
    assert vault.token.value in running.state.logins.living


async def test_a_lost_answer_is_a_fault_of_its_tenant_and_the_stored_token_still_works():
    async with entered(cloud()) as (running, _):
        running.break_with(Fault(action=Action.STATUS_BEFORE, status=503, path=f"{TWO}/oauth2"))
        _, verdicts = await running.pull()
    assert verdicts[TWO].state is UNKNOWN
    assert verdicts[ONE].state is verdicts[THREE].state is COMPLETE


async def test_a_sign_in_service_that_is_down_ends_the_read():
    async with entered(cloud(1)) as (running, vault):
        running.break_with(Fault(action=Action.STATUS_BEFORE, status=503, path="oauth2"))
        with pytest.raises(TransientError):
            await running.pull()
    assert vault.token is not None
    assert vault.token.value == REFRESHED_BEFORE


async def test_no_token_and_nobody_is_named_in_any_error_or_event():
    texts: list[object] = []
    for number in (50076, 53003, 50173, 65001):
        async with entered(cloud(), options={"refusals": {TWO: number}}, users="listed") as (
            running,
            vault,
        ):
            try:
                _, verdicts = await running.pull()
                texts += [one.reasons for one in verdicts.values()]
            except ConnectorError as error:
                texts += [str(error), error.remedy, repr(error)]
            texts += [running.log.events, vault.token]
            secrets = [*running.state.logins.living, *vault.stored]
    said = repr(texts)
    assert secrets
    assert not [one for one in secrets if one in said]
    assert "example.com" not in said
    assert "Person" not in said
