"""Queries and the feed of changes of the simulated QuickBooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.builders_quickbooks_company import START, Asked, asked, fault, invoice, plain

DAY = timedelta(days=1)


async def books(app: Asked, count: int) -> None:
    for number in range(count):
        app.hand.invoice("101", f"N-{number:03d}", number + 1)


async def feed(app: Asked, entities: str = "Invoice,Payment", back: timedelta = DAY) -> Any:
    since = (app.world.now() - back).isoformat()
    answer = await app.get("/cdc", entities=entities, changedSince=since)
    assert answer.status_code == 200, answer.text
    return plain(answer)["CDCResponse"][0]["QueryResponse"]


async def test_nothing_found_is_an_empty_object() -> None:
    async with asked() as app:
        assert await app.query("select * from Invoice where DocNumber = 'x'") == {}


async def test_a_page_has_a_hundred_rows_unless_up_to_a_thousand_are_asked_for() -> None:
    async with asked() as app:
        await books(app, 120)
        first = await app.query("select * from Invoice")
        assert (first["startPosition"], first["maxResults"]) == (1, 100)
        rest = await app.query("select * from Invoice startposition 101 maxresults 1000")
        assert (rest["startPosition"], len(rest["Invoice"])) == (101, 20)
        assert (await app.query("select count(*) from Invoice")) == {"totalCount": 120}
        answer = await app.get("/query", query="select * from Invoice maxresults 1001")
        assert fault(answer) == (400, "4001")


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        pytest.param("DocNumber = 'n-001'", [1], id="whatever the case"),
        pytest.param("DocNumber in ('N-001', 'N-003')", [1, 3], id="in"),
        pytest.param("DocNumber like '%-00%' and TotalAmt > '2.40'", [2, 3], id="and"),
        pytest.param("CustomerRef = '101' and TxnDate = '2026-11-20'", [0, 1, 2, 3], id="refs"),
        pytest.param("CustomerRef = '102'", [], id="another customer"),
        pytest.param("MetaData.LastUpdatedTime >= '2026-11-20T12:00:00Z'", [0, 1, 2, 3], id="at"),
        pytest.param("Metadata.LastUpdatedTime > '2026-11-20T05:00:00-07:00'", [], id="after"),
        pytest.param("Balance = 0", [], id="number"),
    ],
)
async def test_conditions_hold_together(where: str, numbers: list[int]) -> None:
    async with asked() as app:
        await books(app, 4)
        found = await app.query(f"select Id, DocNumber from Invoice where {where}")
        rows = found.get("Invoice", [])
        assert [one["DocNumber"] for one in rows] == [f"N-{number:03d}" for number in numbers]
        assert all("Line" not in one for one in rows)


async def test_rows_can_be_ordered_and_quotes_escaped() -> None:
    async with asked() as app:
        app.hand.make("Customer", DisplayName="O'Brien Ltd")
        found = await app.query(r"select * from Customer where DisplayName = 'O\'Brien Ltd'")
        assert len(found["Customer"]) == 1
        await books(app, 3)
        found = await app.query("select * from Invoice orderby TotalAmt desc maxresults 1")
        assert found["Invoice"][0]["DocNumber"] == "N-002"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select * from Invoice where DocNumber = '1' or DocNumber = '2'", "4000"),
        ("select * from Invoice where DocNumber != '1'", "4000"),
        ("select * from Invoice where DocNumber = 1 group by Id", "4000"),
        ("select * from Invoice where DocNumber = 'O'Brien'", "4000"),
        ("select * from Invoice where (DocNumber = '1')", "4000"),
        ("delete from Invoice", "4000"),
        ("select * from Invoice where", "4000"),
        ("select * from Voice", "4001"),
        ("select * from Invoice where PrivateNote = 'x'", "4001"),
        ("select * from Invoice where Colour = 'x'", "4001"),
        ("select * from Invoice where TotalAmt = 'x'", "4001"),
        ("select * from Invoice startposition 0", "4001"),
    ],
)
async def test_anything_else_is_refused_loudly(text: str, code: str) -> None:
    async with asked() as app:
        await books(app, 1)
        assert fault(await app.get("/query", query=text)) == (400, code)


async def test_a_query_may_be_posted_as_text() -> None:
    async with asked() as app:
        headers = {"authorization": f"Bearer {app.token}", "accept": "application/json"}
        where, text = "/v3/company/4620816365/query", "select * from Term"
        named = {**headers, "content-type": "application/text"}
        answer = await app.http.post(where, content=text, headers=named)
        assert len(plain(answer)["QueryResponse"]["Term"]) == 2
        assert fault(await app.http.post(where, content=text, headers=headers)) == (400, "2010")


async def test_a_search_may_lag_behind_what_was_written() -> None:
    async with asked(search_lag=30.0) as app:
        app.clock.now = 100.0
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        text = "select * from Invoice where DocNumber = '2043'"
        assert await app.query(text) == {}
        assert await feed(app) == [{}, {}]
        assert (await app.get(f"/invoice/{made['Id']}")).status_code == 200
        assert fault(await app.post("/invoice", invoice())) == (400, "6140")
        app.clock.now = 130.0
        assert len((await app.query(text))["Invoice"]) == 1


async def test_the_feed_shows_whole_objects_and_deletions() -> None:
    async with asked() as app:
        await books(app, 2)
        app.hand.delete("145")
        payment = app.hand.pay("146")
        invoices, paid = await feed(app)
        assert [(one["Id"], one.get("status")) for one in invoices["Invoice"]] == [
            ("145", "Deleted"),
            ("146", None),
        ]
        assert invoices["Invoice"][1]["Line"]
        assert [one["Id"] for one in paid["Payment"]] == [payment]


async def test_the_feed_shows_what_changed_since_a_moment() -> None:
    async with asked() as app:
        await books(app, 1)
        app.world.clock.set(START + 2 * DAY)
        assert await feed(app, "Invoice") == [{}]
        app.hand.edit("145", DueDate="2026-12-24")
        assert len((await feed(app, "Invoice"))[0]["Invoice"]) == 1


@pytest.mark.parametrize(("order", "first"), [("newest", "N-003"), ("oldest", "N-000")])
async def test_the_feed_is_capped_over_all_kinds_together(order: str, first: str) -> None:
    async with asked(cdc_cap=3, cdc_order=order) as app:
        await books(app, 5)
        app.hand.make("Customer", DisplayName="New Ltd")
        invoices, customers = await feed(app, "Invoice,Customer")
        assert invoices["Invoice"][0]["DocNumber"] == first
        assert len(invoices["Invoice"]) + len(customers.get("Customer", [])) == 3


async def test_the_feed_goes_back_thirty_days_and_has_not_everything() -> None:
    async with asked() as app:
        old = (app.world.now() - 31 * DAY).isoformat()
        assert fault(await app.get("/cdc", entities="Invoice", changedSince=old)) == (400, "4001")
        now = app.world.now().isoformat()
        assert fault(await app.get("/cdc", entities="TaxCode", changedSince=now)) == (400, "2010")
        assert fault(await app.get("/cdc", entities="Invoice")) == (400, "2020")


async def test_what_there_is_one_of_can_be_read_and_queried() -> None:
    async with asked(us=True) as app:
        info = plain(await app.get("/companyinfo/4620816365"))["CompanyInfo"]
        assert info["Country"] == "US"
        found = (await app.query("select * from Preferences"))["Preferences"][0]
        assert found["TaxPrefs"]["PartnerTaxEnabled"] is True
        assert found["CurrencyPrefs"]["HomeCurrency"]["value"] == "USD"
