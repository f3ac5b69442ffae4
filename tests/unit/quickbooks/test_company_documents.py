"""The simulated QuickBooks keeps documents as the real one is known to keep them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.builders_quickbooks_company import asked, fault, invoice, line, plain


async def test_an_invoice_is_in_the_books_at_once_with_computed_totals_and_a_sum_line() -> None:
    async with asked() as app:
        body = invoice(lines=[line(3, "3.33"), line(1, "3.33", "3")], TotalAmt=1, Balance=1)
        made = plain(await app.post("/invoice", body))["Invoice"]
        assert (made["SyncToken"], made["DocNumber"]) == ("0", "2043")
        assert (made["TotalAmt"], made["Balance"]) == (Decimal("15.32"), Decimal("15.32"))
        assert made["Line"][-1]["DetailType"] == "SubTotalLineDetail"
        assert made["Line"][-1]["Amount"] == Decimal("13.32")
        assert [one.get("Id") for one in made["Line"]] == ["1", "2", None]


async def test_moments_are_told_in_the_zone_of_the_company() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        assert made["MetaData"]["CreateTime"] == "2026-11-20T05:00:00-07:00"


async def test_who_does_not_ask_for_json_gets_xml() -> None:
    async with asked() as app:
        headers = {"authorization": f"Bearer {app.token}", "accept": "*/*"}
        answer = await app.http.get("/v3/company/4620816365/companyinfo/1", headers=headers)
        assert answer.headers["content-type"].startswith("application/xml")


async def test_a_full_update_clears_what_is_left_out_and_a_sparse_one_does_not() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice(CustomerMemo={"value": "thanks"})))
        token = {"Id": made["Invoice"]["Id"], "SyncToken": "0"}
        sparse = {**token, "sparse": True, "DueDate": "2026-12-24"}
        kept = plain(await app.post("/invoice", sparse))["Invoice"]
        assert (kept["SyncToken"], kept["CustomerMemo"]["value"]) == ("1", "thanks")
        assert (kept["TotalAmt"], kept["DueDate"]) == (Decimal("36.00"), "2026-12-24")
        whole = plain(await app.post("/invoice", {**invoice(), **token, "SyncToken": "1"}))
        assert "CustomerMemo" not in whole["Invoice"]
        assert whole["Invoice"]["DueDate"] == "2026-11-01"


async def test_lines_are_replaced_as_a_whole_even_sparsely() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice(lines=[line(), line(2)])))["Invoice"]
        known = {**line(5, 1), "Id": "2"}
        sparse = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "Line": [known, line(1, 7)]}
        changed = plain(await app.post("/invoice", sparse))["Invoice"]
        assert [one.get("Id") for one in changed["Line"]] == ["2", "3", None]
        assert changed["TotalAmt"] == Decimal("14.40")


async def test_an_old_token_is_refused() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        given = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "DueDate": "2026-12-24"}
        await app.post("/invoice", given)
        assert fault(await app.post("/invoice", given)) == (400, "5010")
        del given["SyncToken"]
        assert fault(await app.post("/invoice", given)) == (400, "2020")


async def test_a_stated_tax_stays_until_an_update_drops_it() -> None:
    async with asked() as app:
        stated = {"TaxLine": [{"Amount": "6.01", "TaxLineDetail": {"TaxRateRef": {"value": "3"}}}]}
        made = plain(await app.post("/invoice", invoice(TxnTaxDetail=stated)))["Invoice"]
        assert made["TotalAmt"] == Decimal("36.01")
        again = {**invoice(TxnTaxDetail=stated, lines=[line(6, "10.00")]), "Id": made["Id"]}
        kept = plain(await app.post("/invoice", {**again, "SyncToken": "0"}))["Invoice"]
        assert kept["TotalAmt"] == Decimal("66.01")
        del again["TxnTaxDetail"]
        anew = plain(await app.post("/invoice", {**again, "SyncToken": "1"}))["Invoice"]
        assert anew["TotalAmt"] == Decimal("72.00")


async def test_a_number_that_is_taken_names_its_holder() -> None:
    async with asked() as app:
        first = plain(await app.post("/invoice", invoice()))["Invoice"]
        answer = await app.post("/invoice", invoice())
        assert fault(answer) == (400, "6140")
        assert f"TxnType=Invoice with TxnId={first['Id']}" in answer.text
        allowed = await app.post("/invoice", invoice(), include="allowduplicatedocnum")
        assert allowed.status_code == 200
        assert len(app.company.holders("2043")) == 2


async def test_a_number_is_free_again_once_its_document_is_gone_but_not_when_it_is_void() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        token = {"Id": made["Id"], "SyncToken": "0"}
        assert (await app.post("/invoice", token, operation="void")).status_code == 200
        assert fault(await app.post("/invoice", invoice())) == (400, "6140")
        gone = await app.post("/invoice", {**token, "SyncToken": "1"}, operation="delete")
        assert plain(gone)["Invoice"] == {"Id": made["Id"], "status": "Deleted", "domain": "QBO"}
        assert (await app.post("/invoice", invoice())).status_code == 200


async def test_without_custom_numbers_the_company_counts_and_takes_duplicates_unseen() -> None:
    async with asked(own_numbers=False) as app:
        counted = plain(await app.post("/invoice", invoice(None)))["Invoice"]
        assert counted["DocNumber"] == "1001"
        for _ in range(2):
            assert (await app.post("/invoice", invoice("7"))).status_code == 200


async def test_with_custom_numbers_a_missing_one_stays_missing() -> None:
    async with asked() as app:
        assert plain(await app.post("/invoice", invoice(None)))["Invoice"]["DocNumber"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(invoice("x" * 22), "2050", id="number of 22 characters"),
        pytest.param(invoice(CustomerRef=None), "2020", id="no customer"),
        pytest.param(invoice(CustomerRef={"value": "999"}), "2500", id="unknown customer"),
        pytest.param(invoice(CustomerRef={"value": "90"}), "610", id="inactive customer"),
        pytest.param(invoice(CurrencyRef=None), "2020", id="no currency"),
        pytest.param(invoice(CurrencyRef={"value": "EUR"}), "6000", id="other currency"),
        pytest.param(invoice(GlobalTaxCalculation=None), "2020", id="no way of calculation"),
        pytest.param(invoice(lines=[]), "2020", id="no line"),
        pytest.param(invoice(lines=[line(item="25")]), "610", id="inactive item"),
        pytest.param(invoice(lines=[line(item="26")]), "2500", id="category sold"),
        pytest.param(invoice(lines=[line(code="7")]), "610", id="inactive tax"),
        pytest.param(invoice(lines=[line(code="")]), "6000", id="no tax"),
        pytest.param(invoice(lines=[line(3, "3.335", amount="10.00")]), "6070", id="wrong amount"),
        pytest.param(invoice(lines=[line(-1)]), "6000", id="negative total"),
        pytest.param(invoice(lines=[line(Foo=1)]), "2010", id="unknown"),
        pytest.param(invoice(TxnDate="tomorrow"), "2010", id="no date"),
        pytest.param(invoice(PrivateNote="x" * 4001), "2050", id="long note"),
        pytest.param(invoice(Stars=5), "2010", id="unknown property"),
    ],
)
async def test_a_document_that_does_not_fit_is_refused(body: dict[str, Any], code: str) -> None:
    async with asked() as app:
        assert fault(await app.post("/invoice", body)) == (400, code)
        assert not app.hand.documents()


async def test_a_line_without_an_item_is_only_text_whatever_its_amount() -> None:
    async with asked() as app:
        silent = line(1, 500)
        del silent["SalesItemLineDetail"]["ItemRef"]
        made = plain(await app.post("/invoice", invoice(lines=[line(), silent])))["Invoice"]
        assert made["Line"][1]["DetailType"] == "DescriptionOnly"
        assert made["TotalAmt"] == Decimal("120.00")


async def test_a_negative_line_counts_and_a_negative_document_is_a_credit_memo() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice(lines=[line(2), line(-1)])))["Invoice"]
        assert made["TotalAmt"] == Decimal("120.00")
        memo = plain(await app.post("/creditmemo", invoice("C-1")))["CreditMemo"]
        assert memo["RemainingCredit"] == Decimal("36.00")
        token = {"Id": memo["Id"], "SyncToken": "0"}
        assert fault(await app.post("/creditmemo", token, operation="void")) == (400, "5030")


async def test_a_void_invoice_keeps_its_number_and_loses_its_money() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        token = {"Id": made["Id"], "SyncToken": "0"}
        void = plain(await app.post("/invoice", token, operation="void"))["Invoice"]
        assert (void["TotalAmt"], void["Balance"], void["DocNumber"]) == (0, 0, "2043")
        assert void["PrivateNote"] == "Voided - syncd-abcdefghijklmnop"


@pytest.mark.parametrize("code", ["6480", "6000"])
async def test_what_is_paid_cannot_be_voided(code: str) -> None:
    async with asked(void_code=code) as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        app.hand.pay(made["Id"], "1.00")
        token = {"Id": made["Id"], "SyncToken": "1"}
        assert fault(await app.post("/invoice", token, operation="void")) == (400, code)


@pytest.mark.parametrize(("password", "code"), [(False, "6200"), (True, "6210")])
async def test_closed_books_take_nothing_and_give_nothing_back(password: bool, code: str) -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        app.hand.close_books(date(2026, 11, 1), password=password)
        token = {"Id": made["Id"], "SyncToken": "0"}
        assert fault(await app.post("/invoice", invoice("2"))) == (400, code)
        assert fault(await app.post("/invoice", token, operation="void")) == (400, code)
        assert fault(await app.post("/invoice", token, operation="delete")) == (400, code)
        later = {**token, "sparse": True, "TxnDate": "2026-11-02"}
        assert fault(await app.post("/invoice", later)) == (400, code)
        preferences = plain(await app.get("/preferences"))["Preferences"]
        assert preferences["AccountingInfoPrefs"]["BookCloseDate"] == "2026-11-01"


async def test_the_due_date_follows_from_the_terms_where_none_is_sent() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice(SalesTermRef={"value": "3"})))["Invoice"]
        assert made["DueDate"] == "2026-12-01"


async def test_a_quantity_may_be_changed_silently() -> None:
    async with asked(quantity_decimals=1) as app:
        made = plain(await app.post("/invoice", invoice(lines=[line("1.25", "10.00")])))["Invoice"]
        assert made["Line"][0]["SalesItemLineDetail"]["Qty"] == Decimal("1.2")
        assert made["TotalAmt"] == Decimal("15.00")


async def test_sending_an_invoice_by_e_mail_is_seen() -> None:
    async with asked() as app:
        made = plain(await app.post("/invoice", invoice()))["Invoice"]
        await app.post(f"/invoice/{made['Id']}/send", {})
        assert app.simulator.service.mails == [made["Id"]]
