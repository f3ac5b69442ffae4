"""A certificate, and connections to the simulated cloud over GDAP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from syncd_entra.sandbox.directory import PARTNER_TENANT
from syncd_entra.sandbox.logins import REFRESHED_BEFORE

from tests.builders_entra import Cloud, connected
from tests.builders_tokens import MemoryVault

PARTNER = PARTNER_TENANT


@asynccontextmanager
async def entered(
    world: Any,
    *,
    vault: MemoryVault | None = None,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[tuple[Cloud, MemoryVault]]:
    """A connection over GDAP; tenants are those of the configuration unless told otherwise."""
    vault = vault or MemoryVault(REFRESHED_BEFORE)
    given = {"access": "gdap", "partner_tenant": PARTNER, **more}
    async with connected(world, vault=vault, options=options, **given) as running:
        yield running, vault


@cache
def pem(*, password: str | None = None) -> str:
    """A private key and its certificate, made once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "syncd tests")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=730))
        .sign(key, hashes.SHA256())
    )
    kept: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        kept = serialization.BestAvailableEncryption(password.encode())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kept)
    return (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


def certificate_in(text: str) -> str:
    """The public half of a PEM."""
    return text[text.index("-----BEGIN CERTIFICATE-----") :]
