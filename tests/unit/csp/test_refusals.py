"""Every refusal that Microsoft documents has a name, a remedy and somebody whose it is."""

from __future__ import annotations

import json

import pytest
from syncd_csp.refusals import (
    AADSTS,
    CODES,
    Blame,
    Refusal,
    fault_text,
    graph_text,
    meaning_of,
    pause_in,
    refined,
)

from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing, RequestRejected

NAMED = {
    "SECRET_WRONG": (Blame.CONNECTION, {7000215}),
    "SECRET_EXPIRED": (Blame.CONNECTION, {7000222}),
    "CERTIFICATE_REFUSED": (Blame.CONNECTION, {700027}),
    "APP_DISABLED": (Blame.CONNECTION, {7000112}),
    "CONSENT_MISSING": (Blame.CONNECTION, {700016, 7000229, 65001, 90099}),
    "RESOURCE_MISSING": (Blame.CONNECTION, {500011}),
    "SIGN_IN_EXPIRED": (Blame.SIGN_IN, {700082, 70008, 50173, 70043}),
    "MFA_REQUIRED": (Blame.SIGN_IN, {50076, 50079, 50074, 50078}),
    "PARTNER_BLOCKED": (Blame.SIGN_IN, {530034}),
    "CONDITIONAL_ACCESS": (Blame.SIGN_IN, {53003, 530032, 53000}),
    "PERSON_UNKNOWN": (Blame.SIGN_IN, {50020, 50177, 50034}),
    "TENANT_GONE": (Blame.CONNECTION, {90002, 900023}),
    "LOGIN_BUSY": (Blame.LATER, {50196, 90033, 90055, 90024, 90090}),
}


def said(error: str, *numbers: int, text: str = "") -> bytes:
    body = {"error": error, "error_codes": list(numbers), "error_description": text}
    return json.dumps(body).encode()


def test_every_number_of_the_sign_in_service_has_its_name() -> None:
    found: dict[str, tuple[Blame, set[int]]] = {}
    for number, meaning in AADSTS.items():
        found.setdefault(meaning.code, (meaning.blame, set()))[1].add(number)
    assert found == NAMED
    assert all(meaning.remedy for meaning in (*AADSTS.values(), *CODES.values()))


def test_a_refusal_is_known_by_its_number_and_not_by_its_words() -> None:
    assert meaning_of(said("invalid_grant", 1, 700082))[0].code == "SIGN_IN_EXPIRED"
    assert meaning_of(said("x", text="AADSTS7000215: wrong"))[0].code == "SECRET_WRONG"
    assert meaning_of(said("invalid_client"))[0].code == "SECRET_WRONG"
    assert meaning_of(said("invalid_grant", 424242)) == (meaning_of(b"")[0], 424242)
    assert meaning_of(b"<html>")[0].code == "TOKEN_REFUSED"


@pytest.mark.parametrize(
    ("code", "name", "blame"),
    [
        ("900420", "WRONG_AUDIENCE", Blame.CONNECTION),
        ("900329", "PERSON_NEEDED", Blame.CONNECTION),
        ("900308", "ROLE_MISSING", Blame.CUSTOMER),
        ("900309", "CONDITIONAL_ACCESS", Blame.CUSTOMER),
        ("20002", "NO_RELATIONSHIP", Blame.CUSTOMER),
        ("2032", "ACCESS_DENIED", Blame.CUSTOMER),
        ("60003", "TENANT_GONE", Blame.CUSTOMER),
        ("20003", "CUSTOMER_NOT_FOUND", Blame.CUSTOMER),
        ("1000", "CUSTOMER_NOT_FOUND", Blame.CUSTOMER),
    ],
)
def test_a_refusal_of_partner_center_has_a_name(code: str, name: str, blame: Blame) -> None:
    words = fault_text(403, json.dumps({"code": code, "description": "no 2032 here"}).encode())
    error = PermissionMissing(
        f"pc: GET /v1/customers/60003/x answered 403: lacks the right: {words}",
        connection="pc", http_status=403, request_id="r-1",
    )  # fmt: skip
    found = refined(error)
    assert isinstance(found, Refusal)
    assert (found.reason, found.blame) == (name, blame)
    assert str(found).startswith(f"{name}: pc: ")
    assert found.request_id == "r-1"
    assert found.remedy


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "words", ["MFA is required", "multi-factor authentication", "Multifactor claim missing"]
)
def test_a_missing_second_factor_is_known_by_its_words(status: int, words: str) -> None:
    kind = AuthError if status == 401 else PermissionMissing
    found = refined(kind(f"pc: x: {words}", connection="pc", http_status=status))
    assert isinstance(found, Refusal)
    assert (found.reason, found.blame) == ("MFA_REQUIRED", Blame.CONNECTION)


def test_a_refusal_without_a_code_is_named_by_its_status() -> None:
    path = "pc: GET /v1/customers/x/subscriptions answered 404"
    missing = refined(RequestRejected(path, connection="pc", http_status=404))
    denied = refined(PermissionMissing("pc: GET answered 403", connection="pc", http_status=403))
    assert isinstance(missing, Refusal)
    assert isinstance(denied, Refusal)
    assert (missing.reason, denied.reason) == ("CUSTOMER_NOT_FOUND", "ACCESS_DENIED")


def test_other_errors_stay_what_they_are() -> None:
    for error in (
        RequestRejected("pc: [3000] invalid", connection="pc", http_status=400),
        RequestRejected("pc: GET /v1/customers answered 404", connection="pc", http_status=404),
        AuthError("pc: 401", connection="pc", http_status=401),
        ConnectorError("pc: cut"),
    ):
        assert refined(error) is error


def test_errors_are_explained_in_every_shape() -> None:
    bom = b"\xef\xbb\xbf"
    assert fault_text(403, bom + b'{"code":20002,"description":"d"}') == "[20002] d"
    assert fault_text(429, b'{"statusCode":429,"message":"slow"}') == "slow"
    assert fault_text(403, b"The supplied role does not have the rights") == (
        "The supplied role does not have the rights"
    )
    assert fault_text(502, b"<html>") == fault_text(403, b"") == fault_text(403, b"{") == ""
    assert graph_text(403, b'{"error":{"code":"Denied","message":"m"}}') == "[Denied] m"
    assert graph_text(403, b'{"error":{"code":"","message":"m"}}') == "m"
    assert graph_text(403, b"{}") == graph_text(403, b"no") == ""


def test_the_gateway_names_its_pause_in_words() -> None:
    body = b'{"statusCode":429,"message":"Rate limit is exceeded. Try again in 57 seconds."}'
    assert pause_in(body) == 57
    assert pause_in(b'{"code":"429","description":"slow down"}') is None
