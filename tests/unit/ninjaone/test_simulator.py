"""The simulated NinjaOne behaves like the real one where clients have been caught out."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from datetime import date, timedelta

import httpx
import pytest
from syncd_ninjaone.classes import CLASSES
from syncd_ninjaone.sandbox import CLIENT_ID, SANDBOX, SECRET
from syncd_ninjaone.sandbox.filters import FilterRefused, Traits, parse

from tests.builders_ninjaone import NOW, PlainWorld, client, fleet, world_device

FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": SECRET,
    "scope": "monitoring",
}


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@asynccontextmanager
async def anonymous(world, **options):
    transport = httpx.ASGITransport(app=SANDBOX.build(world, options))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield http


@asynccontextmanager
async def signed_in(world, **options):
    async with anonymous(world, **options) as http:
        token = (await http.post("/ws/oauth/token", data=FORM)).json()["access_token"]
        http.headers["authorization"] = f"Bearer {token}"
        yield http


async def ids(http, path="/v2/devices-detailed", **params):
    answer = await http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


@pytest.mark.parametrize("path", ["/ws/oauth/token", "/oauth/token"])
async def test_a_token_is_issued_at_both_addresses(path):
    async with anonymous(fleet(1), token_seconds=90) as http:
        answer = (await http.post(path, data=FORM)).json()
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == (
        "Bearer", 90, "monitoring",
    )  # fmt: skip


async def test_a_wrong_secret_is_invalid_client():
    async with anonymous(fleet(1)) as http:
        answer = await http.post("/ws/oauth/token", data={**FORM, "client_secret": "wrong"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_another_grant_is_refused():
    async with anonymous(fleet(1)) as http:
        answer = await http.post("/ws/oauth/token", data={**FORM, "grant_type": "password"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


async def test_reading_needs_a_living_token_with_the_scope():
    time = Time()
    async with signed_in(fleet(1), token_seconds=60, monotonic=time) as http:
        assert (await http.get("/v2/devices")).status_code == 200
        time.now = 60.0
        assert (await http.get("/v2/devices")).status_code == 401
    async with signed_in(fleet(1), scopes=("management",)) as http:
        assert (await http.get("/v2/devices")).status_code == 403
    async with anonymous(fleet(1)) as http:
        assert (await http.get("/v2/organizations")).status_code == 401


async def test_lists_ascend_by_id_after_the_one_named_under_both_prefixes():
    world = fleet(25, gap=3)
    async with signed_in(world) as http:
        for path in ("/v2/devices", "/api/v2/devices-detailed"):
            first = await ids(http, path, pageSize=10)
            assert first == [1000 + n * 3 for n in range(10)]
            assert await ids(http, path, pageSize=10, after=first[-1] + 1) == [
                1000 + n * 3 for n in range(10, 20)
            ]
            assert await ids(http, path, pageSize=10, after=9999) == []


async def test_unknown_parameters_are_ignored_in_silence():
    async with signed_in(fleet(9)) as http:
        everything = await ids(http)
        assert await ids(http, organizationId=11, offline="false", limit=2) == everything


async def test_a_missing_page_size_is_not_everything_and_a_cap_may_cut_any_page():
    async with signed_in(fleet(120)) as http:
        assert len(await ids(http)) == 100
    async with signed_in(fleet(120), page_cap=50) as http:
        assert len(await ids(http, pageSize=1000)) == 50


async def test_a_link_header_is_sent_only_when_switched_on():
    async with signed_in(fleet(9)) as http:
        assert "link" not in (await http.get("/v2/devices", params={"pageSize": 4})).headers
    async with signed_in(fleet(9), link_header=True) as http:
        link = (await http.get("/v2/devices", params={"pageSize": 4})).headers["link"]
        assert 'after=1006>; rel="next"' in link
        assert "link" not in (await http.get("/v2/devices", params={"pageSize": 10})).headers


async def test_devices_show_what_the_world_holds():
    spare = world_device(1001, client=2, kind="laptop", tags=("spare",), state="pending")
    quiet = world_device(1002, client=2, kind="switch", last_seen=date(2026, 9, 1))
    async with signed_in(PlainWorld([client(2)], [spare, quiet])) as http:
        laptop, switch = (await http.get("/v2/devices-detailed")).json()
        short = (await http.get("/v2/devices")).json()
    assert laptop["organizationId"] == switch["organizationId"] == 12
    assert (laptop["nodeClass"], laptop["approvalStatus"]) == ("WINDOWS_WORKSTATION", "PENDING")
    assert laptop["system"]["serialNumber"] == spare.serial
    assert laptop["tags"] == ["spare"]
    assert 0 <= NOW.timestamp() - laptop["lastContact"] < 3700
    assert (switch["nodeClass"], "system" in switch) == ("NMS_SWITCH", False)
    assert switch["lastContact"] < (NOW - timedelta(days=89)).timestamp()
    assert all("system" not in row for row in short)


async def test_the_clock_and_the_fleet_may_move_between_calls():
    world = fleet(3)
    async with signed_in(world) as http:
        before = (await http.get("/v2/devices")).json()
        world.moment += timedelta(days=2)
        world.fleet = [*world.fleet[1:], world_device(2000, kind="mac")]
        after = (await http.get("/v2/devices")).json()
    assert [row["id"] for row in after] == [1002, 1004, 2000]
    assert after[0]["lastContact"] - before[1]["lastContact"] == pytest.approx(2 * 86400)


async def test_organisations_carry_the_id_proof_and_may_share_a_name():
    world = PlainWorld(
        [client(1, name="Acme", id_proof=True), client(2, name="Acme"), client(3)],
        [world_device(1000, client=1)],
    )
    async with signed_in(world) as http:
        rows = (await http.get("/v2/organizations")).json()
        assert [row["id"] for row in rows] == [11, 12, 13]
        assert [row["name"] for row in rows] == ["Acme", "Acme", "Client 3"]
        assert [row["description"] for row in rows] == ["HPSA:1001", "", ""]
        assert await ids(http, "/v2/organizations", pageSize=2, after=11) == [12, 13]
        detailed = (await http.get("/v2/organizations-detailed")).json()
        assert detailed[0]["locations"][0]["name"] == "Head office"
        locations = (await http.get("/v2/locations")).json()
        assert [row["organizationId"] for row in locations] == [11, 12, 13]
        assert len((await http.get("/v2/roles")).json()) == len(CLASSES) + 1


async def test_specimens_hold_every_oddity():
    async with signed_in(fleet(2), specimens=True) as http:
        rows = (await http.get("/v2/devices-detailed", params={"pageSize": 1000})).json()
        organisations = (await http.get("/v2/organizations")).json()
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert {*CLASSES, "NMS_FUTURE"} <= {row.get("nodeClass") for row in rows}
    states = {row.get("approvalStatus") for row in rows}
    assert {"APPROVED", "PENDING", "STAGED", "DECOMMISSIONED", None} == states
    assert any("lastContact" not in row for row in rows)
    serials = Counter((row.get("system") or {}).get("serialNumber") for row in rows)
    assert serials["SN-TWICE"] == serials["0"] == 2
    assert Counter(row["name"] for row in organisations)["Specimen Ltd"] == 2
    assert 2 not in {row["organizationId"] for row in rows}


async def test_specimens_and_a_world_with_clashing_ids_do_not_mix():
    world = PlainWorld([client(1)], [world_device(100)])
    async with signed_in(world, specimens=True) as http:
        with pytest.raises(ValueError, match="ascending ids"):
            await http.get("/v2/devices")


async def test_filters_select_by_organisation_class_and_status():
    world = PlainWorld(
        [client(1), client(2)],
        [
            world_device(1000),
            world_device(1001, client=2, kind="server"),
            world_device(1002, client=2, state="pending"),
        ],
    )
    async with signed_in(world, specimens=True) as http:
        assert await ids(http, df="org = 12") == [1001, 1002]
        assert await ids(http, df="org in (11, 12) AND class eq WINDOWS_SERVER") == [1001]
        assert await ids(http, df="status eq PENDING AND org notin (1)") == [1002]
        assert await ids(http, df="org = 12", pageSize=1, after=1001) == [1002]
        answer = await http.get("/v2/devices", params={"df": "lastContact before 2026-01-01"})
        assert answer.status_code == 400


@pytest.mark.parametrize("text", ["", "org", "org ~ 5", "org = 5 OR org = 6", "org in ()"])
def test_a_filter_that_is_not_understood_is_refused(text):
    with pytest.raises(FilterRefused):
        parse(text)


def test_a_filter_may_exclude():
    keep = parse("class neq MAC")
    assert [keep(Traits("1", name, "APPROVED")) for name in ("MAC", "ANDROID")] == [False, True]


@pytest.mark.parametrize("params", [{"pageSize": "0"}, {"pageSize": "x"}, {"after": "-1"}])
async def test_a_page_that_is_no_number_is_refused(params):
    async with signed_in(fleet(1)) as http:
        assert (await http.get("/v2/devices", params=params)).status_code == 400


async def test_errors_come_in_every_shape_by_turns():
    async with anonymous(fleet(1)) as http:
        bodies = [(await http.get("/v2/devices")).json() for _ in range(4)]
        assert (await http.get("/nowhere")).status_code == 404
    assert "resultCode" in bodies[0]
    assert "error_description" in bodies[1]
    assert isinstance(bodies[2]["errorMessage"], dict)
    assert isinstance(bodies[3], str)


@pytest.mark.parametrize("said", [True, False])
async def test_a_quota_answers_429_with_or_without_retry_after(said):
    time = Time()
    options = {"quota_calls": 2, "quota_seconds": 30, "retry_after": said, "monotonic": time}
    async with signed_in(fleet(1), **options) as http:
        statuses = [(await http.get("/v2/devices")).status_code for _ in range(3)]
        refused = await http.get("/v2/devices")
        time.now = 30.0
        statuses.append((await http.get("/v2/devices")).status_code)
    assert statuses == [200, 200, 429, 200]
    assert refused.headers.get("retry-after") == ("30" if said else None)


async def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="typo"):
        SANDBOX.build(fleet(1), {"typo": 1})


def test_the_settings_name_the_secret_by_reference_only():
    settings = SANDBOX.settings("http://127.0.0.1:5")
    assert SANDBOX.secrets[settings["client_secret"]["env"]] == SECRET
    assert SECRET not in json.dumps(settings)
