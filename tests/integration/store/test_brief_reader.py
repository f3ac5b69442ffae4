"""`brief_reader()`: the same answers as `reader()`, of one moment, and never a write."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from syncd.core.store.asking import SqliteReader, fetch, fetch_one, scalar
from syncd.core.store.connections import bump_data_version, ensure_connection
from syncd.core.store.database import Database
from syncd.sdk.errors import StoreError

ALL = "SELECT name, connector FROM connection ORDER BY name"
VERSION = "SELECT data_version FROM installation WHERE id = 1"


async def test_it_answers_as_every_reader_does(database: Database) -> None:
    async with database.writer() as writing:
        await ensure_connection(writing, "b", "two")
        await ensure_connection(writing, "a", "one")
    named = "SELECT connector FROM connection WHERE name = :name"
    async with database.brief_reader() as brief, database.reader() as usual:
        for conn in (brief, usual):
            assert [tuple(row) for row in await fetch(conn, ALL)] == [("a", "one"), ("b", "two")]
            assert await scalar(conn, named, {"name": "b"}) == "two"
            assert await scalar(conn, named, {"name": "c"}) is None
            assert await fetch_one(conn, named, {"name": "c"}) is None


async def test_on_sqlite_its_own_driver_answers(sqlite_database: Database) -> None:
    async with sqlite_database.brief_reader() as conn:
        assert isinstance(conn, SqliteReader)


async def test_it_sees_one_moment(database: Database) -> None:
    async with database.brief_reader() as conn:
        before = await scalar(conn, VERSION)
        async with database.writer() as writing:
            await bump_data_version(writing)
        assert await scalar(conn, VERSION) == before
    async with database.brief_reader() as conn:
        assert await scalar(conn, VERSION) == before + 1


async def test_it_cannot_write(database: Database) -> None:
    with pytest.raises((sqlite3.OperationalError, DBAPIError), match=r"(?i)read-?only"):
        async with database.brief_reader() as conn:
            await fetch(conn, "UPDATE installation SET data_version = 99")
    async with database.reader() as conn:
        assert await scalar(conn, VERSION) != 99


async def test_a_file_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(StoreError, match="there is no database"):
        async with database.brief_reader() as conn:
            await scalar(conn, VERSION)
    assert not (tmp_path / "none.db").exists()
