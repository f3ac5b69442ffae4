"""A refresh token is never lost, and nothing that came with an unstored one is used."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from syncd.sdk.errors import (
    AuthError,
    ConfigError,
    SignInExpired,
    StoreError,
    VendorUnavailable,
)
from syncd.sdk.refresh import Exchanged, RefreshExchange, vault_of
from tests.builders_tokens import NOW, MemoryVault

ENDS = NOW + timedelta(days=90)


class Vendor:
    """Gives `a1` and `r1` for `r0`; a strict one forgets a token that was exchanged."""

    def __init__(self, *, strict: bool, good: str = "r0") -> None:
        self.strict = strict
        self.good = {good}
        self.sent: list[str] = []
        self.made = 0
        self.flying = 0
        self.most = 0
        self.answered = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, token: str) -> Exchanged[str]:
        self.sent.append(token)
        self.flying += 1
        self.most = max(self.most, self.flying)
        try:
            await asyncio.sleep(0)
            if token not in self.good:
                message = "desk: the vendor does not take the sign-in"
                raise SignInExpired(message, remedy="run `syncd login desk`", connection="desk")
            if self.strict:
                self.good.discard(token)
            self.made += 1
            number = self.made
            self.good.add(f"r{number}")
            self.answered.set()
            await self.go.wait()
        finally:
            self.flying -= 1
        return Exchanged(payload=f"a{number}", refresh_token=f"r{number}", ends_at=ENDS)


def exchange_of(vault: MemoryVault, **options: Any) -> RefreshExchange:
    return RefreshExchange(vault, connection="desk", **options)


async def test_what_came_is_stored_before_it_is_handed_out() -> None:
    vault = MemoryVault()
    async with exchange_of(vault) as tokens:
        assert await tokens.run(Vendor(strict=True)) == "a1"
    assert vault.token is not None
    assert (vault.token.value, vault.token.previous, vault.token.ends_at) == ("r1", "r0", ENDS)
    assert vault.token.unsettled_since is None


@pytest.mark.parametrize("reusable", [False, True])
async def test_nothing_is_handed_out_whose_refresh_token_could_not_be_stored(
    reusable: bool,
) -> None:
    vault = MemoryVault()
    vendor = Vendor(strict=not reusable)
    async with exchange_of(vault, reusable=reusable) as tokens:
        if reusable:
            await tokens.run(vendor)
        vault.broken = True
        with pytest.raises(StoreError, match="disk is full"):
            await tokens.run(vendor)
        assert len(vault.stored) == int(reusable)
        vault.broken = False
        if reusable:
            assert await tokens.run(vendor) == "a3"


async def test_an_exchange_is_noted_before_it_is_sent() -> None:
    vault = MemoryVault()
    seen: list[datetime | None] = []

    async def ask(_: str) -> Exchanged[str]:
        assert vault.token is not None
        seen.append(vault.token.unsettled_since)
        return Exchanged(payload="a", refresh_token="r1", ends_at=None)

    async with exchange_of(vault) as tokens:
        await tokens.run(ask)
    assert seen == [NOW]


async def test_a_cancelled_caller_does_not_lose_the_token_that_is_on_its_way() -> None:
    vault, vendor = MemoryVault(), Vendor(strict=True)
    vendor.go.clear()
    async with exchange_of(vault) as tokens:
        caller = asyncio.create_task(tokens.run(vendor))
        await vendor.answered.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert vault.stored == []
        vendor.go.set()
    assert vault.stored == ["r1"]
    async with exchange_of(vault) as tokens:
        assert await tokens.run(vendor) == "a2"


async def test_leaving_waits_for_an_exchange_under_way_even_when_cancelled() -> None:
    vault, vendor = MemoryVault(), Vendor(strict=True)
    vendor.go.clear()

    async def pull() -> None:
        async with exchange_of(vault) as tokens:
            await tokens.run(vendor)

    pulling = asyncio.create_task(pull())
    await vendor.answered.wait()
    for _ in range(3):
        pulling.cancel()
        await asyncio.sleep(0)
    assert not pulling.done()
    vendor.go.set()
    with pytest.raises(asyncio.CancelledError):
        await pulling
    assert vault.stored == ["r1"]


async def test_a_token_that_works_once_is_exchanged_by_one_at_a_time() -> None:
    vault, vendor = MemoryVault(), Vendor(strict=True)
    async with exchange_of(vault) as tokens, exchange_of(vault) as others:
        got = await asyncio.gather(
            *(tokens.run(vendor) for _ in range(10)), *(others.run(vendor) for _ in range(10))
        )
    assert sorted(got) == sorted(f"a{number}" for number in range(1, 21))
    assert vendor.most == 1
    assert vendor.sent == [f"r{number}" for number in range(20)]


async def test_a_thousand_tenants_are_exchanged_side_by_side_with_few_stores() -> None:
    vault = MemoryVault()
    sent = 0
    everybody = asyncio.Event()

    async def ask(token: str) -> Exchanged[str]:
        nonlocal sent
        sent += 1
        number = sent
        if number == 1000:
            everybody.set()
        if number > 1:
            assert token == "r1"
            async with asyncio.timeout(30):
                await everybody.wait()
        return Exchanged(payload=f"a{number}", refresh_token=f"r{number}", ends_at=None)

    async with exchange_of(vault, reusable=True) as tokens:
        got = await asyncio.gather(*(tokens.run(ask) for _ in range(1000)))
    assert len(set(got)) == sent == 1000
    assert vault.turns == len(vault.stored) < 10


async def test_each_of_many_tenants_waits_for_a_store_made_after_its_own_answer() -> None:
    vault = MemoryVault()
    stores_at_answer: dict[str, int] = {}

    async def ask(token: str) -> Exchanged[str]:
        name = f"r{len(stores_at_answer) + 1}"
        stores_at_answer[name] = len(vault.stored)
        for _ in range(len(stores_at_answer) % 7):
            await asyncio.sleep(0)
        stores_at_answer[name] = len(vault.stored)
        return Exchanged(payload=name, refresh_token=name, ends_at=None)

    async def tenant(tokens: RefreshExchange) -> None:
        name = await tokens.run(ask)
        assert len(vault.stored) > stores_at_answer[name]

    async with exchange_of(vault, reusable=True) as tokens:
        await asyncio.gather(*(tenant(tokens) for _ in range(200)))
    assert 1 < len(vault.stored) < 200


async def test_the_former_token_is_tried_once_when_the_newest_is_refused() -> None:
    vault, vendor = MemoryVault("r9", previous="r0"), Vendor(strict=True)
    said: list[str] = []

    def log(event: str, /, **_: object) -> None:
        said.append(event)

    async with exchange_of(vault, log=log) as tokens:
        assert await tokens.run(vendor) == "a1"
    assert vendor.sent == ["r9", "r0"]
    assert said == ["token.recovered"]
    assert vault.stored == ["r1"]


async def test_a_former_token_that_stays_in_force_becomes_the_newest() -> None:
    vault = MemoryVault("r9", previous="r0")

    async def ask(token: str) -> Exchanged[str]:
        if token != "r0":
            message = "no"
            raise SignInExpired(message)
        return Exchanged(payload="a", refresh_token=None, ends_at=None)

    async with exchange_of(vault) as tokens:
        await tokens.run(ask)
    assert vault.stored == ["r0"]


async def test_a_refused_token_is_not_sent_again_until_another_is_stored() -> None:
    vault, vendor = MemoryVault("r8", previous="r7"), Vendor(strict=True, good="r50")
    async with exchange_of(vault, reusable=True) as tokens:
        results = await asyncio.gather(
            *(tokens.run(vendor) for _ in range(50)), return_exceptions=True
        )
        assert {type(one) for one in results} == {SignInExpired}
        assert vendor.sent == ["r8", "r7"]
        vault.consent("r50", NOW + timedelta(hours=1))
        assert await tokens.run(vendor) == "a1"


async def test_a_refusal_after_a_killed_exchange_says_what_happened() -> None:
    vault, vendor = MemoryVault("r8"), Vendor(strict=True)
    assert vault.token is not None
    vault.token = replace(vault.token, unsettled_since=datetime(2026, 11, 1, 2, 5, tzinfo=UTC))
    async with exchange_of(vault) as tokens:
        with pytest.raises(SignInExpired) as caught:
            await tokens.run(vendor)
    assert "2026-11-01 02:05 UTC never ended" in str(caught.value)
    assert caught.value.remedy == "run `syncd login desk`"


async def test_a_token_that_is_refused_later_is_read_again_and_then_the_former_is_tried() -> None:
    vault, vendor = MemoryVault(), Vendor(strict=False)
    async with exchange_of(vault, reusable=True) as tokens:
        await tokens.run(vendor)
        vendor.good.discard("r1")
        assert await tokens.run(vendor) == "a2"
    assert vendor.sent == ["r0", "r1", "r1", "r0"]


async def test_an_error_of_one_tenant_is_its_own_and_opens_the_way_for_the_others() -> None:
    vault, vendor = MemoryVault(), Vendor(strict=False)
    refused = 0

    async def locked_out(_: str) -> Exchanged[str]:
        nonlocal refused
        refused += 1
        message = "this tenant has not consented"
        raise AuthError(message)

    async with exchange_of(vault, reusable=True) as tokens:
        asks: list[Callable[[str], Awaitable[Exchanged[str]]]] = [locked_out, locked_out, vendor]
        got = await asyncio.gather(*(tokens.run(ask) for ask in asks), return_exceptions=True)
    assert [type(one) for one in got] == [AuthError, AuthError, str]
    assert refused == 2


async def test_what_descends_from_a_former_consent_is_neither_stored_nor_used() -> None:
    vault, vendor = MemoryVault(), Vendor(strict=False)
    vendor.good.add("n0")
    async with exchange_of(vault, reusable=True) as tokens:
        await tokens.run(vendor)
        vendor.go.clear()
        vendor.answered.clear()
        late = asyncio.create_task(tokens.run(vendor))
        await vendor.answered.wait()
        vault.consent("n0", NOW + timedelta(hours=1))
        vendor.go.set()
        assert await late == "a3"
    assert vendor.sent == ["r0", "r1", "n0"]
    assert vault.stored == ["r1", "r3"]


async def test_without_a_token_a_person_is_asked_to_sign_in() -> None:
    vault, vendor = MemoryVault(None), Vendor(strict=True)
    async with exchange_of(vault) as tokens:
        with pytest.raises(SignInExpired, match="desk: nobody has signed in yet") as caught:
            await tokens.run(vendor)
    assert caught.value.remedy == "run `syncd login desk`"
    assert vendor.sent == []


async def test_an_exchange_without_an_answer_is_given_up_and_stays_noted() -> None:
    vault = MemoryVault()

    async def ask(_: str) -> Exchanged[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async with exchange_of(vault, seconds=0.01) as tokens:
        with pytest.raises(VendorUnavailable, match="exchange of the token"):
            await tokens.run(ask)
    assert vault.token is not None
    assert vault.token.unsettled_since == NOW


async def test_no_representation_and_no_error_holds_a_token() -> None:
    vault, vendor = MemoryVault("r-secret", previous="r-older"), Vendor(strict=True)
    async with exchange_of(vault) as tokens:
        with pytest.raises(SignInExpired) as caught:
            await tokens.run(vendor)
        told = f"{tokens!r} {caught.value!r} {''.join(traceback.format_exception(caught.value))}"
    told += repr(Exchanged(payload="a-secret", refresh_token="r-secret", ends_at=None))
    told += repr(vault.token)
    assert "r-secret" not in told
    assert "a-secret" not in told
    assert "r-older" not in told


def test_a_connection_without_a_vault_is_told_how_to_make_a_key() -> None:
    with pytest.raises(ConfigError, match="connection 'desk' keeps a token") as caught:
        vault_of(SimpleNamespace(vault=None, connection="desk"))  # type: ignore[arg-type]
    assert "token_key" in caught.value.remedy
    assert "syncd login --new-key" in caught.value.remedy
