"""Payments and credits of the simulated QuickBooks, and what people do by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders_quickbooks_company import Asked, asked, fault, invoice, plain


def row(app: Asked, kind: str, number: str) -> dict[str, Any]:
    return app.company.row(kind, number)


async def test_a_part_a_whole_and_too_much_are_paid() -> None:
    async with asked() as app:
        one = app.hand.invoice("101", "A", 100)
        app.hand.pay(one, "20.00")
        assert (row(app, "Invoice", one)["Balance"], row(app, "Invoice", one)["SyncToken"]) == (
            Decimal("100.00"),
            "1",
        )
        over = app.hand.pay(one, "150.00")
        assert row(app, "Invoice", one)["Balance"] == 0
        assert row(app, "Payment", over)["UnappliedAmt"] == Decimal("50.00")
        assert len(row(app, "Invoice", one)["LinkedTxn"]) == 2


async def test_one_payment_settles_several_invoices() -> None:
    async with asked() as app:
        one, two = (app.hand.invoice("101", name, 100) for name in "AB")
        paid = app.hand.pay({one: "120.00", two: "30.00"}, reference="BACS 7")
        found = plain(await app.get(f"/payment/{paid}"))["Payment"]
        assert found["TotalAmt"] == Decimal("150.00")
        assert [part["Amount"] for part in found["Line"]] == [Decimal("120.00"), Decimal("30.00")]
        assert row(app, "Invoice", two)["Balance"] == Decimal("90.00")


@pytest.mark.parametrize("void", [True, False])
async def test_a_payment_taken_back_opens_its_invoice_again(void: bool) -> None:
    async with asked() as app:
        one = app.hand.invoice("101", "A", 100)
        app.hand.take_back(app.hand.pay(one), void=void)
        assert row(app, "Invoice", one)["Balance"] == Decimal("120.00")
        assert not row(app, "Invoice", one)["LinkedTxn"]


async def test_a_changed_payment_changes_the_balance() -> None:
    async with asked() as app:
        one = app.hand.invoice("101", "A", 100)
        app.hand.change_payment(app.hand.pay(one), "20.00")
        assert row(app, "Invoice", one)["Balance"] == Decimal("100.00")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"Line": [{"Amount": 121, "Link": "145"}]}, "620", id="more than is open"),
        pytest.param({"Line": [{"Amount": 1, "Link": "999"}]}, "620", id="no such invoice"),
        pytest.param({"Line": [{"Amount": 101, "Link": "145"}]}, "6000", id="more than came"),
        pytest.param({"CustomerRef": {"value": "102"}}, "620", id="another customer"),
        pytest.param({"TotalAmt": None}, "2020", id="no total"),
        pytest.param({"PaymentRefNum": "x" * 22}, "2050", id="long reference"),
    ],
)
async def test_an_allocation_that_does_not_fit_is_refused(
    change: dict[str, Any], code: str
) -> None:
    async with asked() as app:
        app.hand.invoice("101", "A", 100)
        body: dict[str, Any] = {
            "CustomerRef": {"value": "101"},
            "TotalAmt": 100,
            "Line": [{"Amount": 1, "Link": "145"}],
            **change,
        }
        for part in body["Line"]:
            part["LinkedTxn"] = [{"TxnId": part.pop("Link"), "TxnType": "Invoice"}]
        given = {name: value for name, value in body.items() if value is not None}
        assert fault(await app.post("/payment", given)) == (400, code)
        assert row(app, "Invoice", "145")["Balance"] == Decimal("120.00")


async def test_a_credit_memo_is_used_by_a_payment_of_nothing() -> None:
    async with asked() as app:
        one = app.hand.invoice("101", "A", 100)
        memo = app.hand.invoice("101", "C", 10, kind="CreditMemo")
        app.hand.use_credit(memo, one, "12.00")
        assert row(app, "Invoice", one)["Balance"] == Decimal("108.00")
        assert row(app, "CreditMemo", memo)["RemainingCredit"] == 0


async def test_credits_may_be_applied_to_a_new_invoice_by_themselves() -> None:
    async with asked(auto_apply=True) as app:
        app.hand.invoice("101", "C", 10, kind="CreditMemo")
        over = app.hand.pay(app.hand.invoice("101", "A", 1), "6.20")
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        assert made["Balance"] == Decimal("19.00")
        joining = row(app, "Payment", made["LinkedTxn"][0]["TxnId"])
        assert joining["PrivateNote"] == "Created by QB Online to link credits to charges."
        assert row(app, "Payment", over)["UnappliedAmt"] == 0


async def test_a_deleted_invoice_leaves_its_payment_unapplied() -> None:
    async with asked() as app:
        one = app.hand.invoice("101", "A", 100)
        paid = app.hand.pay(one)
        app.hand.delete(one)
        assert row(app, "Payment", paid)["UnappliedAmt"] == Decimal("120.00")


async def test_a_person_edits_lines_voids_and_renumbers() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]["Id"]
        app.hand.edit_line(made, 1, Qty="4", TaxCodeRef="3")
        assert row(app, "Invoice", made)["TotalAmt"] == Decimal("40.00")
        app.hand.edit(made, DocNumber="other")
        assert app.hand.numbered("other")["Id"] == made
        app.hand.pay(made)
        app.hand.void(made)
        assert row(app, "Invoice", made)["TotalAmt"] == 0
        assert not app.hand.live()


async def test_the_hand_works_over_http() -> None:
    async with asked() as app:
        http = app.http
        made = await http.post(
            "/__hand__/invoice", json={"customer": "101", "number": "A", "net": 5}
        )
        given = {"invoices": made.json()["id"], "amount": "1.00", "dated": "2026-11-21"}
        assert (await http.post("/__hand__/pay", json=given)).json() == {"id": "146"}
        listed = (await http.get("/__hand__/documents/Invoice")).json()
        assert [one["Balance"] for one in listed] == [5.0]
        closed = {"until": "2026-11-30"}
        assert (await http.post("/__hand__/close_books", json=closed)).status_code == 200
        refused = await http.post("/__hand__/void", json={"invoice": "145"})
        assert (refused.status_code, refused.json()["error"][:4]) == (400, "6200")
        assert (await http.post("/__hand__/steal", json={})).status_code == 404
