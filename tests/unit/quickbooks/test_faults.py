"""What a fault of QuickBooks means, in whichever casing and under whichever code it comes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syncd_quickbooks.faults import Next, fault_in, fault_text

UPPER: dict[str, Any] = {
    "Fault": {
        "Error": [
            {
                "Message": "Duplicate Document Number Error",
                "Detail": "Duplicate Document Number Error : You must specify a different number."
                " DocNumber=PSA-2043 is assigned to TxnType=Invoice with TxnId=145",
                "code": "6140",
                "element": "",
            }
        ],
        "type": "ValidationFault",
    },
    "time": "2026-11-01T02:11:06.312-07:00",
}
GATEWAY: dict[str, Any] = {
    "warnings": None,
    "fault": {
        "error": [
            {
                "message": "message=AuthenticationFailed; errorCode=003200; statusCode=401",
                "detail": "Token expired",
                "code": "3200",
                "element": None,
            }
        ],
        "type": "AUTHENTICATION",
    },
    "requestId": None,
    "time": 1730024394085,
}


def fault(code: str, detail: str = "words", kind: str = "ValidationFault") -> bytes:
    error = {"Message": "Message", "Detail": detail, "code": code}
    return json.dumps({"Fault": {"Error": [error], "type": kind}}).encode()


def test_a_number_that_is_taken_names_its_holder() -> None:
    said = fault_in(json.dumps(UPPER).encode())
    assert said is not None
    assert (said.code, said.rejected) == ("6140", "NUMBER_TAKEN")
    assert said.holder == ("Invoice", "145")


@pytest.mark.parametrize("code", ["6210", "6240", "6000"])
def test_a_number_that_is_taken_is_known_by_its_words_too(code: str) -> None:
    said = fault_in(fault(code, "Duplicate Document Number Error: 7"))
    assert said is not None
    assert said.rejected == "NUMBER_TAKEN"


def test_the_gateway_writes_small_letters() -> None:
    said = fault_in(json.dumps(GATEWAY).encode())
    assert said is not None
    assert (said.code, said.next) == ("3200", Next.PERSON)


@pytest.mark.parametrize(
    ("code", "kind", "following"),
    [
        ("3001", "ServiceFault", Next.LATER),
        ("003001", "SERVICE", Next.LATER),
        ("10000", "SystemFault", Next.UNKNOWN),
        ("77", "SystemFault", Next.UNKNOWN),
        ("600", "ValidationFault", Next.UNKNOWN),
        ("2130", "ValidationFault", Next.UNKNOWN),
        ("120", "AuthorizationFault", Next.PERSON),
        ("3100", "AUTHORIZATION", Next.PERSON),
        ("2010", "ValidationFault", Next.REFUSED),
    ],
)
def test_what_happens_next_is_decided_by_code_and_type(
    code: str, kind: str, following: Next
) -> None:
    said = fault_in(fault(code, kind=kind))
    assert said is not None
    assert said.next is following


@pytest.mark.parametrize(
    ("code", "detail", "reason"),
    [
        ("6200", "The account period has closed", "PERIOD_LOCKED"),
        ("6210", "closed, password required", "PERIOD_LOCKED"),
        ("6000", "Business Validation Error: the books have been closed", "PERIOD_LOCKED"),
        ("6100", "Invalid tax code", "TAX_UNUSABLE"),
        ("6240", "The name supplied already exists", "NAME_TAKEN"),
        ("6250", "customer", "CONTACT_UNUSABLE"),
        ("610", "another Customer is using it or it has been made inactive", "CONTACT_UNUSABLE"),
        ("610", "Item 25 has been made inactive", "ITEM_UNUSABLE"),
        ("610", "Check the fields with accounts, customers, items, vendors", "REFUSED"),
        ("2500", "Invalid Reference Id : TaxCodeRef", "TAX_UNUSABLE"),
        ("2500", "Invalid Reference Id : Accounts element id 3", "ACCOUNT_UNUSABLE"),
        ("6000", "Multi currency should be enabled", "CURRENCY_UNUSABLE"),
        ("6480", "matched", "NOT_ALLOWED_NOW"),
        ("620", "cannot be linked", "NOT_ALLOWED_NOW"),
        ("5010", "Stale Object Error", "VERSION_MOVED"),
        ("6070", "Amount calculation incorrect", "REFUSED"),
        ("4711", "whatever", "REFUSED"),
    ],
)
def test_a_refusal_has_a_reason(code: str, detail: str, reason: str) -> None:
    said = fault_in(fault(code, detail))
    assert said is not None
    assert said.rejected == reason


def test_what_is_no_fault_is_none() -> None:
    assert fault_in(b'{"Invoice": {"Id": "1", "PrivateNote": "default"}}') is None
    assert fault_in(b"<html>Fault</html>") is None
    assert fault_in(b"") is None
    assert fault_text(500, b"oops") == ""


def test_a_fault_as_text_starts_with_its_type_and_code() -> None:
    text = fault_text(401, json.dumps(GATEWAY).encode())
    assert text.startswith("[AUTHENTICATION:3200] ")
