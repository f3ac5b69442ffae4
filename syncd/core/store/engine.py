"""An engine that treats a database as this program needs.

SQLite connections get their pragmas here; PostgreSQL's driver is imported only when such a URL is
opened.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from syncd.core.store.place import Target
from syncd.sdk.errors import ConfigError

_POOL_SIZE = 5

WRITER_LOCK = 0x73796E6364
"""Key of the advisory lock that makes writers of PostgreSQL queue: "syncd" in ASCII."""

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=FILE",
    "PRAGMA cache_size=-16000",
    "PRAGMA journal_size_limit=67108864",
)
"""FULL, since a committed outbox row must survive a power cut; temporary data in a file, since a
census of a million units must not live in memory; the cache is 16 MB; the log of a large pull
shrinks to 64 MB once it is written back."""


def open_engine(where: Target, *, busy_seconds: float, pooled: bool = True) -> AsyncEngine:
    """An engine; nothing is connected yet.

    Args:
        where: the database.
        busy_seconds: how long a statement waits for another's lock.
        pooled: keep a few connections; else each is closed after use, with what it held.

    Raises:
        ConfigError: the driver for PostgreSQL is not installed.
    """
    common: dict[str, Any] = {"hide_parameters": True}
    remote = where.server is not None
    if pooled:
        common |= {"pool_size": _POOL_SIZE, "max_overflow": 10, "pool_pre_ping": remote}
    else:
        common |= {"poolclass": NullPool}
    if where.server is None:
        return _sqlite_engine(where, busy_seconds, common)
    options = f"-c lock_timeout={int(busy_seconds * 1000)}"
    stated = where.server.query.get("options")
    if isinstance(stated, str):
        options = f"{stated} {options}"
    url = where.server.update_query_dict({"options": options})
    if "application_name" not in url.query:
        url = url.update_query_dict({"application_name": "syncd"})
    try:
        return create_async_engine(url, **common)
    except ModuleNotFoundError as error:
        message = "the driver for PostgreSQL is not installed"
        raise ConfigError(message, remedy="pip install 'syncd[postgres]'") from error


def _sqlite_engine(where: Target, busy_seconds: float, common: dict[str, Any]) -> AsyncEngine:
    engine = create_async_engine(
        URL.create(
            "sqlite+aiosqlite",
            database=where.sqlite_uri(create=False).partition("?")[0],
            query={"mode": "rw", "uri": "true"},
        ),
        connect_args={"timeout": busy_seconds, "isolation_level": None},
        **common,
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def _look_first(_dialect: object, _record: object, names: Any, _options: object) -> None:
        # aiosqlite leaves the thread of a failed connection behind, and it may outlive the loop.
        sqlite3.connect(names[0], uri=True).close()

    @event.listens_for(engine.sync_engine, "connect")
    def _set_pragmas(connection: Any, _record: object) -> None:
        try:
            cursor = connection.cursor()
            for pragma in SQLITE_PRAGMAS:
                cursor.execute(pragma)
            cursor.close()
        except BaseException:
            # The pool does not know this connection yet; nobody else would end its thread.
            connection.close()
            raise

    return engine
