"""Xero's documents and payments in the words that every accounting system shares."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from syncd_xero.entries import credits_of, entry_of, payments_of
from syncd_xero.models import Envelope, WireDocument
from syncd_xero.references import account, contact, tax, tracking
from syncd_xero.values import day, lists, modified_since, moment

from syncd.sdk.errors import ProtocolError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry

MARKER = "syncd-abcdefghijklmnop"


def entry(**more: Any) -> LedgerEntry:
    wire = {
        "Type": "ACCREC", "InvoiceID": "AAAA", "InvoiceNumber": "SI-1", "Status": "AUTHORISED",
        "Contact": {"ContactID": "CCCC", "Name": "Acme"}, "CurrencyCode": "GBP",
        "Date": "/Date(1793491200000+0000)/", "DueDate": "/Date(1795996800000+0000)/",
        "SubTotal": 10, "TotalTax": 2, "Total": 12, "AmountDue": 7.00, "AmountPaid": 5.00,
        "Reference": f"PO 7 {MARKER}", "UpdatedDateUTC": "/Date(1793491200123+0000)/", **more,
    }  # fmt: skip
    document = msgspec.json.decode(msgspec.json.encode(wire), type=WireDocument)
    return entry_of(document, "books", "https://xero.example/{id}")


def test_an_invoice_is_told_whole() -> None:
    found = entry()
    assert (found.remote, found.contact, found.marker) == ("aaaa", "cccc", MARKER)
    assert (found.dated, found.due) == (date(2026, 11, 1), date(2026, 11, 30))
    assert (found.paid, found.balance) == (Decimal(5), Decimal(7))
    assert found.url == "https://xero.example/aaaa"
    assert not found.whole


@pytest.mark.parametrize(
    ("reference", "marker"),
    [
        (MARKER, MARKER),
        (f"{MARKER}, PO", MARKER),
        (f"x{MARKER}", ""),
        (f"{MARKER}q", ""),
        ("syncd-short", ""),
        ("", ""),
    ],
    ids=["alone", "before", "inside", "longer", "short", "empty"],
)
def test_a_marker_is_a_word_of_its_own(reference: str, marker: str) -> None:
    assert entry(Reference=reference).marker == marker


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("DRAFT", EntryStatus.DRAFT), ("SUBMITTED", EntryStatus.DRAFT),
        ("AUTHORISED", EntryStatus.OPEN), ("PAID", EntryStatus.PAID),
        ("VOIDED", EntryStatus.VOIDED), ("DELETED", EntryStatus.DELETED),
    ],
    ids=["draft", "submitted", "authorised", "paid", "voided", "deleted"],
)  # fmt: skip
def test_each_status_has_a_meaning(status: str, told: EntryStatus) -> None:
    assert entry(Status=status).status is told


def test_a_credit_note_tells_what_is_left_of_it() -> None:
    found = entry(
        Type="ACCRECCREDIT", InvoiceID="", CreditNoteID="DDDD", InvoiceNumber=None,
        CreditNoteNumber="CN-1", RemainingCredit=4, Allocations=[
            {"Amount": 5, "Invoice": {"InvoiceID": "AAAA"}},
            {"Amount": 9, "Invoice": {"InvoiceID": "BBBB"}, "IsDeleted": True},
        ], Payments=[{"Amount": 3, "Status": "AUTHORISED"}],
    )  # fmt: skip
    assert (found.kind, found.number, found.remote) == (DocumentKind.CREDIT, "CN-1", "dddd")
    assert (found.credited, found.paid, found.balance) == (Decimal(5), Decimal(3), Decimal(4))
    assert (found.due, found.url) == (None, "")


def test_lines_that_include_tax_are_told_without_it() -> None:
    line = {"LineAmount": 3.99, "TaxAmount": 0.67, "Quantity": 1, "TaxType": "OUTPUT2",
            "UnitAmount": 3.99, "AccountCode": "200", "Description": "x"}  # fmt: skip
    [told] = entry(LineItems=[line], LineAmountTypes="Inclusive").lines
    assert told.net == Decimal("3.32")
    [told] = entry(LineItems=[line], LineAmountTypes="Exclusive").lines
    assert told.net == Decimal("3.99")
    [words] = entry(LineItems=[{"Description": "x", "LineAmount": 0, "TaxType": "NONE"}]).lines
    assert words.tax_code == ""


PAYMENTS = {
    "Payments": [
        {"PaymentID": "P1", "Amount": 5.0, "Date": "/Date(1793491200000)/", "Status": "AUTHORISED",
         "PaymentType": "ACCRECPAYMENT", "Invoice": {"InvoiceID": "AA", "Type": "ACCREC",
         "CurrencyCode": "GBP"}},
        {"PaymentID": "P2", "Amount": 6, "Date": "/Date(1793491200000)/", "Status": "DELETED",
         "PaymentType": "ACCRECPAYMENT", "Invoice": {"InvoiceID": "AA"}},
        {"PaymentID": "P3", "Amount": 7, "Date": "/Date(1793491200000)/", "Status": "AUTHORISED",
         "PaymentType": "ACCPAYPAYMENT", "Invoice": {"InvoiceID": "BB", "Type": "ACCPAY"}},
        {"PaymentID": "P4", "Amount": 8, "Date": "/Date(1793491200000)/", "Status": "AUTHORISED",
         "PaymentType": "ARCREDITPAYMENT"},
    ],
    "Overpayments": [
        {"OverpaymentID": "O1", "Type": "RECEIVE-OVERPAYMENT", "Status": "AUTHORISED", "Total": 10,
         "Date": "/Date(1793491200000)/", "RemainingCredit": 4, "Contact": {"ContactID": "CC"},
         "Allocations": [{"Amount": 6, "Invoice": {"InvoiceID": "AA"}}]},
        {"OverpaymentID": "O2", "Type": "SPEND-OVERPAYMENT", "Status": "AUTHORISED",
         "Date": "/Date(1793491200000)/", "RemainingCredit": 4},
        {"OverpaymentID": "O3", "Type": "RECEIVE-OVERPAYMENT", "Status": "VOIDED", "Total": 9,
         "Date": "/Date(1793491200000)/", "RemainingCredit": 0, "Allocations": []},
        {"OverpaymentID": "O4", "Type": "RECEIVE-OVERPAYMENT", "Status": "PAID", "Total": 10,
         "Date": "/Date(1793491200000)/", "RemainingCredit": 0, "Payments": [{"Amount": 3}],
         "Allocations": [{"Amount": 7, "Invoice": {"InvoiceID": "BB"}}]},
    ],
}  # fmt: skip


def test_payments_of_sales_are_told_and_others_are_not() -> None:
    answer = msgspec.json.decode(msgspec.json.encode(PAYMENTS), type=Envelope)
    told = [(one.remote, one.amount, one.deleted) for one in payments_of(answer.payments or [])]
    assert told == [("p1", Decimal(5), False), ("p2", Decimal(6), True)]
    parts = [
        (one.remote, one.document, one.amount, one.deleted)
        for one in credits_of(answer.overpayments or [], "books")
    ]
    assert parts == [
        ("o1", "aa", Decimal(6), False),
        ("o1", "", Decimal(4), False),
        ("o3", "", Decimal(9), True),
        ("o4", "bb", Decimal(7), False),
    ]


HIDDEN: list[dict[str, Any]] = [
    {},
    {"RemainingCredit": 10.0, "Total": 12.5},
    {"RemainingCredit": 4},
    {"RemainingCredit": 4, "Allocations": []},
    {"RemainingCredit": 0, "Allocations": [{"Amount": 6, "Invoice": {"InvoiceID": "AA"}}]},
    {"RemainingCredit": 4, "Allocations": [{"Amount": 6, "IsDeleted": True}]},
    {"RemainingCredit": 4, "Payments": [{"Amount": 6, "Status": "DELETED"}]},
]


@pytest.mark.parametrize("more", HIDDEN, ids=[f"case{n}" for n in range(len(HIDDEN))])
def test_an_overpayment_that_does_not_show_its_parts_is_not_believed(more: dict[str, Any]) -> None:
    row = {"OverpaymentID": "O1", "Type": "RECEIVE-OVERPAYMENT", "Status": "AUTHORISED",
           "Total": 10, "Date": "/Date(1793491200000)/", **more}  # fmt: skip
    found = msgspec.json.decode(msgspec.json.encode({"Overpayments": [row]}), type=Envelope)
    with pytest.raises(ProtocolError, match="O1"):
        list(credits_of(found.overpayments or [], "books"))


def test_moments_are_read_in_both_forms() -> None:
    at = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)
    assert moment("/Date(1793491200000+0000)/") == at
    assert moment("/Date(1793491200000+1300)/") == at, "the offset says where, not when"
    assert moment("2026-11-01T00:00:00") == at
    assert moment("2026-11-01T13:00:00.0000000+13:00") == at
    assert day("/Date(1793491200000)/") == date(2026, 11, 1)
    assert modified_since(at) == "2026-11-01T00:00:00"
    for text in ("", "yesterday", "/Date(x)/", f"/Date({'9' * 30})/"):
        with pytest.raises(ValueError):
            moment(text)


def test_lists_fit_an_address() -> None:
    groups = list(lists([f"{n:03}" * 20 for n in range(60)], 50, 600))
    assert [len(group) for group in groups] == [9] * 6 + [6]
    assert list(lists([], 50)) == []
    assert [len(group) for group in lists(["x"] * 101, 50)] == [50, 50, 1]


def test_catalogues_say_what_cannot_be_used() -> None:
    def read(kind: str, row: dict[str, Any]) -> Any:
        answer = msgspec.json.decode(msgspec.json.encode({kind: [row]}), type=Envelope)
        return getattr(answer, {"Contacts": "contacts", "Accounts": "accounts",
                                "TaxRates": "tax_rates",
                                "TrackingCategories": "tracking_categories"}[kind])[0]  # fmt: skip

    gone = contact(read("Contacts", {"ContactID": "A", "Name": "X", "ContactStatus": "ARCHIVED"}))
    assert not gone.active
    assert account(read("Accounts", {"Code": "090", "Type": "BANK", "Name": "Bank"})).blocked
    purchases = tax(read("TaxRates", {"TaxType": "INPUT2", "CanApplyToRevenue": False}))
    assert purchases.blocked
    assert purchases.rates == ()
    parts = [{"Name": "a", "Rate": 5}, {"Name": "b", "Rate": 2.5}]
    assert tax(read("TaxRates", {"TaxType": "T", "TaxComponents": parts})).rates == (
        Decimal("7.5"),
    )
    parts[1]["IsCompound"] = True
    assert tax(read("TaxRates", {"TaxType": "T", "TaxComponents": parts})).rates == ()
    row = {"TrackingCategoryID": "C", "Name": "D", "Status": "ARCHIVED",
           "Options": [{"TrackingOptionID": "O", "Name": "E", "Status": "ACTIVE"}]}  # fmt: skip
    [option] = tracking(read("TrackingCategories", row))
    assert (option.key, option.name, option.active) == ("c:o", "D / E", False)
