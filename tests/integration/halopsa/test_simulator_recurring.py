"""The simulator saves recurring invoices as HaloPSA does, with a history of what really changed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.builders_halopsa_calls import LICENCES
from tests.builders_halopsa_invoices import CLIENT, PATH, RECURRING, SAVE, Till, opened_till

written = msgspec.json.Encoder(decimal_format="number").encode


async def save(till: Till, status: int = 201, **fields: Any) -> Any:
    """Save fields of the recurring invoice; what was answered."""
    answer = await till.caller.post(SAVE, written([{"id": RECURRING, **fields}]))
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_header_is_merged_and_its_lines_stay_when_none_are_sent() -> None:
    async with opened_till() as till:
        till.typed("1", "1.00")
        before = await till.whole()
        shown = await save(till, reference="REC-X")
        assert shown["reference"] == "REC-X"
        after = await till.whole()
        assert after["lines"] == before["lines"]
        assert after["name"] == before["name"]
        assert await till.changes(type_id=0) == [("reference", "REC-0001", "REC-X")]


async def test_lines_that_are_not_sent_are_gone() -> None:
    async with opened_till() as till:
        kept, gone = till.typed("1", "1.00"), till.typed("2", "2.00", item_longdescription="x")
        till.state.invoice_changes.clear()
        (line,) = [one for one in (await till.whole())["lines"] if one["id"] == kept]
        await save(till, lines=[line])
        assert [one["id"] for one in (await till.whole())["lines"]] == [kept]
        assert await till.changes() == [("line", "EDR", "")]
        assert await till.changes(line_id=gone) == [("line", "EDR", "")]
        await save(till, lines=[])
        assert (await till.whole())["lines"] == []


async def test_a_field_of_a_line_that_is_not_sent_is_empty_afterwards() -> None:
    async with opened_till() as till:
        number = till.sold(5, pro_rata=1)
        await till.invoice()
        line = (await till.whole())["lines"][0]
        await save(till, lines=[{"id": line["id"], "item_shortdescription": "EDR"}])
        after = (await till.whole())["lines"][0]
        assert after["quantity_subscriptions"] == []
        assert after["unit_price"] == 0
        assert after["last_invoiced_net_amount"] == 15  # HaloPSA's own
        till.hand.link(number, line=line["id"])


async def test_lines_can_be_merged_where_an_instance_does_that() -> None:
    async with opened_till(recurring_lines="merge") as till:
        first, second = till.typed("1", "1.00"), till.typed("2", "2.00")
        await save(till, lines=[{"id": second, "qty_order": 3}, {"item_shortdescription": "New"}])
        lines = {one["id"]: one for one in (await till.whole())["lines"]}
        assert len(lines) == 3
        assert lines[first]["qty_order"] == 1
        assert (lines[second]["qty_order"], lines[second]["unit_price"]) == (3, 2)


async def test_sending_back_what_was_read_changes_nothing() -> None:
    async with opened_till() as till:
        till.sold(5, pro_rata=1)
        till.hand.prorate(till.typed("1.5", "0.1"), "2026-12-16", 2)
        await till.invoice()
        till.state.invoice_changes.clear()
        before = (await till.caller.get(PATH)).content
        answer = await till.caller.post(SAVE, b"[" + before + b"]")
        assert answer.status_code == 201
        assert (await till.caller.get(PATH)).content == before
        assert await till.changes() == []


async def test_fields_nobody_knows_stay_and_directives_are_no_fields() -> None:
    async with opened_till() as till:
        line = {
            "item_shortdescription": "EDR",
            "_itemid": 51,
            "xero_lineid": "a-b",
            "meter_tiers": [{"from": 1}],
            "_novalidate": True,
        }
        await save(till, lines=[line], internal_note="by phone", _validateonly=False)
        header = await till.whole()
        assert header["internal_note"] == "by phone"
        assert "_validateonly" not in header
        (shown,) = header["lines"]
        assert (shown["_itemid"], shown["xero_lineid"]) == (51, "a-b")
        assert shown["meter_tiers"] == [{"from": 1}]
        assert "_novalidate" not in shown


async def test_one_link_added_is_one_row_of_history() -> None:
    async with opened_till() as till:
        line = till.typed("4", "3.00")
        licence = till.hand.add(CLIENT, "Workstations", count=6)
        till.state.invoice_changes.clear()
        whole = await till.whole()
        whole["lines"][0]["quantity_subscriptions"].append({"licence_id": licence, "pro_rata": 0})
        await till.caller.post(SAVE, written([whole]))
        (row,) = await till.caller.rows("/api/InvoiceChange")
        assert (row["field_name"], row["old_value"], row["new_value"]) == (
            "quantity_subscriptions",
            "",
            f"licence {licence}",
        )
        assert row["invoice_line_id"] == line
        source = (await till.whole())["lines"][0]["quantity_subscriptions"][0]
        assert row["invoice_detail_quantity_id"] == source["id"] != 0
        assert source["invoice_line_id"] == line
        assert (await till.invoice())["lines"][0]["qty_order"] == 6


async def test_a_new_recurring_invoice_gets_a_negative_id() -> None:
    async with opened_till() as till:
        body = [{"client_id": CLIENT, "lines": [{"item_shortdescription": "A", "qty_order": 2}]}]
        made = (await till.caller.post(SAVE, body)).json()
        assert made["id"] < -11
        assert made["lines"][0]["ihid"] == made["id"]
        assert made["lines"][0]["id"] > 0


@pytest.mark.parametrize(
    "fields",
    [
        {"lines": {}},
        {"lines": ["x"]},
        {"lines": [{"id": 4711}]},
        {"lines": [{"quantity_custom": 1.0}]},
        {"lines": [{"unit_price": "1.00"}]},
        {"lines": [{"isinactive": 0}]},
        {"lines": [{"quantity_subscriptions": {}}]},
        {"lines": [{"quantity_subscriptions": [{"licence_id": 4711}]}]},
        {"lines": [{"quantity_subscriptions": [{"qty_free": 1.0}]}]},
        {"lines": [{"quantity_subscriptions": [{"id": 4711}]}]},
        {"lines": [{"prorata_data": [{"date": "soon", "quantity": 1}]}]},
        {"client_id": 4711},
        {"client_id": 1001.0},
        {"period": 99},
        {"nextcreationdate": "soon"},
    ],
)
async def test_what_does_not_fit_is_refused_and_changes_nothing(fields: dict[str, Any]) -> None:
    async with opened_till() as till:
        till.typed("1", "1.00")
        before = (await till.caller.get(PATH)).content
        await save(till, 400, **fields)
        assert (await till.caller.get(PATH)).content == before


async def test_an_object_or_an_unknown_id_is_refused() -> None:
    async with opened_till() as till:
        assert (await till.caller.post(SAVE, {"id": RECURRING})).status_code == 400
        assert (await till.caller.post(SAVE, [{"id": -99}])).status_code == 404
        assert (await till.caller.post(SAVE, [{"id": -11.0}])).status_code == 400


@pytest.mark.parametrize(("mode", "saved"), [("stop", "one"), ("atomic", "REC-0001")])
async def test_a_bad_element_leaves_those_before_it_saved_or_none(mode: Any, saved: str) -> None:
    async with opened_till(partial_failure=mode) as till:
        body = [{"id": RECURRING, "reference": "one"}, {"id": -99}]
        assert (await till.caller.post(SAVE, body)).status_code == 404
        assert (await till.whole())["reference"] == saved


async def test_a_link_to_a_deleted_subscription_does_not_stop_a_save_of_the_rest() -> None:
    async with opened_till() as till:
        till.hand.delete(till.sold(5))
        whole = await till.whole()
        whole["reference"] = "REC-X"
        body = written([whole])
        assert (await till.caller.post(SAVE, body)).status_code == 201
        assert (await till.invoice())["lines"][0]["qty_order"] == 0


async def test_a_person_edits_lines_and_invoices_over_http() -> None:
    async with opened_till() as till:
        http = till.caller.http
        made = await http.post("/__hand__/subscriptions", json={"client": CLIENT, "name": "EDR"})
        licence = made.json()["id"]
        line = (await http.post("/__hand__/lines", json={"licence": licence})).json()["id"]
        await http.patch(f"/__hand__/subscriptions/{licence}", json={"count": 4, "price": 2.5})
        again = await http.post("/__hand__/lines", json={"licence": licence, "line": line})
        assert again.json()["id"] == line
        edited = await http.patch(f"/__hand__/lines/{line}", json={"isinactive": True})
        assert edited.status_code == 200
        row = {"line": line, "day": "2026-12-16", "quantity": 1}
        assert (await http.post("/__hand__/prorata", json=row)).status_code == 201
        await http.patch(f"/__hand__/recurring/{RECURRING}", json={"reference": "R"})
        (shown,) = (await http.get("/__hand__/recurring", params={"client": CLIENT})).json()
        assert (shown["reference"], shown["lines"][0]["isinactive"]) == ("R", True)
        await http.patch(f"/__hand__/lines/{line}", json={"isinactive": False})
        (invoice,) = (await http.post("/__hand__/invoices", json={"client": CLIENT})).json()
        assert invoice["lines"][0]["qty_order"] == 8
        assert (await http.post(f"/__hand__/posted/{invoice['id']}")).status_code == 200
        listed = (await http.get("/__hand__/invoices", params={"client": CLIENT})).json()
        assert [one["posted"] for one in listed] == [True]
        assert (await http.delete(f"/__hand__/invoices/{invoice['id']}")).status_code == 200
        assert (await http.delete(f"/__hand__/lines/{line}")).status_code == 200
        assert (await http.delete(f"/__hand__/recurring/{RECURRING}")).status_code == 200
        assert (await till.caller.get(PATH)).status_code == 404
        assert (await http.post("/__hand__/invoices", json={"client": CLIENT})).status_code == 404
        assert (await http.patch("/__hand__/lines/1", json={"colour": "red"})).status_code == 400
        who = {row["who"] for row in await till.caller.rows("/api/InvoiceChange")}
        assert who == {"Alex Admin", "Automation"}


async def test_a_line_may_lose_its_link_and_keep_what_it_last_billed() -> None:
    async with opened_till() as till:
        till.sold(5)
        await till.invoice()
        till.hand.unlink((await till.whole())["lines"][0]["id"])
        assert (await till.invoice())["lines"][0]["qty_order"] == 5


async def test_a_subscription_s_history_holds_only_what_really_changed() -> None:
    async with opened_till() as till:
        number = till.sold(5)
        for _ in range(2):
            await till.caller.post(LICENCES, [{"id": number, "count": 6, "name": "EDR"}])
        rows = await till.caller.rows("/api/LicenceChange", licence_id=number)
        assert [(row["field_name"], row["new_value"]) for row in rows] == [("count", "6")]
