"""One deliverer at a time, and one that plans or applies bills: locks that die with their process.

A row that is `sending` belongs either to the process that holds this lock or to one that died, so
whoever takes the lock knows that what it finds in `sending` is a lost answer and not a write that
is still on its way. Who plans or applies takes another one, so that no account is billed by two at
once, and who exchanges a token a third one. On SQLite they are locks on files beside the database,
on PostgreSQL advisory locks of a session of its own.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import text

from syncd.sdk.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syncd.core.store.database import Database, Workbench

_POLL_SECONDS = 0.2
_CLASSES = {
    "delivery": 0x73796E63,
    "billing": 0x62696C6C,
    "token": 0x746F6B6E,
    "books": 0x626F6F6B,
    "reading": 0x72656164,
}
"""Namespaces of PostgreSQL's advisory locks: "sync", "bill", "tokn", "book", "read" in ASCII."""

_TRY = text("SELECT pg_try_advisory_lock(:class, :id)")
_RELEASE = text("SELECT pg_advisory_unlock_all()")
_ALIVE = text("SELECT 1")


class DeliveryBusy(StoreError):
    """Another process is delivering to the same PSA; nothing was sent by this one."""

    code: ClassVar[str] = "DELIVERY_BUSY"


class TokenBusy(StoreError):
    """Another process exchanges a token of the same connection; this one did nothing."""

    code: ClassVar[str] = "TOKEN_BUSY"


class BooksBusy(StoreError):
    """Another process writes to the same book, reads it back, or writes of it to the same PSA."""

    code: ClassVar[str] = "BOOKS_BUSY"


class BillingBusy(StoreError):
    """Another process plans or applies bills of the same PSA; this one did nothing."""

    code: ClassVar[str] = "BILLING_BUSY"


