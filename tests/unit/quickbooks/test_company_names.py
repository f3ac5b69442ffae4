"""Names of the simulated QuickBooks: one space for three kinds, inactive holders included."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders_quickbooks_company import asked, customers, fault, invoice, plain

SERVICE = {"Type": "Service", "IncomeAccountRef": {"value": "79"}}


async def test_clients_of_the_world_are_customers_and_new_ones_follow() -> None:
    async with asked(customers(2)) as app:
        found = (await app.query("select * from Customer"))["Customer"]
        assert [(one["Id"], one["DisplayName"]) for one in found] == [
            ("101", "Client 1"),
            ("102", "Client 2"),
        ]


async def test_clients_of_one_name_become_customers_of_two() -> None:
    async with asked(customers(2, names={1: "Acme", 2: "ACME"})) as app:
        found = (await app.query("select * from Customer"))["Customer"]
        assert [one["DisplayName"] for one in found] == ["Acme", "ACME (2)"]


async def test_a_vendor_holds_the_name_of_a_client() -> None:
    async with asked() as app:
        vendor = (await app.query("select * from Vendor"))["Vendor"][0]
        assert vendor["DisplayName"] == "Client 3"
        customer = plain(await app.get("/customer/103"))["Customer"]
        assert customer["DisplayName"] == "Client 3 (3)"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("CLIENT 1", id="a customer, in capitals"),
        pytest.param("Client 3", id="a vendor"),
        pytest.param("ada winter", id="an employee"),
        pytest.param("Client 2 Ltd", id="an inactive customer"),
    ],
)
async def test_a_name_is_taken_by_anybody(name: str) -> None:
    async with asked() as app:
        assert fault(await app.post("/customer", {"DisplayName": name})) == (400, "6240")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"DisplayName": "a:b"}, "2040", id="colon"),
        pytest.param({"DisplayName": "x" * 501}, "2050", id="long"),
        pytest.param({}, "2020", id="none"),
        pytest.param({"DisplayName": "n", "CurrencyRef": {"value": "JPY"}}, "2500", id="currency"),
        pytest.param({"DisplayName": "n", "Colour": "red"}, "2010", id="unknown"),
    ],
)
async def test_a_customer_that_does_not_fit_is_refused(body: dict[str, Any], code: str) -> None:
    async with asked() as app:
        assert fault(await app.post("/customer", body)) == (400, code)


async def test_a_plain_query_hides_the_inactive_and_names_show_that_they_are() -> None:
    async with asked() as app:
        plainly = "select * from Customer where DisplayName like 'Client 2%'"
        assert len((await app.query(plainly))["Customer"]) == 1
        found = (await app.query(plainly + " and Active in (true, false)"))["Customer"]
        assert [one["DisplayName"] for one in found] == ["Client 2", "Client 2 Ltd (deleted)"]


async def test_an_inactive_customer_comes_back_under_its_name() -> None:
    async with asked() as app:
        token = {"Id": "101", "SyncToken": "0", "sparse": True}
        gone = plain(await app.post("/customer", {**token, "Active": False}))["Customer"]
        assert gone["DisplayName"] == "Client 1 (deleted)"
        assert fault(await app.post("/customer", {"DisplayName": "Client 1"})) == (400, "6240")
        back = plain(await app.post("/customer", {**token, "SyncToken": "1", "Active": True}))
        assert back["Customer"]["DisplayName"] == "Client 1"


async def test_the_currency_of_a_customer_stays() -> None:
    async with asked(currencies={1: "EUR"}) as app:
        assert plain(await app.get("/customer/101"))["Customer"]["CurrencyRef"]["value"] == "EUR"
        other = {"Id": "101", "SyncToken": "0", "sparse": True, "CurrencyRef": {"value": "GBP"}}
        assert fault(await app.post("/customer", other)) == (400, "6000")


async def test_a_customer_and_an_item_are_made() -> None:
    async with asked() as app:
        made = plain(await app.post("/customer", {"DisplayName": "New Ltd"}))["Customer"]
        assert (made["Active"], made["CurrencyRef"]["value"]) == (True, "GBP")
        item = plain(await app.post("/item", {"Name": "Firewall", **SERVICE}))["Item"]
        assert plain(await app.get(f"/item/{item['Id']}"))["Item"]["Name"] == "Firewall"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"Name": "backup", **SERVICE}, "6240", id="taken"),
        pytest.param({"Name": "Antivirus", **SERVICE}, "6240", id="taken by an inactive one"),
        pytest.param({"Name": "F", "Type": "Service"}, "2020", id="no account"),
        pytest.param(
            {"Name": "F", "Type": "Service", "IncomeAccountRef": {"value": "35"}},
            "2500",
            id="account of a bank",
        ),
    ],
)
async def test_an_item_that_does_not_fit_is_refused(body: dict[str, Any], code: str) -> None:
    async with asked() as app:
        assert fault(await app.post("/item", body)) == (400, code)


@pytest.mark.parametrize("code", ["610", "2500", "6250"])
async def test_an_inactive_customer_cannot_be_invoiced(code: str) -> None:
    async with asked(inactive_code=code) as app:
        app.hand.set_active("Customer", "101", active=False)
        assert fault(await app.post("/invoice", invoice())) == (400, code)
