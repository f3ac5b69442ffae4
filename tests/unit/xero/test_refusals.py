"""Xero's refusals have no codes: each known text has a meaning, an unknown one stays what it is."""

from __future__ import annotations

import json

import pytest
from syncd_xero.refusals import (
    all_messages,
    code_of,
    error_text,
    is_other_request,
    meaning,
    of_elements,
)

from syncd.sdk.ledger_writes import RejectedCode as R

KNOWN = [
    ("Invoice # must be unique.", R.NUMBER_TAKEN),
    ("Credit Note # must be unique", R.NUMBER_TAKEN),
    ("Invoice not of valid status for modification", R.NOT_ALLOWED_NOW),
    ("The contact name Acme is already assigned to another contact.", R.NAME_TAKEN),
    ("The contact name must be unique across all active contacts.", R.NAME_TAKEN),
    ("The contact number 12 is already assigned to another contact.", R.NAME_TAKEN),
    ("Price List Item with Code '7' already exists", R.NAME_TAKEN),
    ("Account code 'X' is not a valid code for this document.", R.ACCOUNT_UNUSABLE),
    ("The TaxType code 'X' does not exist or cannot be used with this type of transaction.",
     R.TAX_UNUSABLE),
    ("The document date cannot be before the period lock date, currently set at 31 October 2026",
     R.PERIOD_LOCKED),
    ("The document date cannot be before the end of year lock date", R.PERIOD_LOCKED),
    ("Organisation is not subscribed to currency EUR", R.CURRENCY_UNUSABLE),
    ("The contact has been archived", R.CONTACT_UNUSABLE),
    ("Item code 'X' is not valid", R.ITEM_UNUSABLE),
    ("Invoice Type must be specified", R.REFUSED),
    ("Price List Item Code must not be more than than 30 characters long", R.REFUSED),
    ("Something that nobody has seen", R.REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), KNOWN, ids=[str(n) for n in range(len(KNOWN))])
def test_each_known_text_has_a_meaning(text: str, code: R) -> None:
    assert code_of(text) is code


def test_a_taken_number_outweighs_every_other_message() -> None:
    code, text = meaning(["The contact has been archived", "Invoice # must be unique.", ""])
    assert code is R.NUMBER_TAKEN
    assert text == "The contact has been archived Invoice # must be unique."


def test_a_known_reason_outweighs_an_unknown_one() -> None:
    assert meaning(["No idea", "Organisation is not subscribed to currency EUR"])[0] == (
        R.CURRENCY_UNUSABLE
    )
    assert meaning([]) == (R.REFUSED, "Xero refuses it without a reason")


def test_a_whole_batch_names_its_elements() -> None:
    body = json.dumps({
        "ErrorNumber": 10, "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": [
            {"InvoiceNumber": "A", "ValidationErrors": [{"Message": "one"}, {"Message": "two"}]},
            {"InvoiceNumber": "B", "ValidationErrors": []},
        ],
    }).encode()  # fmt: skip
    assert of_elements(body) == {"A": ["one", "two"]}
    assert all_messages(body) == ["one", "two"]
    assert error_text(400, body) == "one two"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"Title":"No","Detail":"AuthenticationUnsuccessful"}', "AuthenticationUnsuccessful"),
        (b'{"Message":"A validation exception occurred","Elements":[]}',
         "A validation exception occurred"),
        (b"rate limited", ""),
        (b"<html>no</html>", ""),
        (b"\xff\xfe", ""),
        (b"[]", ""),
        (b'{"Elements": 7}', ""),
    ],
    ids=["problem", "general", "plain", "page", "garbage", "list", "shape"],
)  # fmt: skip
def test_any_body_is_read_without_failing(body: bytes, text: str) -> None:
    assert error_text(400, body) == text


def test_a_key_of_another_request_is_told_apart() -> None:
    assert is_other_request("Idempotency Key abc is used with a different request.")
    assert not is_other_request("Invoice # must be unique.")
