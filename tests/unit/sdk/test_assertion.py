"""A client assertion is one that a vendor's own check accepts, and a wrong PEM says what is wrong.

The signatures are verified with the public half of the certificate, as the vendor does it.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from syncd.sdk.assertion import Algorithm, Certificate, client_assertion

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
PASSWORD = "correct-horse"


@cache
def key_of(owner: str) -> rsa.RSAPrivateKey:
    assert owner
    return rsa.generate_private_key(65537, 2048)


def key_pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    *,
    password: str | None = None,
    form: PrivateFormat = PrivateFormat.PKCS8,
) -> str:
    sealed: KeySerializationEncryption = NoEncryption()
    if password is not None:
        sealed = BestAvailableEncryption(password.encode())
    return key.private_bytes(Encoding.PEM, form, sealed).decode()


@cache
def certificate_of(owner: str, signed_by: str | None = None) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key_of(owner).public_key())
        .serial_number(17)
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW - timedelta(days=35))
    )
    return builder.sign(key_of(signed_by or owner), hashes.SHA256())


def pem_of(owner: str) -> str:
    return certificate_of(owner).public_bytes(Encoding.PEM).decode()


def part(token: str, number: int) -> Any:
    text = token.split(".")[number]
    return json.loads(base64.urlsafe_b64decode(text + "=="))


def signed_and_signature(token: str) -> tuple[bytes, bytes]:
    signed, _, signature = token.rpartition(".")
    return signed.encode(), base64.urlsafe_b64decode(signature + "==")


def assertion(algorithm: Algorithm = "PS256", **options: Any) -> str:
    certificate = Certificate.load(key_pem(key_of("app")) + pem_of("app"))
    return client_assertion(
        certificate=certificate,
        client_id="client-1",
        audience="https://login.example/t/token",
        now=NOW,
        algorithm=algorithm,
        **options,
    )


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_the_public_key_of_the_certificate_verifies_the_signature(algorithm: Algorithm) -> None:
    token = assertion(algorithm)
    signed, signature = signed_and_signature(token)
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm == "PS256":
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    public = key_of("app").public_key()
    public.verify(signature, signed, scheme, hashes.SHA256())
    assert part(token, 0)["alg"] == algorithm
    with pytest.raises(InvalidSignature):
        public.verify(signature, signed + b"x", scheme, hashes.SHA256())


def test_the_header_names_the_certificate_by_both_thumbprints() -> None:
    header = part(assertion(), 0)
    certificate = certificate_of("app")
    for name, digest in (("x5t", hashes.SHA1()), ("x5t#S256", hashes.SHA256())):
        wanted = base64.urlsafe_b64encode(certificate.fingerprint(digest)).rstrip(b"=")
        assert header[name] == wanted.decode()
    assert header["typ"] == "JWT"


def test_the_claims_name_the_application_the_endpoint_and_a_short_life() -> None:
    first, second = part(assertion(), 1), part(assertion(lifetime_seconds=120), 1)
    assert first["iss"] == first["sub"] == "client-1"
    assert first["aud"] == "https://login.example/t/token"
    assert first["nbf"] == int(NOW.timestamp()) - 60
    assert first["exp"] == int(NOW.timestamp()) + 300
    assert second["exp"] == int(NOW.timestamp()) + 120
    assert first["jti"] != second["jti"]


def test_no_part_of_it_is_padded() -> None:
    assert "=" not in assertion()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_key_and_certificate_are_found_in_any_order_and_form(form: PrivateFormat) -> None:
    key = key_pem(key_of("app"), form=form)
    for pem in (key + pem_of("app"), pem_of("app") + key, pem_of("other") + pem_of("app") + key):
        found = Certificate.load(pem)
        assert found.sha1 == certificate_of("app").fingerprint(hashes.SHA1())


def test_an_encrypted_key_is_opened_with_its_password() -> None:
    pem = key_pem(key_of("app"), password=PASSWORD) + pem_of("app")
    assert Certificate.load(pem, PASSWORD).key.key_size == 2048


def test_an_ended_certificate_is_read_and_says_when_it_ended() -> None:
    found = Certificate.load(key_pem(key_of("app")) + pem_of("app"))
    assert found.ends_at == NOW - timedelta(days=35)
    assert found.starts_at == NOW - timedelta(days=400)


def _damaged(pem: str) -> str:
    lines = pem.splitlines()
    return "\n".join([lines[0], "AAAA" + lines[1][4:], *lines[2:], ""])


def _mistakes() -> dict[str, tuple[str, str | None, str]]:
    own, sealed = key_pem(key_of("app")), key_pem(key_of("app"), password=PASSWORD)
    curve, short = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)
    return {
        "text": ("MIIB", None, "this is not PEM"),
        "no key": (pem_of("app"), None, "no private key"),
        "no certificate": (own, None, "no certificate"),
        "strangers": (own + pem_of("other"), None, "do not belong together"),
        "sealed": (sealed + pem_of("app"), None, "configure its password"),
        "wrong password": (sealed + pem_of("app"), "guess", "its password is wrong"),
        "needless password": (own + pem_of("app"), PASSWORD, "is not encrypted"),
        "damaged key": (_damaged(own) + pem_of("app"), None, "key in the PEM is damaged"),
        "damaged certificate": (own + _damaged(pem_of("app")), None, "certificate in the PEM is"),
        "curve": (key_pem(curve) + pem_of("app"), None, "not an RSA key"),
        "short": (key_pem(short) + pem_of("app"), None, "not an RSA key of 2048 bits"),
    }


@pytest.mark.parametrize("mistake", list(_mistakes()))
def test_each_mistake_in_a_pem_has_one_sentence_without_the_secret(mistake: str) -> None:
    pem, password, words = _mistakes()[mistake]
    with pytest.raises(ValueError, match=words) as caught:
        Certificate.load(pem, password)
    said = str(caught.value)
    assert "\n" not in said
    assert PASSWORD not in said
    assert "MII" not in said


def test_the_key_is_in_no_representation() -> None:
    assert "key=" not in repr(Certificate.load(key_pem(key_of("app")) + pem_of("app")))
