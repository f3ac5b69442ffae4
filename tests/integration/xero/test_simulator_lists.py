"""The simulated Xero's lists: pages, filters, times of change; and its webhooks and its hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from syncd_xero.sandbox import WEBHOOK_KEY, contact_id
from syncd_xero.sandbox.webhooks import SIGNATURE

from tests.builders_partner import market
from tests.builders_xero import TWO, books, credit, invoice


def numbers(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return sorted(one["InvoiceNumber"] for one in answer["Invoices"])


async def test_lines_come_with_a_page_only() -> None:
    async with books() as desk:
        await desk.put(invoice("7"))
        plain, paged, summary = [
            await desk.get(f"Invoices?{query}")
            for query in ("IDs=", "page=1", "page=1&summaryOnly=true")
        ]
        assert [len(one["Invoices"][0]["LineItems"]) for one in (plain, paged, summary)] == [
            0, 1, 0,
        ]  # fmt: skip
        assert "pagination" not in plain
        assert paged["pagination"] == {"page": 1, "pageSize": 100, "pageCount": 1, "itemCount": 1}


async def test_page_sizes_are_clamped() -> None:
    async with books() as desk:
        await desk.put(*(invoice(str(n)) for n in range(5)))
        sizes = [
            (await desk.get(f"Invoices?page=1&pageSize={n}"))["pagination"]["pageSize"]
            for n in (0, 2, 5000)
        ]
        assert sizes == [1, 2, 1000]
        pages = [await desk.get(f"Invoices?page={n}&pageSize=2") for n in (1, 2, 3, 4)]
        assert [len(one["Invoices"]) for one in pages] == [2, 2, 1, 0]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("InvoiceNumbers=1,3,99", ["1", "3"]),
        ("Statuses=AUTHORISED", ["2"]),
        (f"ContactIDs={TWO}", ["3"]),
        ("searchTerm=order", ["2"]),
        ('where=Reference=="order 5"', ["2"]),
        ('where=Status=="AUTHORISED" OR InvoiceNumber=="1"', ["1", "2"]),
        ('where=(Status=="DRAFT" OR Status=="PAID") AND (InvoiceNumber=="1")', ["1"]),
        ('where=Reference!=null AND Reference.Contains("order")', ["2"]),
        ("where=Date>=DateTime(2026,11,02) AND Date<DateTime(2026,11,04)", ["3"]),
        (f'where=Contact.ContactID==guid("{TWO}")', ["3"]),
        ('where=Reference.Contains("RDER")', ["2"]),
        ('where=Reference.StartsWith("5")', []),
        ("where=AmountDue>12", []),
    ],
)
async def test_filters(query: str, wanted: list[str]) -> None:
    async with books() as desk:
        await desk.put(
            invoice("1"),
            invoice("2", Status="AUTHORISED", Reference="order 5"),
            invoice("3", Contact={"ContactID": TWO}, Date="2026-11-03"),
        )
        assert numbers(await desk.get(f"Invoices?{query}")) == wanted


@pytest.mark.parametrize(
    "query",
    [
        'where=Colour=="red"',
        'where=Status~"DRAFT"',
        'where=Status=="DRAFT" XOR Type=="ACCREC"',
        "where=Status==",
        'where=(Status=="DRAFT"',
        'where=Status=="DRAFT")',
        "where=Date>=DateTime(2026,13,01)",
        "page=first",
        "order=Colour",
        "colour=red",
    ],
)
async def test_what_is_not_known_fails_loudly(query: str) -> None:
    async with books() as desk:
        assert (await desk.ask("GET", f"Invoices?{query}")).status_code == 400


@pytest.mark.parametrize("form", ["2026-12-01T00:00:00", "Tue, 01 Dec 2026 00:00:00 GMT"])
async def test_changes_since_a_moment(form: str) -> None:
    world = market()
    async with books(world) as desk:
        await desk.put(invoice("1"), invoice("2"))
        world.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
        desk.simulator.hand.edit("2", Reference="new")
        found = await desk.get("Invoices?page=1", headers={"if-modified-since": form})
        assert numbers(found) == ["2"]


async def test_a_payment_need_not_move_its_invoice() -> None:
    for moves, wanted in ((True, ["1"]), (False, [])):
        world = market()
        async with books(world, payment_moves_invoice=moves) as desk:
            await desk.put(invoice("1", Status="AUTHORISED"))
            world.clock.set(datetime(2026, 12, 1, tzinfo=UTC))
            desk.simulator.hand.pay("1", "1.00")
            since = {"if-modified-since": "2026-12-01T00:00:00"}
            assert numbers(await desk.get("Invoices?page=1", headers=since)) == wanted
            assert len((await desk.get("Payments?page=1", headers=since))["Payments"]) == 1


async def test_a_search_may_lag_behind_while_the_id_finds_at_once() -> None:
    async with books(search_lag=5.0) as desk:
        key = (await desk.put(invoice("1"))).json()["Invoices"][0]["InvoiceID"]
        assert numbers(await desk.get("Invoices?InvoiceNumbers=1")) == []
        assert numbers(await desk.get(f"Invoices/{key}")) == ["1"]
        desk.watch.now += 5
        assert numbers(await desk.get("Invoices?InvoiceNumbers=1")) == ["1"]


async def test_prices_have_two_places_unless_four_are_asked_for() -> None:
    async with books() as desk:
        row = {"Description": "d", "Quantity": 8, "UnitAmount": 0.0625, "AccountCode": "200"}
        await desk.put(invoice("1", row))
        shown = [
            (await desk.get(f"Invoices/1{query}"))["Invoices"][0]["LineItems"][0]["UnitAmount"]
            for query in ("", "?unitdp=4")
        ]
        assert shown == [0.06, 0.0625]


async def test_contacts_follow_the_world_and_their_names_are_unique() -> None:
    async with books() as desk:
        living = (await desk.get("Contacts?page=1"))["Contacts"]
        names = [one["Name"].casefold() for one in living]
        assert len(names) == len(set(names))
        everyone = (await desk.get("Contacts?page=1&includeArchived=true"))["Contacts"]
        ids = {one["ContactID"] for one in everyone}
        assert {contact_id(n) for n in (1, 2, 3, 4)} <= ids
        archived = [one for one in everyone if one["ContactStatus"] == "ARCHIVED"]
        assert archived[0]["Name"].casefold() in names


async def test_a_name_or_number_of_a_contact_is_taken_once() -> None:
    async with books() as desk:

        def told(name: str, **more: str) -> dict[str, str]:
            return {"Name": name, **more}

        rows = [
            (await desk.put(one, name="Contacts")).json()["Contacts"][0]
            for one in (
                told("New"),
                told("nÉw"),
                told("Newer", ContactNumber="4"),
                told("Newest", ContactNumber="4"),
                told(" Blanks"),
            )
        ]
        assert [one["StatusAttributeString"] for one in rows] == [
            "OK", "ERROR", "OK", "ERROR", "ERROR",
        ]  # fmt: skip
        found = await desk.get("Contacts/4")
        assert found["Contacts"][0]["Name"] == "Newer"


async def test_webhooks_are_signed_and_say_what_happened_in_order() -> None:
    async with books() as desk:
        await desk.put(invoice("1"))
        await desk.put(credit("2"), name="CreditNotes")
        (delivery,) = desk.simulator.hand.webhooks()
        digest = hmac.new(WEBHOOK_KEY.encode(), delivery.body, hashlib.sha256).digest()
        assert delivery.headers[SIGNATURE] == base64.b64encode(digest).decode()
        told = json.loads(delivery.body)
        kinds = [(one["eventCategory"], one["eventType"]) for one in told["events"]]
        assert kinds == [("INVOICE", "CREATE"), ("CREDITNOTE", "CREATE")]
        assert (told["firstEventSequence"], told["lastEventSequence"]) == (1, 2)
        assert desk.simulator.hand.webhooks() == []


async def test_an_intent_to_receive_has_good_and_bad_signatures() -> None:
    async with books() as desk:
        deliveries = desk.simulator.hand.sender.intent()
        assert [one.expected for one in deliveries] == [200, 401, 200, 401]
        assert all(json.loads(one.body)["events"] == [] for one in deliveries)


async def test_the_vendors_signature_example_is_met() -> None:
    body = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"ABCDEFGHIJ"}'
    async with books(webhook_key="whk_demo_key") as desk:
        signature = desk.simulator.hand.sender.sign(body)
        assert signature == "i0lZdfqsGCJltzvowjK4iPwL1CVLjw/k6sv+zyBkji0="


async def test_a_bookkeeper_can_be_asked_over_http() -> None:
    async with books() as desk:
        await desk.put(invoice("1", Status="AUTHORISED"))
        paid = await desk.http.post("/__hand__/pay", json={"document": "1", "amount": "5.00"})
        assert paid.status_code == 200
        assert desk.simulator.hand.documents()[0]["AmountPaid"] == 5
        for name, told, status in (
            ("pay", {"document": "1", "amount": "99"}, 400),
            ("pay", {"document": "nobody"}, 400),
            ("steal", {}, 404),
        ):
            answer = await desk.http.post(f"/__hand__/{name}", json=told)
            assert answer.status_code == status
