"""Each number of Microsoft's sign-in service is a named reason, whatever the words around it."""

from __future__ import annotations

import json

import msgspec
import pytest
from syncd_entra.refusals import AADSTS, Blame, Refusal, error_text, meaning_of, refined
from syncd_entra.sandbox.logins import refusal

from syncd.sdk.errors import PermissionMissing, RequestRejected

APP, TENANT, SIGN_IN, LATER = Blame.APP, Blame.TENANT, Blame.SIGN_IN, Blame.LATER

TABLE = {
    (7000215,): ("SECRET_WRONG", APP),
    (7000222,): ("SECRET_EXPIRED", APP),
    (700027, 700021, 700023, 700024, 50027): ("CERTIFICATE_REFUSED", APP),
    (7000112,): ("APP_DISABLED", APP),
    (700016, 7000229, 65001, 90099): ("CONSENT_MISSING", TENANT),
    (500011,): ("RESOURCE_MISSING", TENANT),
    (700082, 70008, 50173, 70043): ("SIGN_IN_EXPIRED", SIGN_IN),
    (50076, 50079, 50074, 50078): ("MFA_REQUIRED", Blame.FACTOR),
    (53003, 530032, 53000): ("CONDITIONAL_ACCESS", TENANT),
    (50020, 50177, 50034): ("GDAP_MISSING", TENANT),
    (530034,): ("PARTNER_BLOCKED", SIGN_IN),
    (90002, 900023): ("TENANT_GONE", TENANT),
    (50196, 90033, 90055, 90024, 90090): ("LOGIN_BUSY", LATER),
}
EVERY = {number: meaning for numbers, meaning in TABLE.items() for number in numbers}


def body(**said):
    return json.dumps(said).encode()


def test_the_table_is_complete():
    assert AADSTS.keys() == EVERY.keys()
    assert all(meaning.what and meaning.remedy for meaning in AADSTS.values())


@pytest.mark.parametrize("number", EVERY)
def test_a_number_has_its_reason_and_its_blame(number):
    meaning, said_by = meaning_of(msgspec.json.encode(refusal(number)[1]))
    assert ((meaning.code, meaning.blame), said_by) == (EVERY[number], number)


@pytest.mark.parametrize("number", EVERY)
def test_the_number_decides_and_not_the_error_beside_it(number):
    meaning, _ = meaning_of(body(error="made_up", error_codes=[1, number]))
    assert (meaning.code, meaning.blame) == EVERY[number]


def test_without_a_list_of_numbers_the_description_names_one():
    said = body(error="invalid_grant", error_description="AADSTS65001: AADSTS700 is in the text")
    assert meaning_of(said)[0].code == "CONSENT_MISSING"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (body(error="invalid_client", error_codes=[999999]), "SECRET_WRONG"),
        (body(error="temporarily_unavailable"), "LOGIN_BUSY"),
        (body(error="invalid_grant", error_codes=[999999]), "TOKEN_REFUSED"),
        (b"<html>", "TOKEN_REFUSED"),
        (b"", "TOKEN_REFUSED"),
        (b'{"error": {"code": 5}}', "TOKEN_REFUSED"),
    ],
)
def test_a_number_that_nobody_knows_is_read_by_its_error(said, code):
    assert meaning_of(said)[0].code == code


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (body(error={"code": "A", "message": "b"}), "A: b"),
        (b"\xef\xbb\xbf" + body(error={"code": "A", "message": "b"}), "A: b"),
        (body(error={"code": "", "message": "b"}), "b"),
        (body(error=None), ""),
        (b"\xff", ""),
        (b"plain", ""),
    ],
)
def test_words_of_graph_are_its_code_and_message(said, words):
    assert error_text(403, said) == words


def test_refusals_of_graph_have_names_of_their_own():
    claims = refined(PermissionMissing("x: insufficient_claims", connection="m"), "A.Read")
    assert isinstance(claims, Refusal)
    assert claims.reason == "CONDITIONAL_ACCESS"
    premium = "Authentication_RequestFromNonPremiumTenantOrB2CTenant: no"
    for kind in (PermissionMissing, RequestRejected):
        found = refined(kind(premium, connection="m"), "A.Read")
        assert isinstance(found, Refusal)
        assert found.reason == "SIGN_IN_DATA_MISSING"
    right = refined(PermissionMissing("no", connection="m"), "A.Read")
    assert str(right).startswith("PERMISSION_MISSING: A.Read is not granted")
    assert "A.Read" in right.remedy
    other = RequestRejected("no")
    assert refined(other, "A.Read") is other
