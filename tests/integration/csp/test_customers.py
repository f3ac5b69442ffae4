"""Customers and their subscriptions, over the wire with the quirks of Partner Center's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import respx
from httpx import Request, Response

from syncd.sdk.errors import AuthError, PermissionMissing, ProtocolError, VendorUnavailable
from syncd.sdk.records import ScopeState
from tests.builders_csp import (
    BOM,
    LOGIN,
    ONE,
    PARTNER,
    SECRET,
    TENANT,
    THREE,
    TWO,
    customer,
    listing,
    next_page,
    opened,
    row,
    serve_customers,
    serve_subscriptions,
    serve_tokens,
)
from tests.builders_tokens import MemoryVault


def marked(page: dict[str, Any]) -> Response:
    """An answer that begins with a byte order mark."""
    return Response(200, content=BOM + json.dumps(page).encode())


async def test_every_customer_that_is_sold_to_is_a_scope_of_its_own(
    respx_mock: respx.MockRouter,
) -> None:
    serve_tokens(respx_mock)
    rows = [
        customer(f"org:{ONE.upper()}"),
        customer(TWO, relationshipToPartner="Reseller", companyProfile={"domain": "two.example"}),
        customer(THREE, relationshipToPartner="advisor"),
    ]
    respx_mock.get(f"{PARTNER}/v1/customers").mock(return_value=marked(listing(rows)))
    serve_subscriptions(respx_mock, ONE, row())
    serve_subscriptions(respx_mock, TWO)
    async with opened() as pc:
        verdicts = await pc.pull()
        assert {key: one.state for key, one in verdicts.items()} == {
            ONE: ScopeState.COMPLETE,
            TWO: ScopeState.COMPLETE,
        }
        assert {key: one.name for key, one in pc.sink.roster.items()} == {
            ONE: "Customer 1",
            TWO: "two.example",
        }
        assert [unit.quantity for unit in pc.units] == [25]
        assert [one.key for one in pc.usage.products()] == ["seat:CFQ7TTC0LCHC:0002:P1Y:monthly"]


@pytest.mark.parametrize(
    "uri",
    [
        "/customers?size=1&seekOperation=Next",
        "/v1/customers?size=1&seekOperation=Next",
        "customers?size=1?seekOperation=Next",
        "https://elsewhere.example/v1/nvoices?nvoicelineitemtype=x",
    ],
)
async def test_only_the_token_is_taken_from_a_next_link(
    respx_mock: respx.MockRouter, uri: str
) -> None:
    serve_tokens(respx_mock)
    asked: list[Request] = []

    def page(request: Request) -> Response:
        asked.append(request)
        if "ms-continuationtoken" not in request.headers:
            return marked(listing([customer(ONE)], total=2, **next_page("t/1+=", uri)))
        return marked(listing([customer(TWO)], total=2))

    respx_mock.get(f"{PARTNER}/v1/customers").mock(side_effect=page)
    for key in (ONE, TWO):
        serve_subscriptions(respx_mock, key, row())
    async with opened(page_size=1) as pc:
        verdicts = await pc.pull()
    assert set(verdicts) == {ONE, TWO}
    assert [str(request.url.query, "ascii") for request in asked] == [
        "size=1",
        "size=1&seekOperation=Next",
    ]
    assert asked[1].headers["ms-continuationtoken"] == "t/1+="
    assert asked[0].headers["ms-requestid"] != asked[1].headers["ms-requestid"]
    assert asked[0].headers["ms-correlationid"] == asked[1].headers["ms-correlationid"]


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (listing([customer(TWO)], total=None, **next_page("t")), "LINK_LOOPS"),
        (listing([customer(ONE)], total=None), "PAGE_REPEATED"),
        (listing([customer(TWO)], total=3), "TOTAL_MISSED"),
        (listing([customer(TWO)], links={"next": {"uri": "/customers"}}), "CURSOR_MISSING"),
        ({"totalCount": 0}, "another shape"),
    ],
)
async def test_a_list_that_is_not_whole_proves_nothing(
    respx_mock: respx.MockRouter, second: dict[str, Any], code: str
) -> None:
    serve_tokens(respx_mock)
    first = listing([customer(ONE)], total=None, **next_page("t"))
    respx_mock.get(f"{PARTNER}/v1/customers").mock(
        side_effect=[Response(200, json=first), Response(200, json=second)]
    )
    async with opened() as pc:
        with pytest.raises(ProtocolError, match=code):
            await pc.pull()


@pytest.mark.parametrize("totals", [(2, 2), (1, 1), (None, 2), (None, None)])
async def test_a_total_is_that_of_the_list_or_of_the_page(
    respx_mock: respx.MockRouter, totals: tuple[int | None, int | None]
) -> None:
    serve_tokens(respx_mock)
    first = listing([customer(ONE)], total=totals[0], **next_page("t"))
    second = listing([customer(TWO)], total=totals[1])
    respx_mock.get(f"{PARTNER}/v1/customers").mock(
        side_effect=[Response(200, json=first), Response(200, json=second)]
    )
    for key in (ONE, TWO):
        serve_subscriptions(respx_mock, key)
    async with opened() as pc:
        assert len(await pc.pull()) == 2


async def test_no_customers_at_all_are_asked_for_once_more(respx_mock: respx.MockRouter) -> None:
    serve_tokens(respx_mock)
    roster = respx_mock.get(f"{PARTNER}/v1/customers").mock(
        side_effect=[
            Response(200, json=listing([])),
            Response(200, json=listing([customer(ONE)])),
        ]
    )
    serve_subscriptions(respx_mock, ONE, row())
    async with opened() as pc:
        assert list(await pc.pull()) == [ONE]
    assert roster.call_count == 2


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {"code": "60003", "description": "tenant"}, "TENANT_GONE"),
        (404, {}, "CUSTOMER_NOT_FOUND"),
        (403, {"code": "20002", "description": "no relation"}, "NO_RELATIONSHIP"),
        (403, {"code": 900308, "description": "role"}, "ROLE_MISSING"),
        (403, {"code": "900309", "description": "policy"}, "CONDITIONAL_ACCESS"),
        (403, {"code": "2032", "description": "denied"}, "ACCESS_DENIED"),
        (403, {"code": "424242", "description": "new"}, "ACCESS_DENIED"),
        (400, {"code": "3000", "description": "property"}, "REQUEST_REJECTED"),
    ],
)
async def test_a_refusal_is_that_of_one_customer_and_the_others_finish(
    respx_mock: respx.MockRouter, status: int, body: dict[str, Any], code: str
) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE, TWO)
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscriptions").mock(
        return_value=Response(
            status, content=BOM + json.dumps(body).encode(), headers={"MS-RequestId": "req-77"}
        )
    )
    serve_subscriptions(respx_mock, TWO, row())
    async with opened() as pc:
        verdicts = await pc.pull()
    assert verdicts[TWO].state is ScopeState.COMPLETE
    assert verdicts[ONE].state is ScopeState.UNKNOWN
    (reason,) = verdicts[ONE].reasons
    assert reason.startswith(f"{code}: Customer 1: ")
    assert "(request req-77)" in reason
    assert "; " not in reason


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"code": "900420", "description": "audience"}, "WRONG_AUDIENCE"),
        (403, {"code": "900329", "description": "app only"}, "PERSON_NEEDED"),
        (403, {"code": "900421", "description": "MFA is required"}, "MFA_REQUIRED"),
        (401, {}, "credentials are refused"),
    ],
)
async def test_a_refusal_of_the_connection_ends_the_read(
    respx_mock: respx.MockRouter, status: int, body: dict[str, Any], code: str
) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE, TWO)
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscriptions").mock(
        return_value=Response(status, json=body)
    )
    serve_subscriptions(respx_mock, TWO, row())
    async with opened() as pc:
        with pytest.raises(AuthError, match=code):
            await pc.pull()


async def test_what_every_customer_refuses_ends_the_read(respx_mock: respx.MockRouter) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE, TWO)
    respx_mock.get(url__regex=r".*/subscriptions").mock(return_value=Response(403))
    async with opened() as pc:
        with pytest.raises(AuthError, match="ACCESS_DENIED"):
            await pc.pull()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds."}),
        ({"Retry-After": "57"}, {"statusCode": 429, "message": "Try again in 99 seconds."}),
        ({"Retry-After": "57"}, {"code": "429", "description": "slow down"}),
    ],
)
async def test_both_shapes_of_a_429_name_their_pause(
    respx_mock: respx.MockRouter, headers: dict[str, str], body: dict[str, Any]
) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE)
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscriptions").mock(
        side_effect=[
            Response(429, json=body, headers=headers),
            Response(200, json=listing([row()])),
        ]
    )
    async with opened() as pc:
        assert (await pc.pull())[ONE].state is ScopeState.COMPLETE
        waits = [event["wait_ms"] for event in pc.log.named("request.retried")]
    assert waits == [57_000]


async def test_a_429_without_any_pause_is_survived(respx_mock: respx.MockRouter) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE)
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscriptions").mock(
        side_effect=[Response(429, text="slow"), Response(200, json=listing([row()]))]
    )
    async with opened() as pc:
        assert (await pc.pull())[ONE].state is ScopeState.COMPLETE


async def test_subscriptions_that_come_in_pages_are_read_to_the_end(
    respx_mock: respx.MockRouter,
) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE)
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscriptions").mock(
        side_effect=[
            Response(200, json=listing([row()], total=2, continuationToken="t")),
            Response(200, json=listing([row(id="b", quantity="3")], total=2)),
        ]
    )
    async with opened() as pc:
        verdict = (await pc.pull())[ONE]
        assert (verdict.state, verdict.seen) == (ScopeState.COMPLETE, 2)
        assert sorted(unit.quantity for unit in pc.units) == [3, 25]


async def test_a_subscription_that_cannot_be_counted_is_that_customers_alone(
    respx_mock: respx.MockRouter,
) -> None:
    serve_tokens(respx_mock)
    serve_customers(respx_mock, ONE, TWO)
    serve_subscriptions(respx_mock, ONE, row(quantity="many"))
    serve_subscriptions(respx_mock, TWO, row())
    async with opened() as pc:
        verdicts = await pc.pull()
    assert verdicts[ONE].state is ScopeState.UNKNOWN
    assert verdicts[TWO].state is ScopeState.COMPLETE


async def test_relations_that_are_new_are_told(respx_mock: respx.MockRouter) -> None:
    serve_tokens(respx_mock)
    rows = [customer(ONE), customer(TWO, relationshipToPartner="best_friend")]
    respx_mock.get(f"{PARTNER}/v1/customers").mock(return_value=marked(listing(rows)))
    serve_subscriptions(respx_mock, ONE)
    async with opened() as pc:
        (verdict,) = (await pc.pull()).values()
    assert verdict.notes == (
        "UNKNOWN_VALUE: relationshipToPartner best_friend of Customer 2, who is not read",
    )


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (7000215, AuthError, "SECRET_WRONG"),
        (65001, AuthError, "CONSENT_MISSING"),
        (90002, AuthError, "TENANT_GONE"),
        (90033, VendorUnavailable, "LOGIN_BUSY"),
    ],
)
async def test_a_token_that_is_refused_is_named_by_its_number(
    respx_mock: respx.MockRouter, number: int, kind: type[Exception], code: str
) -> None:
    refused = {"error": "invalid_client", "error_codes": [number], "error_description": SECRET}
    respx_mock.post(f"{LOGIN}/{TENANT}/oauth2/v2.0/token").mock(
        return_value=Response(400, json=refused)
    )
    async with opened() as pc:
        with pytest.raises(kind, match=f"{code}: pc: .*AADSTS{number}") as raised:
            await pc.pull()
    assert SECRET not in str(raised.value)
    assert SECRET not in str(pc.log.events)


async def test_licences_need_a_person_and_are_counted_three_ways(
    respx_mock: respx.MockRouter,
) -> None:
    token = serve_tokens(respx_mock, refresh_token="canary-next")
    serve_customers(respx_mock, ONE)
    serve_subscriptions(respx_mock, ONE)
    sku = {"id": "ABC", "name": "EMS E3", "skuPartNumber": "EMS", "targetType": "User"}
    licence = {"activeUnits": "5", "warningUnits": 2, "consumedUnits": 6, "productSku": sku}
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscribedskus").mock(
        return_value=marked(listing([licence]))
    )
    vault = MemoryVault("canary-first")
    rule = {"reason": "free", "product": "def"}
    async with opened(vault, access="user", licence_usage=True, do_not_import=[rule]) as pc:
        assert (await pc.pull())[ONE].state is ScopeState.COMPLETE
        assert {unit.product: (unit.unit, unit.quantity) for unit in pc.units} == {
            "licence:abc:assigned": ("abc", 6),
            "licence:abc:bought": ("abc", 5),
            "licence:abc:committed": ("abc", 7),
        }
        assert len(pc.usage.products()) == 3
    assert vault.stored == ["canary-next"]
    form = token.calls[0].request.content.decode()
    assert "grant_type=refresh_token" in form
    assert "refresh_token=canary-first" in form
    shown = str(pc.log.events)
    assert all(secret not in shown for secret in ("canary-first", "canary-next", SECRET))


async def test_a_missing_role_for_licences_leaves_the_customer_unproven(
    respx_mock: respx.MockRouter,
) -> None:
    serve_tokens(respx_mock, refresh_token="canary-next")
    serve_customers(respx_mock, ONE)
    serve_subscriptions(respx_mock, ONE, row())
    respx_mock.get(f"{PARTNER}/v1/customers/{ONE}/subscribedskus").mock(
        return_value=Response(403, json={"code": "900308", "description": "role"})
    )
    async with opened(MemoryVault(), access="user", licence_usage=True) as pc:
        verdict = (await pc.pull())[ONE]
    assert verdict.state is ScopeState.PARTIAL
    assert verdict.reasons[0].startswith("ROLE_MISSING: ")


async def test_the_list_of_customers_refused_ends_the_read(respx_mock: respx.MockRouter) -> None:
    serve_tokens(respx_mock)
    respx_mock.get(f"{PARTNER}/v1/customers").mock(
        return_value=Response(403, text="The supplied role does not have the rights")
    )
    async with opened() as pc:
        with pytest.raises(AuthError, match="ACCESS_DENIED") as raised:
            await pc.pull()
    assert not isinstance(raised.value, PermissionMissing)
    assert "entra" in raised.value.remedy
