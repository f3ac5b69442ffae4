"""A vault in memory, a certificate, and connections to the simulated cloud over GDAP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from syncd_entra.sandbox.directory import PARTNER_TENANT
from syncd_entra.sandbox.logins import REFRESHED_BEFORE

from syncd.sdk.errors import StoreError
from syncd.sdk.tokens import StoredToken
from tests.builders_entra import Cloud, connected
from tests.builders_ninjaone import NOW

PARTNER = PARTNER_TENANT


class Turn:
    """The turn of one exchange."""

    def __init__(self, vault: MemoryVault) -> None:
        self._vault = vault

    @property
    def token(self) -> StoredToken | None:
        return self._vault.token

    async def begin(self) -> None:
        assert self._vault.token is not None
        self._vault.begun += 1

    async def store(self, value: str, *, ends_at: datetime | None) -> None:
        await asyncio.sleep(0)
        if self._vault.full:
            raise StoreError("the disk is full")
        former = self._vault.token
        assert former is not None
        self._vault.stored.append(value)
        self._vault.token = replace(former, value=value, previous=former.value, ends_at=ends_at)


@dataclass
class MemoryVault:
    """One token, its turns one after another.

    Attributes:
        token: what is stored.
        stored: every value that was stored, in order.
        begun: exchanges that were noted.
        full: nothing can be stored.
    """

    token: StoredToken | None = field(
        default_factory=lambda: StoredToken(value=REFRESHED_BEFORE, stored_at=NOW, consented_at=NOW)
    )
    stored: list[str] = field(default_factory=list)
    begun: int = 0
    full: bool = False
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self, name: str) -> StoredToken | None:
        assert name == "refresh"
        return self.token

    def turn(self, name: str) -> AbstractAsyncContextManager[Turn]:
        assert name == "refresh"
        return self._turn()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Turn]:
        async with self._alone:
            yield Turn(self)


@asynccontextmanager
async def entered(
    world: Any,
    *,
    vault: MemoryVault | None = None,
    options: Mapping[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[tuple[Cloud, MemoryVault]]:
    """A connection over GDAP; tenants are those of the configuration unless told otherwise."""
    vault = vault or MemoryVault()
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
