"""Questions in SQL text, put through SQLAlchemy or straight to the driver of SQLite.

A short command asks a dozen of them, and starting SQLAlchemy would take it longer than all the
answers. Placeholders are named (`:account`) in both, rows are read by position.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from sqlalchemy import TextClause
    from sqlalchemy.ext.asyncio import AsyncConnection

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_PRAGMAS = ("PRAGMA temp_store=FILE", "PRAGMA cache_size=-16000", "PRAGMA query_only=ON")
"""As of every connection of ours, as far as a reader can tell; see `engine`."""


class _Dialect(NamedTuple):
    name: str


class SqliteReader:
    """A read-only transaction on SQLite's own driver, which answers at once and blocks meanwhile.

    Attributes:
        dialect: told apart as on a connection of SQLAlchemy.
    """

    dialect: Final = _Dialect("sqlite")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, question: str, bound: Mapping[str, Any]) -> Sequence[Any]:
        return self._connection.execute(question, dict(bound)).fetchall()


if TYPE_CHECKING:
    Reader: TypeAlias = AsyncConnection | SqliteReader
    """Where questions in SQL text can be put; a module that imports it does so for its types."""


@contextmanager
def sqlite_reader(uri: str, *, busy_seconds: float) -> Iterator[SqliteReader]:
    """A read-only transaction that sees one moment.

    Args:
        uri: of a file that is there.
        busy_seconds: how long a question waits for another's lock.

    Raises:
        sqlite3.Error: the file cannot serve.
    """
    connection = sqlite3.connect(uri, timeout=busy_seconds, uri=True)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        connection.execute("BEGIN")
        yield SqliteReader(connection)
    finally:
        connection.close()


async def fetch(
    conn: Reader, question: str, bound: Mapping[str, Any] = NOTHING
) -> Sequence[Sequence[Any]]:
    """Every row of the answer."""
    if isinstance(conn, SqliteReader):
        return conn.rows(question, bound)
    return (await conn.execute(_text(question), bound)).fetchall()


async def fetch_one(
    conn: Reader, question: str, bound: Mapping[str, Any] = NOTHING
) -> Sequence[Any] | None:
    """The first row, or None."""
    return next(iter(await fetch(conn, question, bound)), None)


async def scalar(conn: Reader, question: str, bound: Mapping[str, Any] = NOTHING) -> Any:
    """The first column of the first row; None where there is no row."""
    found = await fetch_one(conn, question, bound)
    return None if found is None else found[0]


async def change(conn: AsyncConnection, statement: str, bound: Mapping[str, Any] = NOTHING) -> None:
    """Run a statement that writes; only inside of `Database.writer`."""
    await conn.execute(_text(statement), bound)


@lru_cache(maxsize=256)
def _text(question: str) -> TextClause:
    from sqlalchemy import text

    return text(question)
