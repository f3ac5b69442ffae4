"""Proof of an application by certificate instead of a secret: signed assertions (RFC 7523).

The private key signs a statement that is valid for minutes; nothing that leaves this machine can
be used twice for long.
"""

from __future__ import annotations

import base64
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, Self

import msgspec

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""`client_assertion_type` of the token request that carries an assertion (RFC 7523, 2.2)."""

Algorithm = Literal["PS256", "RS256"]

_BEGINS: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_CLOCKS_DIFFER: Final = timedelta(seconds=60)
_SHORTEST_KEY: Final = 2048


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its private key.

    Attributes:
        key: signs; in no representation.
        sha1: thumbprint of the certificate as vendors show it.
        sha256: the newer thumbprint.
        starts_at: it is not valid before, UTC.
        ends_at: it is not valid after, UTC; warn people in time.
    """

    key: RSAPrivateKey = field(repr=False)
    sha1: bytes
    sha256: bytes
    starts_at: datetime
    ends_at: datetime

    @classmethod
    def load(cls, pem: str, password: str | None = None) -> Self:
        """Read a PEM text that holds both; further certificates of a chain are skipped.

        An ended certificate is read as well: see `ends_at`.

        Args:
            pem: private key and certificate, in any order.
            password: of an encrypted key.

        Raises:
            ValueError: one sentence without anything of the text.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        blocks = _BEGINS.findall(pem)
        if not blocks:
            message = "this is not PEM: it has no line '-----BEGIN …-----'"
            raise ValueError(message)
        if not any(kind.endswith("PRIVATE KEY") for kind in blocks):
            message = "the PEM holds no private key: append the key's PEM to the certificate's"
            raise ValueError(message)
        if "CERTIFICATE" not in blocks:
            message = "the PEM holds no certificate: append the certificate's PEM to the key's"
            raise ValueError(message)
        key = _key(pem, password)
        try:
            found = x509.load_pem_x509_certificates(pem.encode())
            own = [one for one in found if _belongs(one, key)]
        except ValueError as error:
            message = "the certificate in the PEM is damaged"
            raise ValueError(message) from error
        if not own:
            message = "the private key and the certificate in the PEM do not belong together"
            raise ValueError(message)
        return cls(
            key=key,
            sha1=own[0].fingerprint(hashes.SHA1()),  # noqa: S303 - a name, not a proof
            sha256=own[0].fingerprint(hashes.SHA256()),
            starts_at=own[0].not_valid_before_utc,
            ends_at=own[0].not_valid_after_utc,
        )


def client_assertion(
    *,
    certificate: Certificate,
    client_id: str,
    audience: str,
    now: datetime,
    algorithm: Algorithm = "PS256",
    lifetime_seconds: int = 300,
) -> str:
    """A signed JWT that proves an application to a token endpoint.

    Make one for each request: it has a number of its own, and vendors may refuse one seen before.
    It begins a minute early, since clocks differ.

    Args:
        certificate: whose public half the vendor knows.
        client_id: the application: issuer and subject.
        audience: the token endpoint's address.
        now: current time, UTC.
        algorithm: RSA with SHA-256, with the newer padding or the older.
        lifetime_seconds: until it ends.
    """
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    header = {
        "alg": algorithm,
        "typ": "JWT",
        "x5t": _text(certificate.sha1),
        "x5t#S256": _text(certificate.sha256),
    }
    claims = {
        "aud": audience,
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "nbf": int((now - _CLOCKS_DIFFER).astimezone(UTC).timestamp()),
        "exp": int((now + timedelta(seconds=lifetime_seconds)).astimezone(UTC).timestamp()),
    }
    signed = ".".join(_text(msgspec.json.encode(part)) for part in (header, claims))
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm == "PS256":
        scheme = padding.PSS(
            mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH
        )
    signature = certificate.key.sign(signed.encode(), scheme, hashes.SHA256())
    return f"{signed}.{_text(signature)}"


def _key(pem: str, password: str | None) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    secret = None if password is None else password.encode()
    try:
        key = load_pem_private_key(pem.encode(), secret)
    except TypeError as error:
        message = (
            "the private key is encrypted: configure its password too"
            if password is None
            else "the private key is not encrypted: remove its password from the configuration"
        )
        raise ValueError(message) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        message = (
            "the private key in the PEM is damaged"
            if password is None
            else "the private key cannot be read: its password is wrong, or it is damaged"
        )
        raise ValueError(message) from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SHORTEST_KEY:
        message = f"the private key is not an RSA key of {_SHORTEST_KEY} bits or more"
        raise ValueError(message)
    return key


def _belongs(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    return certificate.public_key() == key.public_key()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
