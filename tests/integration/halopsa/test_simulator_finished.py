"""The simulated HaloPSA's finished invoices: lists, saves, payments, links, and people's hands."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders_halopsa_calls import calling
from tests.builders_halopsa_invoices import exact

INVOICES, PAYMENTS, LINKS = "/api/Invoice", "/api/InvoicePayment", "/api/ExternalLink"


async def ids(caller: Any, **params: Any) -> list[int]:
    answer = await caller.rows(INVOICES, pageinate="true", **params)
    return sorted(one["id"] for one in answer["invoices"])


async def whole(caller: Any, number: int) -> Any:
    return exact((await caller.get(f"{INVOICES}/{number}", includedetails="true")).content)


async def test_lists_tell_invoices_credit_notes_and_posted_ones_apart() -> None:
    async with calling() as caller:
        hand = caller.sim.hand
        first, second, draft = hand.finish(1001), hand.finish(1002), hand.draft(1001)
        credit = hand.credit(first)
        purchase = hand.finish(1001, supplier_id=301)
        hand.post_invoice(second)
        assert await ids(caller) == [first, second, draft, credit]
        assert await ids(caller, includecredits="false") == [first, second, draft]
        assert await ids(caller, includeinvoices="false") == [credit]
        assert purchase in await ids(caller, includepoinvoices="true")
        assert await ids(caller, postedonly="true") == [second]
        assert await ids(caller, notpostedonly="true") == [first, draft, credit]
        assert await ids(caller, client_id=1002) == [second]


async def test_lists_show_lines_and_links_only_as_the_options_say() -> None:
    for shown in (True, False):
        async with calling(list_links=shown) as caller:
            caller.sim.hand.finish(1001)
            (row,) = (await caller.rows(INVOICES, includelines="true"))["invoices"]
            assert ("external_links" in row) is shown
            assert len(row["lines"]) == 1
            (row,) = (await caller.rows(INVOICES))["invoices"]
            assert "lines" not in row


async def test_a_save_merges_the_header_and_replaces_the_lines() -> None:
    async with calling() as caller:
        number = caller.sim.hand.finish(1001, reference="PO 1")
        before = await whole(caller, number)
        element = {"id": number, "last_change_seq": before["change_seq"]}
        line = {"item_shortdescription": "B", "qty_order": 3, "unit_price": 2, "tax_code": "5"}
        saved = await caller.post(INVOICES, [{**element, "lines": [line], "total": 1}])
        assert saved.status_code == 201, saved.text
        after = await whole(caller, number)
        assert (after["reference"], after["invoicenumber"]) == ("PO 1", before["invoicenumber"])
        assert [one["item_shortdescription"] for one in after["lines"]] == ["B"]
        assert (after["total"], after["tax_total"]) == (Decimal("6.3"), Decimal("0.3"))
        assert after["change_seq"] == before["change_seq"] + 1
        stale = await caller.post(INVOICES, [element])
        assert stale.status_code == 400
        assert "another user" in stale.text
        forced = await caller.post(INVOICES, [{"id": number, "ignore_change_seq": True}])
        assert forced.status_code == 201


@pytest.mark.parametrize("locked", [True, False])
async def test_posted_invoices_are_locked_where_the_tenant_says_so(locked: bool) -> None:
    async with calling(posted_locked=locked) as caller:
        number = caller.sim.hand.finish(1001)
        caller.sim.hand.post_invoice(number)
        element = {"id": number, "ignore_change_seq": True, "reference": "x"}
        answer = await caller.post(INVOICES, [element])
        assert answer.status_code == (400 if locked else 201)


async def test_payments_settle_and_links_hang_on_an_invoice() -> None:
    async with calling() as caller:
        number = caller.sim.hand.finish(1001)
        paid = await caller.post(PAYMENTS, [{"invoice_id": number, "amount": 20}])
        assert paid.status_code == 201
        assert (await whole(caller, number))["amountdue"] == 100
        await caller.post(PAYMENTS, [{"invoice_id": number, "amount": 100, "thirdpartyid": "t"}])
        assert (await whole(caller, number))["paymentstatus"] == 1
        rows = (await caller.rows(PAYMENTS, invoice_id=number))["payments"]
        assert [one["thirdpartyid"] for one in rows] == ["", "t"]
        assert (await caller.post(PAYMENTS, [{"invoice_id": 1, "amount": 1}])).status_code == 404
        link = {"table_id": 995, "halo_id": number, "third_party_id": "d"}
        assert (await caller.post(LINKS, [link])).status_code == 201
        assert len((await caller.rows(LINKS, table_id=995, halo_id=number))["links"]) == 1
        assert (await whole(caller, number))["external_links"][0]["third_party_id"] == "d"
        caller.sim.hand.void_invoice(number)
        refused = await caller.post(PAYMENTS, [{"invoice_id": number, "amount": 1}])
        assert refused.status_code == 400


@pytest.mark.parametrize("shape", ["moved", "pointed"])
async def test_an_alternate_client_is_shown_in_either_way(shape: str) -> None:
    async with calling(alternate=shape) as caller:
        number = caller.sim.hand.draft(1002, original_client=1001)
        row = await whole(caller, number)
        shown = (row["client_id"], row["original_client_id"], row["client_to_invoice_to_id"])
        assert shown == ((1002, 1001, 0) if shape == "moved" else (1001, 0, 1002))


async def test_a_module_is_on_off_absent_or_unreadable() -> None:
    shown = {"absent": [], "off": [False], "on": [True]}
    for state, rows in shown.items():
        async with calling(xero_module=state) as caller:
            found = await caller.rows("/api/XeroDetails")
            assert [one["enablesync"] for one in found] == rows
    async with calling(quickbooks_module="unreadable") as caller:
        assert (await caller.get("/api/QuickBooksDetails")).status_code == 403
        assert (await caller.get("/api/XeroDetails")).status_code == 200


async def test_what_a_person_does_can_be_done_over_http() -> None:
    async with calling() as caller:
        made = await caller.post("/__hand__/finished", {"client": 1001, "currency": "EUR"})
        number = made.json()["id"]
        path = f"/__hand__/finished/{number}"
        await caller.post(f"{path}/send", {})
        await caller.http.patch(path, json={"columns": {"unit_price": 50}, "reference": "PO 7"})
        await caller.post(f"{path}/carry", {"system": "quickbooks", "remote": "145"})
        paid = await caller.post(f"{path}/pay", {"amount": 10})
        credit = (await caller.post(f"{path}/credit", {"share": 1})).json()["id"]
        row = await whole(caller, number)
        assert (row["total"], row["amountpaid"], row["currency_code"]) == (60, 10, 2)
        assert (row["reference"], row["qboid"], row["posted"]) == ("PO 7", 145, True)
        assert (await whole(caller, credit))["total"] == -60
        await caller.http.delete(f"/__hand__/payments/{paid.json()['id']}")
        await caller.post(f"{path}/void", {})
        row = await whole(caller, number)
        assert (row["amountpaid"], row["voided"]) == (0, True)
        assert (await caller.post(f"{path}/burn", {})).status_code == 404
