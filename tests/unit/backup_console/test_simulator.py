"""The simulated console behaves like the real one where clients have been caught out."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from syncd_backup_console.sandbox import PASSWORD, SANDBOX, USER_NAME

from syncd.sandbox.presets import demo
from tests.builders_backup_console import console
from tests.builders_ninjaone import PlainWorld, client

CREDENTIALS = {"UserName": USER_NAME, "Password": PASSWORD}


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@asynccontextmanager
async def anonymous(world=None, **options):
    app = SANDBOX.build(world or console(), options)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        http.app = app
        yield http


@asynccontextmanager
async def signed_in(world=None, **options):
    async with anonymous(world, **options) as http:
        answer = await http.post("/api/Provider/Login", json=CREDENTIALS)
        http.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield http


async def listed(http, name):
    answer = await http.get(f"/api/{name}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("how", ["json", "data"])
async def test_a_login_is_json_or_a_form_and_lasts_two_weeks(how):
    async with anonymous() as http:
        answer = (await http.post("/api/Provider/Login", **{how: CREDENTIALS})).json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 1209599)
    assert answer[".issued"] == "Mon, 30 Nov 2026 12:00:00 GMT"
    assert answer[".expires"] == "Mon, 14 Dec 2026 11:59:59 GMT"


@pytest.mark.parametrize("body", [{"UserName": USER_NAME, "Password": "wrong"}, {}, [1]])
async def test_a_wrong_login_is_a_400_with_the_vendors_words(body):
    async with anonymous() as http:
        answer = await http.post("/api/Provider/Login", json=body)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "The user name or password is incorrect.",
    }


async def test_a_token_dies_with_its_time_and_with_new_credentials():
    time = Time()
    async with signed_in(token_seconds=60, monotonic=time) as http:
        assert (await http.get("/api/Users")).status_code == 200
        time.now = 60.0
        assert (await http.get("/api/Users")).status_code == 401
    async with signed_in() as http:
        http.app.state.logins.revoke()
        assert (await http.get("/api/Users")).status_code == 401
    async with anonymous() as http:
        assert (await http.get("/api/Users")).status_code == 401


@pytest.mark.parametrize(
    "path", ["Companies", "Licenses", "Accounts", "Administrators", "Monitoring", "Packages"]
)
async def test_what_is_unknown_is_200_with_null(path):
    async with signed_in() as http:
        answer = await http.get(f"/api/{path}/7e0f8a52-0000-4000-8000-000000000001")
    assert (answer.status_code, answer.content) == (200, b"null")


async def test_what_is_known_is_found_by_its_id_in_any_letters():
    async with signed_in() as http:
        (first, *_) = await listed(http, "Licenses")
        found = await http.get(f"/API/licenses/{first['ID'].upper()}")
    assert found.json() == first


async def test_destinations_of_an_unknown_login_are_a_406():
    async with signed_in() as http:
        (user, *_) = await listed(http, "Users")
        assert (await http.get(f"/api/Destinations/{user['Email']}")).json()
        assert (await http.get("/api/Destinations/nobody")).status_code == 406


async def test_a_user_is_made_with_an_id_and_refused_with_a_text_both_with_200():
    async with signed_in() as http:
        (user, *_) = await listed(http, "Users")
        made = await http.post("/api/Users", json={"Email": "new"})
        refused = await http.post("/api/Users", json={"Email": user["Email"]})
    assert (made.status_code, refused.status_code) == (200, 200)
    assert len(made.json()) == 36
    assert refused.json() == "Email already exist"


async def test_an_unknown_address_is_a_404_with_a_message_in_one_of_two_letters():
    async with signed_in() as http:
        answer = await http.get("/api/Useers")
    assert answer.status_code == 404
    assert answer.json()["Message"].startswith("No HTTP resource was found that matches")
    async with signed_in(camel=True) as http:
        assert "message" in (await http.get("/api/Useers")).json()


async def test_xml_is_for_who_asks_for_nothing_else():
    async with signed_in() as http:
        answer = await http.get("/api/Companies", headers={"accept": "application/xml"})
    assert answer.headers["content-type"] == "application/xml"
    assert b"<Name>Client 1</Name>" in answer.content


async def test_names_of_fields_can_be_in_camel_case():
    async with signed_in(camel=True) as http:
        (row, *_) = await listed(http, "Licenses")
    assert {"id", "isTaken", "licenseType", "userID"} <= set(row)


@pytest.mark.parametrize(
    ("option", "status", "body"),
    [
        ("null_lists", 200, b"null"),
        ("text_lists", 200, b'"The operation'),
        ("refused_lists", 406, b""),
    ],
)
async def test_a_list_can_be_null_a_text_or_refused(option, status, body):
    async with signed_in(**{option: ("licenses",)}) as http:
        answer = await http.get("/api/Licenses")
        assert (answer.status_code, answer.content[: len(body)]) == (status, body)
        assert (await http.get("/api/Users")).json()


async def test_licences_can_be_asked_for_by_availability_and_come_without_pages():
    async with signed_in(demo()) as http:
        everything = await listed(http, "Licenses")
        free = (await http.get("/api/Licenses?isAvailable=true")).json()
        used = (await http.get("/api/Licenses?isAvailable=false&skip=5&take=1")).json()
    assert {row["IsTaken"] for row in free} == {False}
    assert len(free) + len(used) == len(everything)


async def test_dates_have_no_zone_and_ids_have_two_spellings():
    async with signed_in(demo()) as http:
        licences, companies = await listed(http, "Licenses"), await listed(http, "Companies")
    assert all(datetime.fromisoformat(row["DateExpired"]).tzinfo is None for row in licences)
    assert all("ID" in row for row in licences)
    assert all("Id" in row for row in companies)


async def test_the_same_world_gives_the_same_console_and_another_seed_another():
    async def look(seed):
        async with signed_in(demo(seed)) as http:
            return [await listed(http, name) for name in ("Companies", "Users", "Licenses")]

    assert await look(7) == await look(7)
    assert await look(7) != await look(8)


async def test_every_user_names_a_company_and_every_licence_in_use_a_user():
    async with signed_in(demo()) as http:
        names = [row["Name"] for row in await listed(http, "Companies")]
        users = {row["ID"]: row["Company"] for row in await listed(http, "Users")}
        licences = await listed(http, "Licenses")
    assert len(set(names)) == len(names)
    assert set(users.values()) <= set(names)
    assert {row["UserID"] for row in licences if row["IsTaken"]} <= set(users)
    kinds = {(row["IsTrial"], row["IsTaken"]) for row in licences}
    assert kinds == {(True, True), (False, True), (False, False)}


async def month(http, day):
    return (await http.put("/api/Billing", json={"Date": day})).json()


async def test_a_month_is_read_by_any_of_its_days_and_totals_add_up():
    async with signed_in(demo()) as http:
        october = await month(http, "2026-10-31T09:30:00+00:00")
        assert october == await month(http, "2026-10-01T00:00:00")
        assert october != await month(http, "2026-11-30T00:00:00")
        assert (await http.get("/api/Billing")).json() == await month(http, None)
        assert await month(http, "2027-05-01T00:00:00") is None
    for row in october["StatisticBilling"]:
        costs = [Decimal(str(row[name])) for name in ("PlanCost", "StorageCost", "RestoreCost")]
        assert sum(costs) == Decimal(str(row["TotalCost"]))
    assert october["AverageSpaceUsed"] == sum(
        row["AverageSpace"] for row in october["StatisticBilling"]
    )


async def test_a_month_that_is_over_stays_as_it_was_until_it_is_corrected():
    world = PlainWorld([client(1), client(2)])
    corrections = {}
    async with signed_in(world, corrections=corrections) as http:
        before = await month(http, "2026-10-15")
        world.moment = datetime(2027, 2, 1, tzinfo=UTC)
        assert await month(http, "2026-10-15") == before
        corrections["2026-10"] = 2**30
        after = await month(http, "2026-10-15")
    grown = 2**30 * len(before["StatisticBilling"])
    assert after["AverageSpaceUsed"] == before["AverageSpaceUsed"] + grown


async def test_a_month_can_be_asked_for_one_company_and_one_user():
    async with signed_in(demo()) as http:
        rows = (await http.put("/api/Billing", json={"CompanyName": "Acme Corp"})).json()[
            "StatisticBilling"
        ]
        assert {row["CompanyName"] for row in rows} == {"Acme Corp"}
        detail = (await http.put("/api/Billing/Details", json={"UserID": rows[0]["UserId"]})).json()
        assert (await http.put("/api/Billing/Details", json={"UserID": "x"})).content == b"null"
    assert detail["TotalBackupBytes"] == rows[0]["AverageSpace"]
    assert sum(one["SizeBackup"] for one in detail["UserDetailList"]) == rows[0]["AverageSpace"]
