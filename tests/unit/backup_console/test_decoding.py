"""What the console answers is decoded in any letters, and refused in one clear sentence."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from syncd_backup_console.client import error_text
from syncd_backup_console.decoding import decoded, spelling
from syncd_backup_console.models import NIL, Bill, Licence, User, normal_id

from syncd.sdk.errors import ProtocolError
from syncd.sdk.http import Answer

LICENCE = {
    "ID": "L-1", "Number": 41, "ComputerName": None, "OperatingSystem": None, "IsTrial": False,
    "IsTaken": True, "LicenseType": "Server", "DateExpired": None, "Transaction": None,
    "User": "acme", "UserID": "U-1",
}  # fmt: skip


def answer(body) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(
        status=200,
        url="https://api.example.com/api/Licenses?x=secret",
        headers={},
        body=text,
        request_id=None,
        connection="backup",
    )


def refusal(body, kind=list[Licence]) -> str:
    with pytest.raises(ProtocolError) as error:
        decoded(answer(body), kind)
    return str(error.value)


@pytest.mark.parametrize(
    "change", [str, str.lower, str.upper, lambda name: name[:1].lower() + name[1:]]
)
def test_field_names_are_read_in_any_letters(change):
    (found,) = decoded(
        answer([{change(name): value for name, value in LICENCE.items()}]), list[Licence]
    )
    assert (found.id, found.taken, found.kind, found.user_id) == ("L-1", True, "Server", "U-1")


def test_money_stays_exact_in_any_letters():
    body = (
        b'{"averageSpaceUsed":1125899906842624,"totalRestore":0,"statisticBilling":[{"userId":"u",'
        b'"email":null,"companyName":null,"averageSpace":1125899906842624,"totalVolumeRestore":0,'
        b'"planCost":0.12345678901234567891}]}'
    )
    found = decoded(answer(body), Bill)
    assert found.users[0].limit == Decimal("0.12345678901234567891")
    assert found.users[0].average == 2**50


@pytest.mark.parametrize("body", [b"null", b" null ", b'"Email already exist"', b"\xef"])
def test_null_and_a_text_are_one_clear_sentence_without_the_text(body):
    said = refusal(body)
    assert said.startswith("backup: GET /api/Licenses answered 200 with ")
    assert "Email" not in said
    assert "secret" not in said


def test_null_and_a_text_are_told_apart():
    assert "null, which stands for something unknown" in refusal(b"null")
    assert "a text, which stands for an error" in refusal(b'"no"')
    assert "a web page instead of JSON" in refusal(b"<html>")
    assert "an empty body" in refusal(b"")


@pytest.mark.parametrize(
    "missing", ["ID", "IsTrial", "IsTaken", "LicenseType", "DateExpired", "User", "UserID"]
)
def test_a_missing_field_is_a_broken_contract_and_never_a_no(missing):
    body = [{name: value for name, value in LICENCE.items() if name != missing}]
    assert f"`{missing}`" in refusal(body)


@pytest.mark.parametrize(
    "change", [{"IsTaken": "true"}, {"ID": 5}, {"LicenseType": None}, {"IsTrial": None}]
)
def test_a_field_of_another_type_is_refused_with_its_place(change):
    assert f"at `$[0].{next(iter(change))}`" in refusal([{**LICENCE, **change}])


def test_a_row_that_is_null_is_refused():
    assert "Expected `object`, got `null`" in refusal([LICENCE, None])


def test_every_name_has_its_documented_letters():
    assert spelling(list[User]) == {
        "id": "ID", "email": "Email", "company": "Company", "companyid": "CompanyId",
    }  # fmt: skip
    assert spelling(Bill)["plancost"] == "PlanCost"


def test_an_id_that_is_not_set_is_empty():
    assert [normal_id(text) for text in (None, "", " ", NIL, NIL.upper(), " AB-1 ")] == [
        "", "", "", "", "", "ab-1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"Message": "License not found"}', "License not found"),
        (404, b'{"message": "No HTTP resource"}', "No HTTP resource"),
        (400, b'{"error": "invalid_grant", "error_description": "x"}', "invalid_grant"),
        (400, b'"plain"', "plain"),
        (500, b'{"Message":"An error has occurred.","StackTrace":"at"}', "An error has occurred."),
        (502, b"<html>", ""),
        (500, b'{"Message": 5}', ""),
        (500, b"", ""),
    ],
)
def test_an_error_speaks_in_the_consoles_words(status, body, words):
    assert error_text(status, body) == words
