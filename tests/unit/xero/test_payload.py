"""What a document is written as: explicit, by ids, with our marker, and nothing cut."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from syncd_xero.payload import document_of

from syncd.sdk.errors import DataError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis
from tests.builders_xero import ONE, ledger_document, ledger_line
from tests.builders_xero_books import config

MARKER = "syncd-abcdefghijklmnop"


def written(*lines: Any, settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    document = ledger_document("SI-1", *lines, marker=MARKER, **more)
    return document_of(document, config(**(settings or {})))


def test_a_document_states_everything_and_names_the_contact_by_its_id_alone() -> None:
    line = ledger_line("137.0000", "0.0625", tracking=("c1:o1", "c2:o2"), item="BKP")
    assert written(line, reference="PO 7", url="https://psa.example/1") == {
        "Type": "ACCREC",
        "InvoiceNumber": "SI-1",
        "Reference": "PO 7 syncd-abcdefghijklmnop",
        "Contact": {"ContactID": ONE},
        "Date": "2026-11-02",
        "DueDate": "2026-12-02",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": "GBP",
        "Status": "DRAFT",
        "Url": "https://psa.example/1",
        "LineItems": [
            {
                "Description": "Backup",
                "Quantity": Decimal(137),
                "UnitAmount": Decimal("0.0625"),
                "TaxType": "OUTPUT2",
                "AccountCode": "200",
                "ItemCode": "BKP",
                "Tracking": [
                    {"TrackingCategoryID": "c1", "TrackingOptionID": "o1"},
                    {"TrackingCategoryID": "c2", "TrackingOptionID": "o2"},
                ],
            }
        ],
    }


def test_numbers_are_written_without_an_exponent() -> None:
    [line] = written(ledger_line("1E+3", "1E-4"))["LineItems"]
    assert (f"{line['Quantity']}", f"{line['UnitAmount']}") == ("1000", "0.0001")


def test_a_credit_note_has_its_own_fields_and_no_due_date() -> None:
    wire = written(kind=DocumentKind.CREDIT, url="https://psa.example/1")
    assert wire["Type"] == "ACCRECCREDIT"
    assert wire["CreditNoteNumber"] == "SI-1"
    assert not {"InvoiceNumber", "DueDate", "Url"} & set(wire)


def test_a_credit_notes_discount_is_in_its_price() -> None:
    line = msgspec.structs.replace(ledger_line("3", "10"), discount_percent=Decimal("12.5"))
    [wire] = written(line, kind=DocumentKind.CREDIT)["LineItems"]
    assert wire["UnitAmount"] == Decimal("8.75")
    assert "DiscountRate" not in wire
    [wire] = written(line)["LineItems"]
    assert (wire["UnitAmount"], wire["DiscountRate"]) == (Decimal(10), Decimal("12.5"))


def test_the_status_and_the_basis_are_told() -> None:
    assert written(approved=True)["Status"] == "AUTHORISED"
    assert written(settings={"draft_status": "SUBMITTED"})["Status"] == "SUBMITTED"
    assert written(basis=AmountBasis.INCLUSIVE)["LineAmountTypes"] == "Inclusive"
    assert written(basis=AmountBasis.NO_TAX)["LineAmountTypes"] == "NoTax"


def test_words_alone_are_a_description_alone() -> None:
    words = ledger_line("0", "0", "", account="", text_only=True)
    assert written(words, ledger_line())["LineItems"][0] == {"Description": "Backup"}


def test_an_address_that_xero_refuses_is_left_out() -> None:
    assert "Url" not in written(url="https://psa.example/xero/1")


def test_a_reference_can_be_composed_otherwise() -> None:
    told = {"reference": "{number}: {marker}"}
    assert written(settings=told)["Reference"] == "SI-1: syncd-abcdefghijklmnop"
    assert written()["Reference"] == "syncd-abcdefghijklmnop"


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"number": "N" * 256}, "256 characters"),
        ({"number": ""}, "0 characters"),
        ({"number": 'SI"1'}, "quote"),
        ({"number": "SI\n1"}, "control character"),
        ({"reference": "P" * 250}, "keeps 255"),
        ({"approved": True, "due": None}, "no due date"),
        ({"lines": (ledger_line(description="x" * 4001),)}, "4001 characters"),
        ({"lines": (ledger_line(tracking=("a:1", "b:2", "c:3")),)}, "3 tracking options"),
        ({"lines": (ledger_line(tracking=("a:1", "a:2")),)}, "2 tracking options"),
        ({"lines": (ledger_line(tax=""),)}, "no tax code"),
    ],
    ids=["long", "empty", "quote", "control", "reference", "due", "words", "three", "same", "tax"],
)
def test_what_cannot_be_written_is_refused_and_never_cut(
    changed: dict[str, Any], complaint: str
) -> None:
    document = msgspec.structs.replace(ledger_document("SI-1"), **changed)
    with pytest.raises(DataError, match=complaint):
        document_of(document, config())


def test_a_due_date_is_left_to_the_books_where_there_is_none() -> None:
    assert "DueDate" not in written(due=None)
    assert written(due=date(2026, 11, 30))["DueDate"] == "2026-11-30"
