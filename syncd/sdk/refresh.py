"""Exchange of a refresh token that changes at each use (RFC 6749, section 6), without losing one.

The rule is: take the turn, read again, note that an exchange begins, exchange, store what came,
and only then hand the access token out. A vendor that forgot the former token at once knows the
new one from that moment on, so what is not stored then is lost for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from syncd.sdk.errors import ConfigError, SignInExpired, VendorUnavailable

if TYPE_CHECKING:
    from syncd.sdk.connector import Context, EventLog
    from syncd.sdk.tokens import StoredToken, TokenVault

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LONGEST_EXCHANGE: Final = 30.0
"""Seconds after which an exchange is given up, since other processes wait for the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged(Generic[T_co]):
    """What a token endpoint gave for a refresh token.

    Attributes:
        payload: what the caller wants, e.g. the answer that holds the access token.
        refresh_token: the next one; None when the vendor leaves the one that was sent in force.
        ends_at: when a person must consent again unless it is exchanged before; None if unknown.
    """

    payload: T_co = field(repr=False)
    refresh_token: str | None = field(repr=False)
    ends_at: datetime | None


Ask = Callable[[str], Awaitable[Exchanged[T]]]
"""Sends a refresh token to the vendor, once.

It raises SignInExpired when the token itself is refused, and only then: a refusal that concerns a
single tenant or right is another error, since after SignInExpired the former token is tried.
"""


def vault_of(context: Context[Any]) -> TokenVault:
    """The vault of a connection that cannot work without one.

    Raises:
        ConfigError: no key is configured that tokens could be encrypted with.
    """
    if context.vault is None:
        message = f"connection '{context.connection}' keeps a token, and there is no key for it"
        raise ConfigError(
            message,
            remedy="make a key with `syncd login --new-key`, keep it where secrets are kept, and"
            " refer to it by token_key in [syncd]",
        )
    return context.vault


