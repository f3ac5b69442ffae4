"""A vault in memory, for what exchanges tokens without a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from syncd.sdk.errors import AuthError, StoreError
from syncd.sdk.tokens import StoredToken

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)


class MemoryVault:
    """Keeps tokens as the host does, and counts what is asked of it.

    Attributes:
        turns: turns that were taken.
        stored: every value that was stored, in order.
        broken: stores fail while it is set.
        held: turns that are taken right now.
    """

    def __init__(self, value: str | None = "r0", *, previous: str | None = None) -> None:
        self.token: StoredToken | None = None
        if value is not None:
            self.token = StoredToken(
                value=value, previous=previous, stored_at=NOW, consented_at=NOW
            )
        self.turns = 0
        self.stored: list[str] = []
        self.broken = False
        self.held = 0
        self._lock = asyncio.Lock()

    async def read(self, name: str) -> StoredToken | None:
        assert name == "refresh"
        return self.token

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[MemoryTurn]:
        assert name == "refresh"
        async with self._lock:
            self.turns += 1
            self.held += 1
            try:
                yield MemoryTurn(self)
            except AuthError:
                if self.token is not None:
                    self.token = replace(self.token, unsettled_since=None)
                raise
            finally:
                self.held -= 1

    def consent(self, value: str, at: datetime) -> None:
        self.token = StoredToken(value=value, stored_at=at, consented_at=at)


class MemoryTurn:
    def __init__(self, vault: MemoryVault) -> None:
        self._vault = vault
        self.token = vault.token

    async def announce(self) -> None:
        vault = self._vault
        assert vault.token is not None
        vault.token = replace(vault.token, unsettled_since=NOW)

    async def store(self, value: str, *, ends_at: datetime | None) -> None:
        vault = self._vault
        assert vault.held == 1, "stored outside of its turn"
        await asyncio.sleep(0)
        if vault.broken:
            message = "the disk is full"
            raise StoreError(message)
        former = vault.token
        assert former is not None
        vault.token = StoredToken(
            value=value,
            previous=former.previous if value == former.value else former.value,
            stored_at=NOW,
            ends_at=ends_at,
            consented_at=former.consented_at,
        )
        vault.stored.append(value)
        self.token = vault.token
