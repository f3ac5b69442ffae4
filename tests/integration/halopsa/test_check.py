"""What `check` says of a connection: rights by name, the version, and what deserves a look."""

from __future__ import annotations

import httpx
import pytest
from syncd_halopsa.config import SCOPE
from syncd_halopsa.sandbox.options import EVERYTHING

from syncd.sdk.errors import VendorUnavailable
from tests.builders_halopsa import opened


async def test_a_good_connection_names_every_right_and_the_version() -> None:
    async with opened() as bench:
        result = await bench.psa.check()
        assert result.ok
        assert result.error is None
        assert result.summary == "4 clients, 3 subscriptions, HaloPSA 2.228.4"
        assert all(one.granted for one in result.permissions)
        assert {one.name.split()[0] for one in result.permissions} | {"edit:softwarelicensing"} == (
            set(SCOPE.split())
        )
        assert not any(
            call.method == "POST" for call in bench.wire.calls if call.path[:4] == "/api"
        )


async def test_the_right_to_save_is_said_to_be_untried() -> None:
    async with opened() as bench:
        result = await bench.psa.check()
        assert any("edit:softwarelicensing" in one for one in result.warnings)


@pytest.mark.parametrize("lacking", [one for one in SCOPE.split() if one.startswith("read:")])
async def test_a_missing_right_is_named_and_the_others_are_tried(lacking: str) -> None:
    rights = tuple(one for one in EVERYTHING if one != lacking)
    async with opened({"agent_rights": rights}) as bench:
        result = await bench.psa.check()
        assert not result.ok
        assert len(result.permissions) == 6
        refused = {one.name.split()[0] for one in result.permissions if not one.granted}
        assert refused == {lacking}
        assert lacking in (result.error or "")
        assert "Configuration > Integrations > HaloPSA API" in (result.error or "")


async def test_a_wrong_login_type_is_told_in_one_sentence() -> None:
    async with opened({"login_type": "None"}) as bench:
        result = await bench.psa.check()
        assert not result.ok
        assert "refuses every read" in (result.error or "")
        assert "login type to Agent" in (result.error or "")


async def test_a_wrong_secret_is_a_result_and_shows_no_secret() -> None:
    async with opened(client_secret="wrong-secret-4711") as bench:
        result = await bench.psa.check()
        assert not result.ok
        assert "invalid_client" in (result.error or "")
        assert "4711" not in repr(result)


async def test_a_scope_that_is_not_allowed_is_a_result() -> None:
    async with opened({"permissions": ("read:customers",)}) as bench:
        result = await bench.psa.check()
        assert not result.ok
        assert "scope" in (result.error or "")


async def test_a_wrong_tenant_is_answered_with_the_one_that_the_instance_names() -> None:
    async with opened(tenant="somebody-else") as bench:
        result = await bench.psa.check()
        assert not result.ok
        assert "tenant = sandbox" in (result.error or "")


async def test_a_hint_that_cannot_be_had_leaves_the_refusal_as_it_is() -> None:
    async with opened(tenant="somebody-else") as bench:
        bench.wire.breaker = lambda call: (
            httpx.Response(404) if call.path.endswith("authinfo") else None
        )
        result = await bench.psa.check()
        assert "invalid_tenant" in (result.error or "")
        assert "this HaloPSA names" not in (result.error or "")


async def test_a_version_that_may_not_be_read_is_left_out() -> None:
    async with opened({"instance_info": False}) as bench:
        result = await bench.psa.check()
        assert result.ok
        assert result.summary == "4 clients, 3 subscriptions"


@pytest.mark.parametrize(("others", "warned"), [(2, False), (6, True)])
async def test_a_key_field_that_others_use_is_warned_of(others: int, warned: bool) -> None:
    async with opened() as bench:
        for n in range(others):
            bench.sim.hand.add(1001, f"Row {n}", product_sku=f"SKU-{n}")
        for n in range(9):
            bench.sim.hand.add(1001, f"Ours {n}", product_sku=f"syncd:{n}")
        result = await bench.psa.check()
        assert any("product_sku" in one for one in result.warnings) is warned


@pytest.mark.parametrize(("field", "warned"), [("CFtype", True), ("manufacturer", False)])
async def test_custom_fields_that_no_list_shows_are_warned_of(field: str, warned: bool) -> None:
    async with opened(asset_type_field=field) as bench:
        result = await bench.psa.check()
        assert any("cannot be read back" in one for one in result.warnings) is warned


async def test_an_unreachable_host_is_not_taken_for_refused_credentials() -> None:
    async with opened() as bench:
        bench.wire.breaker = lambda call: httpx.Response(503)
        with pytest.raises(VendorUnavailable):
            await bench.psa.check()


async def test_a_check_costs_seven_calls_and_a_token_and_six_more_for_invoices() -> None:
    async with opened() as bench:
        for n in range(300):
            bench.sim.hand.add(1001, f"Row {n}")
        await bench.psa.check()
        assert len(bench.wire.names) == 7
        await bench.psa.check_invoices()
        assert len(bench.wire.names) == 7 + 6
        sizes = {call.path: call.params.get("page_size") for call in bench.wire.calls}
        assert sizes["/api/Client"] == "1"
        assert sizes["/api/SoftwareLicence"] == "100"