class RefreshExchange(AbstractAsyncContextManager["RefreshExchange"]):
    """The refresh token of one connection, exchanged by as many callers as there are.

    Each exchange is a task of its own: a cancelled caller does not lose the token that is on its
    way. Leaving the block waits for exchanges under way, so enter it after the HTTP client that
    they need.

    There are two kinds of vendors:

    - A token works once (`reusable=False`). Every exchange has the vault's turn for itself, from
      reading the token to storing the next one, across tasks and processes.
    - A token stays valid when it was exchanged, and serves many tenants (`reusable=True`). The
      first exchange has the turn and finds out whether the token is accepted; the others then send
      the stored token side by side. What comes with them is stored as well, the newest of those
      that arrived while the last store was under way, and each waits for the store that covers its
      own. So 1,000 tenants cost 1,000 parallel calls and some dozens of stores.

    Either way nothing is handed out that came with a refresh token that is not covered by a store.
    When the token is refused and the one before it is known, that one is tried once: after a crash
    it may be the last one that the vendor knows. A token that was refused is not sent again.
    """

    def __init__(
        self,
        vault: TokenVault,
        *,
        connection: str,
        name: str = "refresh",
        reusable: bool = False,
        log: EventLog | None = None,
        seconds: float = LONGEST_EXCHANGE,
    ) -> None:
        """Describe the token; nothing is read before the first exchange.

        Args:
            vault: of the connection.
            connection: name in the configuration, for messages.
            name: of the token in the vault.
            reusable: a token that was exchanged remains valid for a while.
            log: receives `token.recovered`.
            seconds: longest exchange.
        """
        self._vault = vault
        self._connection = connection
        self._name = name
        self._reusable = reusable
        self._log = log
        self._seconds = seconds
        # Before the vault's own: tasks of one process queue without a database.
        self._alone = asyncio.Lock()
        self._known: StoredToken | None = None
        self._refused: tuple[str, SignInExpired] | None = None
        self._gathering: _Store | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        cancelled: asyncio.CancelledError | None = None
        while self._tasks:
            try:
                await asyncio.wait(set(self._tasks))
            except asyncio.CancelledError as late:
                cancelled = late
        if cancelled is not None:
            raise cancelled

    async def run(self, ask: Ask[T]) -> T:
        """Exchange the token, and return what came once the next one is stored.

        Args:
            ask: sends it; may be called a second time with the former token.

        Raises:
            SignInExpired: nobody has signed in, or the vendor takes neither token.
            StoreError: the next token could not be stored, so what came with it is dropped.
            VendorUnavailable: no answer in time.
            ConnectorError: what `ask` raises.
        """
        return await asyncio.shield(self._task(self._run(ask)))

    def _task(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits has it; a caller that left does not want it

    async def _run(self, ask: Ask[T]) -> T:
        while True:
            known = self._known
            if known is None or not self._reusable:
                async with self._alone:
                    if self._known is None or not self._reusable:
                        return await self._in_turn(ask)
                continue
            try:
                got = await self._asked(ask, known.value)
            except SignInExpired:
                if self._known is known:
                    self._known = None
                continue
            if await self._covered(known, got.refresh_token, got.ends_at):
                return got.payload

    async def _in_turn(self, ask: Ask[T]) -> T:
        async with self._vault.turn(self._name) as turn:
            token = turn.token
            if token is None:
                raise self._missing()
            if self._refused is not None and self._refused[0] == token.value:
                raise self._refused[1].with_traceback(None)
            await turn.announce()
            try:
                got = await self._asked_or_former(ask, token)
            except SignInExpired as error:
                self._refused = (token.value, error)
                raise
            except BaseException:
                # Whatever was wrong, it was not the token: others need not queue behind it.
                self._known = token
                raise
            await turn.store(
                token.value if got.refresh_token is None else got.refresh_token,
                ends_at=got.ends_at,
            )
            self._known = turn.token
            return got.payload

    async def _asked_or_former(self, ask: Ask[T], token: StoredToken) -> Exchanged[T]:
        try:
            return await self._asked(ask, token.value)
        except SignInExpired as error:
            if token.previous is None or token.previous == token.value:
                raise self._explained(error, token) from error
            refusal = error
        try:
            got = await self._asked(ask, token.previous)
        except SignInExpired:
            raise self._explained(refusal, token) from refusal
        if self._log is not None:
            self._log("token.recovered", name=self._name)
        if got.refresh_token is None:
            return Exchanged(payload=got.payload, refresh_token=token.previous, ends_at=got.ends_at)
        return got

    async def _asked(self, ask: Ask[T], value: str) -> Exchanged[T]:
        try:
            async with asyncio.timeout(self._seconds):
                return await ask(value)
        except TimeoutError as error:
            message = (
                f"{self._connection}: the exchange of the token took over {self._seconds:.0f} s"
            )
            raise VendorUnavailable(message, connection=self._connection) from error

    async def _covered(
        self, known: StoredToken, value: str | None, ends_at: datetime | None
    ) -> bool:
        """Wait for the store of this token or of a newer one.

        Returns:
            False when a person consented anew meanwhile: what descends from the former consent is
            neither kept nor used.
        """
        if value is None or value == known.value:
            return True
        store = self._gathering
        if store is None or store.consented_at != known.consented_at:
            store = self._gathering = _Store(known.consented_at, value, ends_at)
            store.done = self._task(self._keep(store))
        else:
            store.value, store.ends_at = value, ends_at
        assert store.done is not None
        return await asyncio.shield(store.done)

    async def _keep(self, store: _Store) -> bool:
        try:
            async with self._alone, self._vault.turn(self._name) as turn:
                self._closed(store)
                token = turn.token
                if token is None or token.consented_at != store.consented_at:
                    self._known = None
                    return False
                await turn.store(store.value, ends_at=store.ends_at)
                self._known = turn.token
                return True
        finally:
            self._closed(store)

    def _closed(self, store: _Store) -> None:
        """What arrives from here on is not covered by it."""
        if self._gathering is store:
            self._gathering = None

    def _missing(self) -> SignInExpired:
        return SignInExpired(
            f"{self._connection}: nobody has signed in yet, so there is no token",
            remedy=f"run `syncd login {self._connection}`",
            connection=self._connection,
        )

    def _explained(self, error: SignInExpired, token: StoredToken) -> SignInExpired:
        """The vendor's refusal, with the reason that we know of."""
        since = token.unsettled_since
        if since is None:
            return error
        return SignInExpired(
            f"{error}; an exchange that began at {since:%Y-%m-%d %H:%M} UTC never ended, e.g."
            " because syncd was killed, and the token that it made is lost",
            remedy=error.remedy or f"run `syncd login {self._connection}`",
            connection=error.connection,
            http_status=error.http_status,
            request_id=error.request_id,
        )


@dataclass(slots=True)
class _Store:
    """A store that is about to happen, of the newest token that arrives until then."""

    consented_at: datetime | None
    value: str = field(repr=False)
    ends_at: datetime | None
    done: asyncio.Task[bool] | None = None
