"""The simulator behaves as the vendor is known to, oddities included."""

from __future__ import annotations

from typing import Any

import pytest
from syncd_halopsa.sandbox import TENANT

from tests.builders_halopsa_calls import ELEMENT, FORM, LICENCES, Ticking, calling


async def test_a_token_lives_as_long_as_it_says() -> None:
    clock = Ticking()
    async with calling(monotonic=clock, token_seconds=60.0) as caller:
        assert (await caller.sign()).json()["expires_in"] == 60.0
        assert (await caller.get("/api/Client")).status_code == 200
        clock.now = 61.0
        assert (await caller.get("/api/Client")).status_code == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"scope": "read:everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_refused_token_says_why(form: dict[str, str], error: str) -> None:
    async with calling() as caller:
        answer = await caller.sign(**form)
        assert answer.status_code == 400
        assert answer.json()["error"] == error


@pytest.mark.parametrize(
    ("query", "required", "status"),
    [
        ("", False, 200),
        ("", True, 400),
        ("?tenant=other", False, 400),
        (f"?tenant={TENANT}", True, 200),
    ],
)
async def test_the_tenant_may_be_left_out_but_not_be_wrong(
    query: str, required: bool, status: int
) -> None:
    async with calling(tenant_required=required) as caller:
        assert (await caller.http.post(f"/auth/token{query}", data=FORM)).status_code == status


async def test_without_a_token_only_authinfo_answers() -> None:
    async with calling() as caller:
        del caller.http.headers["authorization"]
        told = await caller.rows("/api/authinfo")
        assert told["auth_url"].endswith("/auth")
        assert told["tenant_id"] == TENANT
        assert (await caller.get("/api/InstanceInfo")).status_code == 401
        assert (await caller.get("/api/Client")).status_code == 401


async def test_resource_names_are_matched_whatever_their_case() -> None:
    async with calling() as caller:
        for path in ("/api/Client", "/api/client", "/API/CLIENT"):
            assert (await caller.get(path)).status_code == 200


async def test_rights_are_what_application_and_agent_both_have() -> None:
    async with calling(agent_rights=("read:customers",)) as caller:
        assert (await caller.get("/api/Client")).status_code == 200
        assert (await caller.get("/api/Supplier")).status_code == 403
        assert (await caller.post(LICENCES, [ELEMENT])).status_code == 403


async def test_without_pageinate_the_asked_size_is_ignored_and_rows_are_lost() -> None:
    async with calling() as caller:
        for n in range(130):
            caller.sim.hand.add(1001, f"Row {n}")
        lost = await caller.rows(LICENCES, page_size=1000)
        assert len(lost["licences"]) == 50
        assert lost["record_count"] > 130
        capped = await caller.rows(LICENCES, page_size=1000, pageinate="true", page_no=1)
        assert len(capped["licences"]) == 100
        last = await caller.rows(LICENCES, page_size=1000, pageinate="true", page_no=2)
        assert len(last["licences"]) == capped["record_count"] - 100


async def test_each_list_has_its_wrapper_and_some_have_none() -> None:
    async with calling() as caller:
        for path, key in {
            "/api/Client": "clients",
            "/api/Site": "sites",
            "/api/Supplier": "suppliers",
            LICENCES: "licences",
            "/api/RecurringInvoice": "invoices",
        }.items():
            assert isinstance((await caller.rows(path))[key], list)
        assert isinstance(await caller.rows("/api/AssetType"), list)
        assert isinstance(await caller.rows("/api/LicenceChange"), list)


async def test_inactive_rows_are_hidden_unless_asked_for() -> None:
    async with calling() as caller:
        shown = await caller.rows(LICENCES, licence_type=1)
        all_rows = await caller.rows(LICENCES, licence_type=1, includeinactive="true")
        assert all_rows["record_count"] == shown["record_count"] + 1


async def test_an_object_in_place_of_an_array_is_refused() -> None:
    async with calling() as caller:
        assert (await caller.post(LICENCES, ELEMENT)).status_code == 400
        assert (await caller.post(LICENCES, b"not json")).status_code == 400


@pytest.mark.parametrize("text", [b"95.0", b'"95"', b"true", b"2147483648"])
async def test_a_count_must_be_a_json_integer(text: bytes) -> None:
    body = b'[{"type":1,"client_id":1001,"name":"x","count":' + text + b"}]"
    async with calling() as caller:
        assert (await caller.post(LICENCES, body)).status_code == 400


