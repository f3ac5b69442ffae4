"""The vault: tokens of a connection, sealed in the database, exchanged by one process at a time.

The turn is a lock beside the database and no transaction, because a vendor answers while it is
held; what is written meanwhile is written at once and durably.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

from syncd.core.store.delivery_lock import token_turn
from syncd.core.store.tokens import (
    SealedToken,
    note_exchange,
    reseal,
    sealed_token,
    sealed_tokens,
    store_consent,
    store_token,
)
from syncd.sdk.errors import AuthError, ConnectFailed, RateLimited, StoreError
from syncd.sdk.tokens import StoredToken

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.core.store.token_keys import TokenKeys

WAIT_SECONDS: Final = 60.0
"""How long to wait for another process; twice the longest exchange."""

_NOTHING_CHANGED: Final = (AuthError, ConnectFailed, RateLimited)
"""Ends of an exchange after which the vendor knows the tokens that it knew before."""


class Vault:
    """Tokens of one connection; see `syncd.sdk.tokens.TokenVault`."""

    def __init__(
        self,
        database: Database,
        connection: Callable[[], Awaitable[ConnectionRef]],
        keys: TokenKeys,
        *,
        clock: Callable[[], datetime],
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """Describe it; nothing is read before a token is asked for.

        Args:
            database: where they are.
            connection: finds or makes the stored connection.
            keys: seal and open them.
            clock: current time in UTC.
            wait_seconds: how long to wait for another process that exchanges.
        """
        self._database = database
        self._find = connection
        self._keys = keys
        self._clock = clock
        self._wait = wait_seconds
        self._found: ConnectionRef | None = None

    async def read(self, name: str) -> StoredToken | None:
        """What is stored now; None before the first consent.

        Raises:
            StoreError: the database cannot serve, or none of the keys opens it.
        """
        connection = await self._connection()
        async with self._database.reader() as conn:
            row = await sealed_token(conn, connection.id, name)
        return None if row is None else _opened(self._keys, connection, row)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[Turn]:
        """Be the only one that exchanges tokens of this connection.

        An exchange that was begun and not stored stays noted, unless the block ends with an error
        that proves that nothing changed at the vendor.

        Raises:
            TokenBusy: another process holds it for long.
            StoreError: the database cannot serve, or none of the keys opens the token.
        """
        connection = await self._connection()
        async with token_turn(self._database, connection.id, wait_seconds=self._wait) as held:
            turn = Turn(self._database, self._keys, connection, name, self._clock, held)
            turn.token = await self.read(name)
            try:
                yield turn
            except _NOTHING_CHANGED:
                await turn.take_back()
                raise

    async def consent(
        self, name: str, value: str, *, ends_at: datetime | None, person: str
    ) -> None:
        """Keep the token of a fresh consent, in the turn; the former ones are forgotten.

        Args:
            name: of the token.
            value: the token.
            ends_at: when a person must consent again unless it is exchanged before.
            person: who consented.

        Raises:
            StoreError: it could not be kept.
        """
        connection = await self._connection()
        sealed = self._keys.seal(value, connection=connection.uid, name=name)
        async with (
            token_turn(self._database, connection.id, wait_seconds=self._wait),
            self._database.writer() as conn,
        ):
            await store_consent(
                conn,
                connection.id,
                name,
                sealed=sealed,
                ends_at=ends_at,
                now=self._clock(),
                person=person,
            )

    async def _connection(self) -> ConnectionRef:
        if self._found is None:
            self._found = await self._find()
        return self._found


class Turn:
    """The turn to exchange one token; see `syncd.sdk.tokens.TokenTurn`.

    Attributes:
        token: what is stored now.
    """

    def __init__(
        self,
        database: Database,
        keys: TokenKeys,
        connection: ConnectionRef,
        name: str,
        clock: Callable[[], datetime],
        held: Callable[[], Awaitable[None]],
    ) -> None:
        self.token: StoredToken | None = None
        self._database = database
        self._keys = keys
        self._connection = connection
        self._name = name
        self._clock = clock
        self._held = held
        self._begun = False

    async def announce(self) -> None:
        """Note durably that an exchange begins; an older note of one that never ended stays.

        Raises:
            StoreError: it could not be noted, or the turn was lost.
        """
        await self._held()
        if self.token is not None and self.token.unsettled_since is None:
            self._begun = True
            await self._note(self._clock())

    async def store(self, value: str, *, ends_at: datetime | None) -> None:
        """Keep a new token; the former one becomes `previous`, sealed anew with the first key.

        Raises:
            StoreError: it could not be kept, or nobody has consented yet.
        """
        former = self.token
        if former is None:
            message = f"connection '{self._connection.name}' stored a token without a consent"
            raise StoreError(message, remedy=f"run `syncd login {self._connection.name}`")
        now = self._clock()
        previous = former.previous if value == former.value else former.value
        async with self._database.writer() as conn:
            kept = await store_token(
                conn,
                self._connection.id,
                self._name,
                sealed=self._seal(value),
                previous=None if previous is None else self._seal(previous),
                ends_at=ends_at,
                now=now,
            )
        if not kept:
            message = f"the stored token of connection '{self._connection.name}' has vanished"
            raise StoreError(message, remedy=f"run `syncd login {self._connection.name}`")
        self._begun = False
        self.token = StoredToken(
            value=value,
            previous=previous,
            stored_at=now,
            ends_at=ends_at,
            consented_at=former.consented_at,
        )

    async def take_back(self) -> None:
        """The exchange that was begun changed nothing."""
        if self._begun:
            self._begun = False
            await self._note(None)

    async def _note(self, began: datetime | None) -> None:
        async with self._database.writer() as conn:
            await note_exchange(conn, self._connection.id, self._name, began=began)

    def _seal(self, value: str) -> bytes:
        return self._keys.seal(value, connection=self._connection.uid, name=self._name)


async def reseal_all(
    database: Database, keys: TokenKeys, connections: dict[int, ConnectionRef]
) -> int:
    """Encrypt every stored token with the first key, so that the others can be retired.

    It takes every turn, one after the other, since an exchange must not store in between.

    Args:
        database: where they are.
        keys: the newest first.
        connections: by row id.

    Returns:
        how many tokens there are.

    Raises:
        StoreError: one of them is not opened by any key; those before it are sealed anew.
    """
    async with database.reader() as conn:
        places = [(row.connection_id, row.name) for row in await sealed_tokens(conn)]
    for connection_id, name in places:
        connection = connections[connection_id]
        async with (
            token_turn(database, connection_id, wait_seconds=WAIT_SECONDS),
            database.writer() as conn,
        ):
            row = await sealed_token(conn, connection_id, name)
            if row is not None:
                token = _opened(keys, connection, row)
                sealed, previous = (
                    None
                    if value is None
                    else keys.seal(value, connection=connection.uid, name=name)
                    for value in (token.value, token.previous)
                )
                assert sealed is not None
                await reseal(conn, connection_id, name, sealed=sealed, previous=previous)
    return len(places)


def _opened(keys: TokenKeys, connection: ConnectionRef, row: SealedToken) -> StoredToken:
    value, previous = (
        None
        if sealed is None
        else keys.open(sealed, connection=connection.uid, name=row.name, shown=connection.name)
        for sealed in (row.sealed, row.previous)
    )
    assert value is not None
    return StoredToken(
        value=value,
        previous=previous,
        stored_at=row.stored_at,
        ends_at=row.ends_at,
        consented_at=row.consented_at,
        unsettled_since=row.unsettled_since,
    )