@asynccontextmanager
async def billing_turn(
    database: Database,
    psa_connection_id: int,
    *,
    wait_seconds: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Be the only one that plans and applies bills of this PSA until the block ends.

    Whoever takes this turn may take the turn to deliver inside of it, never the other way round.

    Args:
        database: where the bills are.
        psa_connection_id: the PSA.
        wait_seconds: how long to wait for another one to end.
        sleep: waits; replaced in tests.

    Raises:
        BillingBusy: another process still bills after the wait.
    """
    async with _turn(database, "billing", psa_connection_id, wait_seconds, sleep) as (taken, _):
        if not taken:
            message = "another syncd plans or applies bills of the same PSA"
            raise BillingBusy(
                message, remedy="wait until it is done (`syncd runs` shows it), then repeat this"
            )
        yield


@asynccontextmanager
async def delivery_turn(
    database: Database,
    psa_connection_id: int,
    *,
    wait_seconds: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Be the only deliverer to this PSA until the block ends or the process dies.

    Args:
        database: where the outbox is.
        psa_connection_id: the PSA.
        wait_seconds: how long to wait for another deliverer to end.
        sleep: waits; replaced in tests.

    Yields:
        a check to be made before each batch: it raises StoreError when the lock was lost.

    Raises:
        DeliveryBusy: another process still delivers after the wait.
    """
    async with _turn(database, "delivery", psa_connection_id, wait_seconds, sleep) as (taken, held):
        if not taken:
            message = "another syncd is delivering to the same PSA"
            raise DeliveryBusy(
                message,
                remedy="wait until it is done; what was queued is sent by it, by the daemon, "
                "or by the next `syncd apply`",
            )
        yield held


@asynccontextmanager
async def token_turn(
    database: Database,
    connection_id: int,
    *,
    wait_seconds: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Be the only one that exchanges tokens of this connection until the block ends.

    It is held while the vendor answers, which is why it is no transaction of the database.

    Args:
        database: where the tokens are.
        connection_id: whose tokens.
        wait_seconds: how long to wait for another one to end.
        sleep: waits; replaced in tests.

    Yields:
        a check to be made before the exchange: it raises StoreError when the lock was lost.

    Raises:
        TokenBusy: another process still holds it after the wait.
    """
    async with _turn(database, "token", connection_id, wait_seconds, sleep) as (taken, held):
        if not taken:
            message = "another syncd has been exchanging a token of the same connection"
            raise TokenBusy(
                message, remedy=f"it took over {wait_seconds:.0f} s: try again in a minute"
            )
        yield held


@asynccontextmanager
async def books_turn(
    database: Database,
    connection_id: int,
    *,
    wait_seconds: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Be the only one that writes documents to this book until the block ends.

    Whoever writes back to the PSA what became of documents takes the turn of the PSA's connection.

    Args:
        database: where the ledger of documents is.
        connection_id: the book, or the PSA.
        wait_seconds: how long to wait for another one to end.
        sleep: waits; replaced in tests.

    Yields:
        a check to be made before each batch: it raises StoreError when the lock was lost.

    Raises:
        BooksBusy: another process still writes after the wait.
    """
    async with _turn(database, "books", connection_id, wait_seconds, sleep) as (taken, held):
        if not taken:
            message = "another syncd is writing documents to the same place"
            raise BooksBusy(
                message, remedy="wait until it is done; what was queued is sent by it or the next"
            )
        yield held


@asynccontextmanager
async def reading_turn(
    database: Database,
    connection_id: int,
    *,
    wait_seconds: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[None]:
    """Be the only one that reads this book back until the block ends.

    An answer that is kept after a newer one would bring back what the newer one took away.

    Args:
        database: where the ledger of documents is.
        connection_id: the book.
        wait_seconds: how long to wait for another one to end.
        sleep: waits; replaced in tests.

    Raises:
        BooksBusy: another process still reads after the wait.
    """
    async with _turn(database, "reading", connection_id, wait_seconds, sleep) as (taken, _):
        if not taken:
            message = "another syncd is reading the same book back"
            raise BooksBusy(message, remedy="nothing is to be done: it is read again by schedule")
        yield


@asynccontextmanager
async def _turn(
    database: Database,
    what: str,
    psa_connection_id: int,
    wait_seconds: float,
    sleep: Callable[[float], Awaitable[None]],
) -> AsyncIterator[tuple[bool, Callable[[], Awaitable[None]]]]:
    """Whether the lock was got within the wait, and a check that it is still held."""
    still_held: Callable[[], Awaitable[None]] = _kept_by_the_kernel
    async with AsyncExitStack() as held:
        if database.dialect == "sqlite":
            attempt = _file_lock(held, Path(f"{database.place}.{what}-{psa_connection_id}.lock"))
        else:
            bench = await held.enter_async_context(database.workbench())
            attempt, still_held, release = _session_lock(bench, _CLASSES[what], psa_connection_id)
            held.push_async_callback(release)
        waited = 0.0
        while not (taken := await attempt()) and waited < wait_seconds:
            await sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
        yield taken, still_held


async def _kept_by_the_kernel() -> None:
    """A lock on an open file cannot be lost."""


def _file_lock(held: AsyncExitStack, path: Path) -> Callable[[], Awaitable[bool]]:
    handle = held.enter_context(_opened(path))

    async def attempt() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    return attempt


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"the lock file {path} cannot be opened: {error.strerror}"
        raise StoreError(message, remedy="give this user the right to write there") from error
    with closing(os.fdopen(handle, "r+b", buffering=0)):
        yield handle


def _session_lock(
    bench: Workbench, namespace: int, psa_connection_id: int
) -> tuple[
    Callable[[], Awaitable[bool]], Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]
]:
    """How to take the lock of a session, to see that it is still held, and to give it back."""

    async def attempt() -> bool:
        async with bench.scratch() as conn:
            taken = await conn.scalar(_TRY, {"class": namespace, "id": psa_connection_id})
            return bool(taken)

    async def still_held() -> None:
        async with bench.scratch() as conn:
            await conn.execute(_ALIVE)

    async def release() -> None:
        # The server ends a closed session in its own time: the next one need not wait for that.
        with suppress(StoreError):  # a session that was cut holds nothing any more
            async with bench.scratch() as conn:
                await conn.execute(_RELEASE)

    return attempt, still_held, release