async def test_an_id_may_be_a_numeric_string() -> None:
    async with calling() as caller:
        answer = await caller.post(LICENCES, [{**ELEMENT, "client_id": "1001"}])
        assert answer.status_code == 201
        assert answer.json()["client_id"] == 1001


async def test_a_save_answers_201_with_the_one_object_and_gives_floats_their_shortest_digits() -> (
    None
):
    async with calling() as caller:
        body = b'[{"type":1,"client_id":1001,"name":"x","count":1,"price":0.30000000000000004}]'
        answer = await caller.post(LICENCES, body)
        assert answer.status_code == 201
        assert b'"price":0.30000000000000004' in answer.content
        shorter = await caller.post(LICENCES, body.replace(b"0.30000000000000004", b"9.50"))
        assert b'"price":9.5,' in shorter.content


@pytest.mark.parametrize("number", [None, 0])
async def test_an_element_without_an_id_is_a_create_and_unset_fields_are_empty(
    number: int | None,
) -> None:
    async with calling() as caller:
        made = (await caller.post(LICENCES, [{**ELEMENT, "id": number}])).json()
        assert made["id"] > 880
        assert made["end_date"] == "1900-01-01T00:00:00"
        assert made["vendor"] == ""
        assert made["supplier_id"] == 0


async def test_an_update_merges_and_only_a_real_change_enters_the_history() -> None:
    async with calling() as caller:
        made = (await caller.post(LICENCES, [{**ELEMENT, "notes": "keep"}])).json()
        await caller.post(LICENCES, [{"id": made["id"], "count": 2}])
        assert await caller.rows("/api/LicenceChange", licence_id=made["id"]) == []
        changed = (await caller.post(LICENCES, [{"id": made["id"], "count": 3}])).json()
        assert changed["notes"] == "keep"
        (entry,) = await caller.rows("/api/LicenceChange", licence_id=made["id"])
        assert (entry["field_name"], entry["old_value"], entry["new_value"]) == ("count", "2", "3")


@pytest.mark.parametrize(
    ("mode", "saved", "status"), [("stop", 1, 400), ("atomic", 0, 400), ("skip", 2, 201)]
)
async def test_a_bad_element_does_what_the_switch_says(mode: str, saved: int, status: int) -> None:
    async with calling(partial_failure=mode) as caller:
        before = len(caller.sim.hand.subscriptions())
        answer = await caller.post(LICENCES, [ELEMENT, {**ELEMENT, "client_id": 7}, ELEMENT])
        assert answer.status_code == status
        assert len(caller.sim.hand.subscriptions()) == before + saved


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"client_id": 5}, {"site_id": 20020}, {"supplier_id": 9}, {"id": 12345}]
)
async def test_what_does_not_fit_together_is_refused(wrong: dict[str, Any]) -> None:
    async with calling() as caller:
        answer = await caller.post(LICENCES, [{**ELEMENT, **wrong}])
        assert answer.status_code == (404 if "id" in wrong else 400)


async def test_errors_come_in_five_shapes_one_after_the_other() -> None:
    async with calling() as caller:
        bodies = [(await caller.get("/api/Client/1")).json() for _ in range(6)]
        shapes = [tuple(one) if isinstance(one, dict) else "text" for one in bodies]
        assert len(set(shapes)) == 5
        assert shapes[0] == shapes[5]


@pytest.mark.parametrize("stated", [True, False])
async def test_the_quota_is_a_rolling_window_with_the_vendors_words(stated: bool) -> None:
    clock = Ticking()
    async with calling(monotonic=clock, quota_calls=3, retry_after=stated) as caller:
        for moment in (0.0, 100.0, 200.0):
            clock.now = moment
            assert (await caller.get("/api/Client")).status_code == 200
        full = await caller.get("/api/Client")
        assert full.status_code == 429
        assert full.text == "Rate Limit Reached - 3 Requests per rolling 5 minute window"
        assert full.headers.get("retry-after") == ("100" if stated else None)
        clock.now = 301.0
        assert (await caller.get("/api/Client")).status_code == 200
        assert (await caller.get("/api/Client")).status_code == 429


async def test_search_looks_only_into_its_fields() -> None:
    async with calling(search_fields=("name",)) as caller:
        caller.sim.hand.add(1001, "Plain", product_sku="syncd:x")
        assert (await caller.rows(LICENCES, search="syncd:x"))["record_count"] == 0
        assert (await caller.rows(LICENCES, search="plain"))["record_count"] == 1
