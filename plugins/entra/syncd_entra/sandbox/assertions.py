"""Checks an application's proof by certificate as the sign-in service does: a signed statement."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

KIND: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST: Final = 600
"""Seconds that a statement may be valid."""

UNREADABLE: Final = 50027
WRONG_APP: Final = 700021
WRONG_AUDIENCE: Final = 700023
OUT_OF_TIME: Final = 700024
NOT_KNOWN: Final = 700027


@dataclass(slots=True)
class Assertions:
    """Which statements are believed.

    Attributes:
        certificate: PEM of the one that is registered; None believes any signature.
        settling: how many statements are refused before the certificate is known everywhere.
        seen: numbers of the statements so far; each is good for one request.
    """

    certificate: str | None = None
    settling: int = 0
    seen: set[str] = field(default_factory=set)

    def refusal(self, form: Mapping[str, str], audience: str, now: float) -> int | None:
        """AADSTS number, None for a statement that is believed.

        Args:
            form: the token request.
            audience: address of the token endpoint that was asked.
            now: seconds since 1970.
        """
        text = form.get("client_assertion", "")
        try:
            header, claims, signature = (_part(part) for part in text.split("."))
            head, said = msgspec.json.decode(header), msgspec.json.decode(claims)
        except (ValueError, msgspec.DecodeError):
            return UNREADABLE
        if form.get("client_assertion_type") != KIND or head.get("alg") not in {"RS256", "PS256"}:
            return UNREADABLE
        if not {"x5t", "x5t#S256"} & head.keys() or not said.get("jti"):
            return UNREADABLE
        if {said.get("iss"), said.get("sub")} != {form.get("client_id")}:
            return WRONG_APP
        if said.get("aud") != audience:
            return WRONG_AUDIENCE
        starts, ends = said.get("nbf", now), said.get("exp", 0)
        if not starts <= now < ends <= now + LONGEST or said["jti"] in self.seen:
            return OUT_OF_TIME
        self.seen.add(said["jti"])
        if self.settling > 0:
            self.settling -= 1
            return NOT_KNOWN
        signed = text.rpartition(".")[0].encode()
        if self.certificate is not None and not _verified(
            self.certificate, head, signed, signature
        ):
            return NOT_KNOWN
        return None


def _part(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(text) from error


def _verified(pem: str, head: Mapping[str, Any], signed: bytes, signature: bytes) -> bool:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    certificate = x509.load_pem_x509_certificate(pem.encode())
    if _part(head.get("x5t#S256", "")) != certificate.fingerprint(hashes.SHA256()):
        return False
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if head["alg"] == "PS256":
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(signature, signed, scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
