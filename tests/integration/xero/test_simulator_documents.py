"""The simulated Xero keeps the vendor's rules of documents: numbers, batches, status, locks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders_xero import ONE, TWO, books, credit, invoice, line, reasons

NOBODY = "00000000-0000-0000-0000-000000000000"


async def refused(document: dict[str, Any], **options: Any) -> list[str]:
    async with books(**options) as desk:
        answer = await desk.put(document)
        assert answer.status_code == 200
        row = answer.json()["Invoices"][0]
        assert (row["StatusAttributeString"], row["InvoiceID"]) == ("ERROR", NOBODY)
        assert not desk.simulator.books.documents
        return reasons(row)


async def test_put_creates_only_and_post_by_number_overwrites() -> None:
    async with books() as desk:
        first = (await desk.put(invoice("7"))).json()["Invoices"][0]
        again = (await desk.put(invoice("7"))).json()["Invoices"][0]
        assert reasons(again) == ["Invoice # must be unique."]
        assert len(desk.simulator.books.documents) == 1
        over = await desk.put(invoice("7", line(2)), method="POST")
        assert over.json()["Invoices"][0]["InvoiceID"] == first["InvoiceID"]
        shown = (await desk.get("Invoices/7"))["Invoices"][0]
        assert shown["Total"] == 24.0


async def test_a_deleted_number_is_free_and_a_voided_one_is_not() -> None:
    async with books() as desk:
        await desk.put(invoice("7"), invoice("8", Status="AUTHORISED"))
        desk.simulator.hand.delete("7")
        desk.simulator.hand.void("8")
        answer = await desk.put(invoice("7"), invoice("8"))
        told = [one["StatusAttributeString"] for one in answer.json()["Invoices"]]
        assert told == ["OK", "ERROR"]


async def test_an_empty_number_is_given_by_the_organisation() -> None:
    async with books() as desk:
        numbers = [
            one["InvoiceNumber"]
            for one in (await desk.put(invoice(""), invoice(""))).json()["Invoices"]
        ]
        assert numbers == ["INV-1001", "INV-1002"]


async def test_one_bad_element_fails_alone_or_with_all() -> None:
    bad = invoice("9", line(tax="GONE"))
    async with books() as desk:
        answer = await desk.put(invoice("8"), bad, invoice("10"))
        told = [one["StatusAttributeString"] for one in answer.json()["Invoices"]]
        assert (answer.status_code, told) == (200, ["OK", "ERROR", "OK"])
    async with books() as desk:
        answer = await desk.put(invoice("8"), bad, invoice("10"), query="unitdp=4")
        assert answer.status_code == 400
        assert answer.json()["Type"] == "ValidationException"
        assert len(answer.json()["Elements"]) == 1
        assert not desk.simulator.books.documents
        assert (await desk.put(invoice("8"))).json()["Invoices"][0]["HasErrors"] is False


async def test_a_batch_that_breaks_in_the_middle_keeps_what_was_saved() -> None:
    async with books() as desk:
        desk.simulator.hand.break_batch(2)
        answer = await desk.put(*(invoice(str(n)) for n in range(5)))
        assert answer.status_code == 500
        assert len(desk.simulator.books.documents) == 2


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"LineItems": [line(tax="GONE")]}, "The TaxType code 'GONE' does not exist"),
        ({"LineItems": [line(tax="INPUT2")]}, "The TaxType code 'INPUT2' does not exist"),
        ({"LineItems": [line(tax="TAX002")]}, "The TaxType code 'TAX002' does not exist"),
        ({"LineItems": [line(AccountCode="999")]}, "Account code '999' is not a valid code"),
        ({"LineItems": [line(AccountCode="205")]}, "Account code '205' is not a valid code"),
        ({"LineItems": [line(AccountCode="090")]}, "Account code '090' is not a valid code"),
        ({"LineItems": [line(ItemCode="NONE-SUCH")]}, "Item code 'NONE-SUCH' is not valid"),
        ({"LineItems": [line(ItemCode="SPARE")]}, "Item code 'SPARE' is not sold"),
        ({"LineItems": [line(ItemCode="X" * 31)]}, "Price List Item Code must not be more than"),
        ({"LineItems": [line(LineAmount=11)]}, "The line total 11 does not match"),
        ({"LineItems": [line(Tracking=[{"Name": "Department", "Option": "?"}])]}, "The Tracking"),
        ({"LineItems": [line(LineItemID="unknown")]}, "Could not find line item(s)"),
        ({"LineItems": []}, "One or more line items"),
        ({"LineItems": [line(-2)]}, "The document total cannot be less than zero"),
        ({"CurrencyCode": "CHF"}, "Organisation is not subscribed to currency CHF"),
        ({"Contact": {"ContactID": TWO.replace("0", "f")}}, "The Contact could not be found"),
        ({"Contact": {}}, "A Contact must be specified"),
        ({"Status": "PAID"}, "Invoice not of valid status"),
        ({"Status": "AUTHORISED", "DueDate": None}, "DueDate must be specified"),
        ({"Type": "SOLD"}, "Invoice Type must be specified"),
        ({"Url": "https://go.xero.com/x"}, "Url is not valid"),
    ],
    ids=lambda one: one[:24] if isinstance(one, str) else "",
)
async def test_what_is_wrong_is_refused_in_the_vendors_words(
    more: dict[str, Any], reason: str
) -> None:
    told = await refused(invoice("7", **more) if "LineItems" not in more else
                         {**invoice("7"), **more})  # fmt: skip
    assert told[0].startswith(reason)


async def test_all_wrong_lines_are_told_at_once() -> None:
    told = await refused(invoice("7", line(tax="A"), line(), line(AccountCode="B")))
    assert len(told) == 2


async def test_an_archived_contact_cannot_be_invoiced() -> None:
    async with books() as desk:
        desk.simulator.hand.archive_contact(ONE)
        row = (await desk.put(invoice("7"))).json()["Invoices"][0]
        assert "has been archived" in reasons(row)[0]


async def test_naming_more_than_the_id_of_a_contact_changes_it() -> None:
    async with books() as desk:
        desk.simulator.books.contacts[ONE].persons = [{"FirstName": "Ada"}]
        told = {"ContactID": ONE, "EmailAddress": "new@example.com"}
        await desk.put(invoice("7", Contact=told))
        contact = desk.simulator.books.contacts[ONE]
        assert (contact.email, contact.persons) == ("new@example.com", [])
        before = len(desk.simulator.books.contacts)
        await desk.put(invoice("8", Contact={"Name": "Nobody yet"}))
        assert len(desk.simulator.books.contacts) == before + 1


async def test_a_document_moves_only_as_its_status_allows() -> None:
    async with books() as desk:
        await desk.put(invoice("7"))

        async def to(status: str) -> bool:
            body = {"InvoiceNumber": "7", "Type": "ACCREC", "Status": status}
            row = (await desk.put(body, method="POST")).json()["Invoices"][0]
            return not row["HasErrors"]

        moves = [await to(one) for one in ("VOIDED", "SUBMITTED", "DRAFT", "AUTHORISED", "DRAFT")]
        assert moves == [False, True, True, True, False]
        assert [await to("VOIDED"), await to("AUTHORISED")] == [True, False]


async def test_paid_is_set_when_nothing_is_due_and_falls_back() -> None:
    async with books() as desk:
        await desk.put(invoice("7", Status="AUTHORISED"))
        hand = desk.simulator.hand
        part, rest = hand.pay("7", "5.00"), ""
        assert hand.documents()[0]["Status"] == "AUTHORISED"
        rest = hand.pay("7")
        shown = (await desk.get("Invoices/7"))["Invoices"][0]
        assert (shown["Status"], shown["AmountDue"], shown["AmountPaid"]) == ("PAID", 0, 12)
        assert [one["PaymentID"] for one in shown["Payments"]] == [part, rest]
        answer = await desk.put({"PaymentID": rest, "Status": "DELETED"}, name="Payments",
                                method="POST")  # fmt: skip
        assert answer.json()["Payments"][0]["Status"] == "DELETED"
        shown = (await desk.get("Invoices/7"))["Invoices"][0]
        assert (shown["Status"], shown["AmountDue"]) == ("AUTHORISED", 7)


async def test_what_has_payments_or_credits_is_not_voided() -> None:
    async with books() as desk:
        await desk.put(invoice("7", Status="AUTHORISED"))
        desk.simulator.hand.pay("7", "1.00")
        body = {"InvoiceNumber": "7", "Type": "ACCREC", "Status": "VOIDED"}
        row = (await desk.put(body, method="POST")).json()["Invoices"][0]
        assert row["HasErrors"]
        assert desk.simulator.hand.documents()[0]["Status"] == "AUTHORISED"


async def test_an_approved_invoice_of_nothing_is_paid_at_once() -> None:
    async with books() as desk:
        row = (await desk.put(invoice("7", line(0), Status="AUTHORISED"))).json()["Invoices"][0]
        assert row["Status"] == "PAID"


@pytest.mark.parametrize("year", [False, True])
async def test_a_locked_period_takes_nothing(year: bool) -> None:
    async with books() as desk:
        await desk.put(invoice("6", Status="AUTHORISED"))
        desk.simulator.hand.lock("2026-11-01", year=year)
        rows = (await desk.put(invoice("7"), invoice("8", Date="2026-11-02"))).json()["Invoices"]
        which = "end of year" if year else "period"
        (told,) = reasons(rows[0])
        assert told.endswith(f"before the {which} lock date, currently set at 1 November 2026")
        assert not rows[1]["HasErrors"]
        void = {"InvoiceNumber": "6", "Type": "ACCREC", "Status": "VOIDED"}
        assert (await desk.put(void, method="POST")).json()["Invoices"][0]["HasErrors"]


async def test_a_credit_note_settles_an_invoice_when_it_is_allocated() -> None:
    async with books() as desk:
        await desk.put(invoice("7", line(2), Status="AUTHORISED"))
        row = (await desk.put(credit("CN-1", Status="AUTHORISED"), name="CreditNotes")).json()
        note = row["CreditNotes"][0]
        target = desk.simulator.hand.document("7").key

        async def allocate(amount: str) -> int:
            body = {"Allocations": [{"Invoice": {"InvoiceID": target}, "Amount": amount}]}
            path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
            return (await desk.ask("PUT", path, json=body)).status_code

        assert [await allocate("13"), await allocate("12"), await allocate("1")] == [400, 200, 400]
        shown = (await desk.get("Invoices/7"))["Invoices"][0]
        assert (shown["AmountDue"], shown["AmountCredited"]) == (12, 12)
        shown = (await desk.get(f"CreditNotes/{note['CreditNoteID']}"))["CreditNotes"][0]
        assert (shown["Status"], shown["RemainingCredit"]) == ("PAID", 0)


async def test_discounts_are_for_invoices_only() -> None:
    async with books() as desk:
        row = (await desk.put(invoice("7", line(3, 10, DiscountRate=12.5)))).json()["Invoices"][0]
        assert (row["SubTotal"], row["TotalTax"]) == (26.25, 5.25)
        row = (await desk.put(credit("1", line(DiscountRate=5)), name="CreditNotes")).json()
        assert row["CreditNotes"][0]["HasErrors"]


async def test_too_much_money_stands_as_an_overpayment() -> None:
    async with books() as desk:
        await desk.put(invoice("7", Status="AUTHORISED"))
        key = desk.simulator.hand.overpay("7", "3.00")
        rows = (await desk.get("Overpayments?page=1"))["Overpayments"]
        assert [(one["OverpaymentID"], one["RemainingCredit"]) for one in rows] == [(key, 3)]


async def test_notes_of_history_are_kept() -> None:
    async with books() as desk:
        await desk.put(invoice("7"))
        note = {"HistoryRecords": [{"Details": "posted"}]}
        assert (await desk.ask("PUT", "Invoices/7/History", json=note)).status_code == 200
        found = (await desk.get("Invoices/7/History"))["HistoryRecords"]
        assert [one["Details"] for one in found] == ["posted"]
