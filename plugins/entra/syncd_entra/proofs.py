"""How an application proves itself in a token request: by its secret, or by a signed statement.

A certificate's key is read when the connection is opened, and the library for it only then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from syncd.sdk.assertion import ASSERTION_TYPE, Algorithm, Certificate, client_assertion
from syncd.sdk.errors import ConfigError
from syncd_entra.keys import Key


class Proof(Protocol):
    """The part of a token request that proves the application.

    Attributes:
        client_id: the application.
        secret: blotted out of the vendor's words; empty where none is sent.
        settles: Microsoft may refuse it for a while after it was changed.
    """

    client_id: str
    secret: str
    settles: bool

    def fields(self, token_url: str, now: datetime) -> Mapping[str, str]:
        """Fields of the request to a token endpoint."""
        ...


class SecretProof:
    """A client secret."""

    settles = False

    def __init__(self, client_id: str, secret: str) -> None:
        self.client_id = client_id
        self.secret = secret

    def fields(self, token_url: str, now: datetime) -> Mapping[str, str]:
        del token_url, now
        return {"client_id": self.client_id, "client_secret": self.secret}


class CertificateProof:
    """A certificate's private key, which signs a statement for each request."""

    secret = ""
    settles = True

    def __init__(self, client_id: str, certificate: Certificate, algorithm: Algorithm) -> None:
        self.client_id = client_id
        self.certificate = certificate
        self._algorithm = algorithm

    def fields(self, token_url: str, now: datetime) -> Mapping[str, str]:
        return {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(
                certificate=self.certificate,
                client_id=self.client_id,
                audience=token_url,
                now=now,
                algorithm=self._algorithm,
            ),
        }


def proof_of(key: Key, algorithm: Algorithm, whose: str) -> Proof:
    """The proof of an application as it is configured.

    Args:
        key: a whole one.
        algorithm: by which a certificate's key signs.
        whose: connection, or connection and tenant, for messages.

    Raises:
        ConfigError: the certificate cannot be used.
    """
    assert key.client_id is not None
    if key.client_secret is not None:
        return SecretProof(key.client_id, key.client_secret.get_secret_value())
    assert key.certificate is not None
    locked = key.certificate_password
    password = locked.get_secret_value() if locked is not None else None
    try:
        certificate = Certificate.load(key.certificate.get_secret_value(), password)
    except ValueError as error:
        message = f"{whose}: the certificate cannot be used: {error}"
        raise ConfigError(
            message, remedy="write a PEM file with the private key and its certificate"
        ) from error
    return CertificateProof(key.client_id, certificate, algorithm)
