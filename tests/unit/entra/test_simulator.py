"""The simulated cloud is as odd as the real one, and refuses what the real one refuses."""

from __future__ import annotations

import json

import httpx
import pytest
from syncd_entra.sandbox import CLIENT_ID, SANDBOX, SECRET

from tests.builders_entra import ONE, TWO, cloud

HOST = "http://cloud.test"
EVENTUAL = {"ConsistencyLevel": "eventual"}


class Client:
    """A bare client of the simulator."""

    def __init__(self, **options):
        self.app = SANDBOX.build(cloud(2, people=12), options)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HOST)
        self.token = ""

    async def login(self, tenant=ONE, **form):
        known = {
            "grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET,
            "scope": f"{HOST}/.default",
        }  # fmt: skip
        answer = await self.http.post(f"/{tenant}/oauth2/v2.0/token", data={**known, **form})
        self.token = answer.json().get("access_token", "")
        return answer

    async def get(self, path, **headers):
        signed = {"authorization": f"Bearer {self.token}", **headers}
        return await self.http.get(f"/v1.0{path}", headers=signed)

    async def batch(self, requests):
        signed = {"authorization": f"Bearer {self.token}"}
        return await self.http.post("/v1.0/$batch", json={"requests": requests}, headers=signed)


@pytest.fixture
async def client():
    made = Client()
    await made.login()
    return made


def item(number, url, headers=None):
    return {"id": str(number), "method": "GET", "url": url, "headers": headers or {}}


async def test_a_token_is_for_one_tenant_and_ends():
    now = [0.0]
    made = Client(token_seconds=100, monotonic=lambda: now[0])
    assert (await made.login(TWO)).json()["expires_in"] == 100
    assert (await made.get("/organization")).json()["value"][0]["id"] == TWO
    now[0] = 101
    assert (await made.get("/organization")).status_code == 401


@pytest.mark.parametrize(
    ("form", "number"),
    [
        ({"client_secret": "no"}, 7000215),
        ({"client_id": "no"}, 700016),
        ({"scope": "Organization.Read.All"}, 901002),
        ({"resource": "x"}, 901002),
        ({"grant_type": "password"}, 70003),
    ],
)
async def test_a_wrong_token_request_is_refused_by_number(client, form, number):
    answer = await client.login(**form)
    assert answer.status_code in {400, 401}
    assert answer.json()["error_codes"] == [number]


async def test_counts_and_advanced_filters_want_their_header(client):
    for path in (
        "/users/$count",
        "/users?$count=true",
        "/users?$filter=assignedLicenses/$count ne 0",
    ):
        assert (await client.get(path)).status_code == 400
    licensed = "/users?$count=true&$filter=assignedLicenses/$count ne 0"
    assert (await client.get(licensed, **EVENTUAL)).status_code == 200
    counted = await client.get("/users/$count", **EVENTUAL)
    assert counted.headers["content-type"].startswith("text/plain")
    assert (await client.get("/users?$top=1000")).status_code == 400
    assert (await client.get("/subscribedSkus?$top=5")).status_code == 400
    assert (await client.get("/nowhere")).status_code == 404
    assert (await client.get("/users?$filter=displayName lt 'x'")).status_code == 400


async def test_a_next_link_is_absolute_and_leads_to_the_rest(client):
    page = (await client.get("/users?$top=4&$count=true", **EVENTUAL)).json()
    rows, total = page["value"], page["@odata.count"]
    while link := page.get("@odata.nextLink"):
        assert link.startswith(f"{HOST}/v1.0/users?")
        page = (await client.get(link.removeprefix(f"{HOST}/v1.0"), **EVENTUAL)).json()
        rows += page["value"]
    assert len({row["id"] for row in rows}) == len(rows) == total


async def test_a_batch_is_answered_in_another_order_and_within_its_limits(client):
    answer = await client.batch([item(n, "/organization") for n in range(20)])
    assert [one["id"] for one in answer.json()["responses"]] != [str(n) for n in range(20)]
    assert (await client.batch([item(n, "/organization") for n in range(21)])).status_code == 400
    assert (await client.batch([item(1, "/organization")] * 2)).status_code == 400


@pytest.mark.parametrize("style", ["number", "text", "bom", "base64"])
async def test_a_count_in_a_batch_is_written_in_several_ways(style):
    made = Client(count_style=style)
    await made.login()
    answer = await made.batch([item(1, "/users/$count", EVENTUAL)])
    body = answer.json()["responses"][0]["body"]
    assert isinstance(body, int) is (style == "number")


async def test_the_same_world_shows_the_same_tenants():
    shown = []
    for _ in range(2):
        made = Client()
        await made.login()
        pages = [(await made.get(path)).json() for path in ("/subscribedSkus", "/users")]
        shown.append(json.dumps(pages))
    assert shown[0] == shown[1]


async def test_a_question_that_is_no_read_is_remembered(client):
    await client.batch([{"id": "1", "method": "DELETE", "url": "/users/1"}])
    assert client.app.state.simulator.writes == ["DELETE"]
