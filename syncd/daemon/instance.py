"""One daemon per database: a lock that dies with its process.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of a session
of its own, which is asked for a sign of life now and then because a session can be cut.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import text

from syncd.sdk.errors import StoreError

if TYPE_CHECKING:
    from syncd.core.store.database import Database

_CLASS = 0x73796E64
"""Namespace of PostgreSQL's advisory locks: "synd" in ASCII, apart from the deliverer's."""

_TRY = text("SELECT pg_try_advisory_lock(:class, 0)")
_RELEASE = text("SELECT pg_advisory_unlock(:class, 0)")
_ALIVE = text("SELECT 1")

StillHeld = Callable[[], Awaitable[None]]
"""Raises StoreError once the lock may be lost."""


class DaemonRunning(StoreError):
    """Another daemon works with this database; this one did nothing."""

    code: ClassVar[str] = "DAEMON_RUNNING"


@asynccontextmanager
async def only_daemon(database: Database, node: str) -> AsyncIterator[StillHeld]:
    """Be the only daemon of this database until the block ends or the process dies.

    Args:
        database: which.
        node: name of this process, for the message that a second one prints.

    Raises:
        DaemonRunning: there is one already.
        StoreError: the lock cannot be taken at all.
    """
    if database.dialect == "sqlite":
        handle = _open(Path(f"{database.place}.daemon.lock"))
        try:
            _lock(handle, database.place, node)
            yield _kept_by_the_kernel
        finally:
            os.close(handle)
        return
    async with database.workbench() as bench:
        async with bench.scratch() as connection:
            taken = bool(await connection.scalar(_TRY, {"class": _CLASS}))
        if not taken:
            raise _refusal(database.place)

        async def still_held() -> None:
            async with bench.scratch() as connection:
                await connection.execute(_ALIVE)

        try:
            yield still_held
        finally:
            # The server ends a closed session in its own time; the next daemon need not wait.
            with suppress(StoreError):  # a session that was cut holds nothing any more
                async with bench.scratch() as connection:
                    await connection.execute(_RELEASE, {"class": _CLASS})


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"the lock file {path} cannot be opened: {error.strerror}"
        raise StoreError(message, remedy="give this user the right to write there") from error


def _lock(handle: int, place: str, node: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
        raise _refusal(place, holder) from error
    os.ftruncate(handle, 0)
    os.pwrite(handle, f"{node}\n".encode(), 0)


def _refusal(place: str, holder: str = "") -> DaemonRunning:
    who = f" ({holder})" if holder else ""
    message = f"another syncd daemon{who} already works with {place}"
    return DaemonRunning(message, remedy="stop that one first, or give this one its own database")


async def _kept_by_the_kernel() -> None:
    """A lock on an open file cannot be lost."""
