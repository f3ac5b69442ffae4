"""Checks the signed assertion by which an app proves that it holds a certificate's key.

RFC 7523 has the form; the vendor adds the certificate's thumbprint to its head.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refused(Exception):
    """An assertion that proves nothing; the text says why."""


def checked(form: Mapping[str, str], certificate: str, client_id: str, url: str) -> None:
    """Return if the assertion of a token request was signed by the certificate's key.

    Its times are not looked at: the simulated world has a clock of its own.

    Raises:
        Refused: it was not, or is for somebody else.
    """
    if form.get("client_assertion_type") != TYPE:
        raise Refused("another type")
    try:
        head, body, signature = form["client_assertion"].split(".")
        header, claims = json.loads(_bytes(head)), json.loads(_bytes(body))
    except ValueError as error:
        raise Refused("no JWT") from error
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise Refused("another client")
    if claims.get("aud") != url or not claims.get("jti"):
        raise Refused("another audience")
    if not {"x5t", "x5t#S256"} & set(header):
        raise Refused("no certificate named")
    _verify(certificate, str(header.get("alg")), f"{head}.{body}".encode(), _bytes(signature))


def _verify(certificate: str, algorithm: str, signed: bytes, signature: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    key = load_pem_x509_certificate(certificate.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    forms: dict[str, Any] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH),
    }
    if algorithm not in forms:
        raise Refused("another algorithm")
    try:
        key.verify(signature, signed, forms[algorithm], SHA256())
    except InvalidSignature as error:
        raise Refused("another key") from error


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
