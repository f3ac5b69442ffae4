"""`reader()` and `writer()`: who waits, who commits, what is said when the database fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from syncd.core.store import database as database_module
from syncd.core.store.connections import (
    all_connections,
    bump_data_version,
    data_version,
    ensure_connection,
    find_connection,
    installation,
)
from syncd.core.store.database import SCHEMA_REVISION, Database, Workbench
from syncd.core.store.faults import store_error
from syncd.core.store.place import target
from syncd.sdk.errors import ConfigError, SchemaOutdated, StoreError
from tests.postgresql_server import PostgresqlServer

COUNT = text("SELECT data_version FROM installation WHERE id = 1")
SET = text("UPDATE installation SET data_version = :n WHERE id = 1")


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def make_empty(file: Path) -> None:
    file.touch()


def overwrite(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (4096 * 39))


async def value(database: Database) -> int:
    async with database.reader() as connection:
        return int(await connection.scalar(COUNT) or 0)


async def test_a_writer_commits_when_its_block_ends_well(database: Database) -> None:
    async with database.writer() as connection:
        await connection.execute(SET, {"n": 7})
    assert await value(database) == 7


async def test_a_writer_rolls_back_when_its_block_fails(database: Database) -> None:
    async def fail() -> None:
        async with database.writer() as connection:
            await connection.execute(SET, {"n": 7})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await value(database) == 0


async def test_a_writer_cancelled_in_its_middle_rolls_back_and_frees_the_lock(
    database: Database,
) -> None:
    reached = asyncio.Event()

    async def write() -> None:
        async with database.writer() as connection:
            await connection.execute(SET, {"n": 7})
            reached.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write())
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.writer() as connection:
        assert await connection.scalar(COUNT) == 0
        await connection.execute(SET, {"n": 3})
    assert await value(database) == 3


async def test_a_writer_cancelled_inside_a_statement_rolls_back(sqlite_database: Database) -> None:
    started = asyncio.Event()
    slow = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)"
        " UPDATE installation SET data_version = (SELECT count(*) FROM n)"
    )

    async def write() -> None:
        async with sqlite_database.writer() as connection:
            started.set()
            await connection.exec_driver_sql(slow)

    task = asyncio.create_task(write())
    await started.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with sqlite_database.writer() as connection:
        assert await connection.scalar(COUNT) == 0


async def test_a_commit_that_began_is_not_cut_by_a_cancellation(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    task: asyncio.Task[None]
    monkeypatch.setattr(
        database_module,
        "commit_hook",
        lambda point: task.cancel() if point == "commit:before" else None,
    )

    async def write() -> None:
        async with database.writer() as connection:
            await connection.execute(SET, {"n": 5})

    task = asyncio.create_task(write())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await value(database) == 5


async def test_twenty_writers_that_read_and_write_lose_no_update(database: Database) -> None:
    async def add_one() -> None:
        async with database.writer() as connection:
            n = int(await connection.scalar(COUNT) or 0)
            await asyncio.sleep(0)
            await connection.execute(SET, {"n": n + 1})

    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(add_one())
    assert await value(database) == 20


async def test_writers_of_two_processes_lose_no_update(
    database: Database, database_url: str
) -> None:
    other = Database(database_url)

    async def add_one(where: Database) -> None:
        for _ in range(5):
            async with where.writer() as connection:
                n = int(await connection.scalar(COUNT) or 0)
                await asyncio.sleep(0)
                await connection.execute(SET, {"n": n + 1})

    try:
        await asyncio.gather(add_one(database), add_one(other))
        assert await value(database) == 10
    finally:
        await other.dispose()


async def test_readers_are_not_kept_waiting_by_waiting_writers(database: Database) -> None:
    async with database.writer() as connection:
        await connection.execute(SET, {"n": 9})
        waiting = [asyncio.create_task(_write(database, n)) for n in range(30)]
        await asyncio.sleep(0)
        assert await value(database) == 0
    await asyncio.gather(*waiting)


async def _write(database: Database, n: int) -> None:
    async with database.writer() as connection:
        await connection.execute(SET, {"n": n})


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(DBAPIError, match=r"read.?only"):
        async with database.reader() as connection:
            await connection.execute(SET, {"n": 1})
    async with database.writer() as connection:
        await connection.execute(SET, {"n": 2})
    assert await value(database) == 2


async def test_a_reader_sees_one_moment(database: Database) -> None:
    async with database.reader() as connection:
        assert await connection.scalar(COUNT) == 0
        await _write(database, 4)
        assert await connection.scalar(COUNT) == 0
    assert await value(database) == 4


async def test_a_writer_inside_a_writer_is_refused_instead_of_waiting_for_ever(
    database: Database,
) -> None:
    with pytest.raises(RuntimeError, match="inside of writer"):
        async with database.writer(), database.writer():
            pass
    assert await value(database) == 0


async def test_the_hook_sees_each_commit_before_and_after(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(database_module, "commit_hook", seen.append)
    await _write(database, 1)
    await value(database)
    assert seen == ["commit:before", "commit:after"]


async def test_a_violated_constraint_is_not_the_databases_fault(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.writer() as connection:
            await connection.execute(text("INSERT INTO installation SELECT * FROM installation"))


async def test_a_lock_held_by_another_process_is_one_sentence(database_url: str) -> None:
    holder, waiter = Database(database_url), Database(database_url, busy_seconds=0.05)
    try:
        async with holder.writer():
            with pytest.raises(StoreError, match="locked by another process") as caught:
                async with waiter.writer():
                    pass
        assert caught.value.remedy
        await _write(waiter, 1)
    finally:
        await holder.dispose()
        await waiter.dispose()


async def test_a_workbench_holds_no_lock_while_it_fills_temporary_tables(
    database_url: str,
) -> None:
    staging, other = Database(database_url), Database(database_url, busy_seconds=0.05)
    try:
        async with staging.workbench() as bench:
            async with bench.scratch() as connection:
                await connection.execute(text("CREATE TEMP TABLE bench (n INTEGER)"))
                await connection.execute(text("INSERT INTO bench VALUES (41)"))
                await _write(other, 1)
                assert await connection.scalar(COUNT) == 1
            await _write(other, 2)
            async with bench.writer() as connection:
                await connection.execute(
                    text("UPDATE installation SET data_version = (SELECT n + 1 FROM bench)")
                )
        assert await value(other) == 42
        async with staging.workbench() as bench, bench.scratch() as connection:
            await connection.execute(text("CREATE TEMP TABLE bench (n INTEGER)"))
    finally:
        await staging.dispose()
        await other.dispose()


async def test_a_workbench_that_fails_writes_nothing_and_can_write_afterwards(
    database: Database,
) -> None:
    async def fail(bench: Workbench) -> None:
        async with bench.writer() as connection:
            await connection.execute(SET, {"n": 7})
            raise ZeroDivisionError

    async with database.workbench() as bench:
        with pytest.raises(ZeroDivisionError):
            await fail(bench)
        assert await value(database) == 0
        async with bench.writer() as connection:
            await connection.execute(SET, {"n": 8})
    assert await value(database) == 8


async def test_a_missing_file_is_not_made_by_looking(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(StoreError, match=r"there is no database at .*none\.db") as caught:
        await database.require_schema()
    assert "syncd db upgrade" in caught.value.remedy
    assert not (tmp_path / "none.db").exists()
    await database.dispose()


async def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are my notes, not a database" * 100)
    database = Database(f"sqlite:///{file}")
    with pytest.raises(StoreError, match="is not a database"):
        await value(database)
    await database.dispose()
    assert file.read_text().startswith("these are my notes")


async def test_a_damaged_file_is_said_so(sqlite_url: str) -> None:
    overwrite(file_of(sqlite_url))
    database = Database(sqlite_url)
    with pytest.raises(StoreError, match="is damaged"):
        await value(database)
    await database.dispose()


async def test_a_full_disk_is_one_sentence_and_leaves_nothing_behind(
    sqlite_database: Database,
) -> None:
    grow = "INSERT INTO issue SELECT i, 'X', i, '', 'w', :m, '', '{}', 0, 0, NULL FROM n"
    fill = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<5000) {grow}"

    async def fill_up() -> None:
        async with sqlite_database.writer() as connection:
            pages = await connection.scalar(text("PRAGMA page_count"))
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
            await connection.execute(text(fill), {"m": "x" * 500})

    with pytest.raises(StoreError, match="disk is full") as caught:
        await fill_up()
    assert "free space" in caught.value.remedy
    async with sqlite_database.reader() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM issue")) == 0


async def test_a_database_that_cannot_be_written_is_said_so(sqlite_url: str) -> None:
    file = file_of(sqlite_url)
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorname = "SQLITE_READONLY"
    told = store_error(error, target(sqlite_url), reading=False)
    assert told is not None
    assert str(file) in str(told)
    assert "right to write" in told.remedy
    assert store_error(error, target(sqlite_url), reading=True) is None


async def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    database = Database("postgresql://syncd:hunter2@127.0.0.1:1/syncd")
    with pytest.raises(StoreError, match="does not answer") as caught:
        await value(database)
    await database.dispose()
    assert "hunter2" not in f"{caught.value} {caught.value.remedy} {database!r}"


async def test_a_database_that_the_server_lacks_is_said_so(postgresql: PostgresqlServer) -> None:
    database = Database(postgresql.url("nowhere"))
    with pytest.raises(StoreError, match="no such database: nowhere"):
        await value(database)
    await database.dispose()


async def test_a_connection_that_the_server_ends_is_said_so_and_the_next_one_works(
    postgresql: PostgresqlServer,
) -> None:
    async def cut(database: Database) -> None:
        async with database.writer() as connection:
            await connection.execute(SET, {"n": 1})
            pid = await connection.scalar(text("SELECT pg_backend_pid()"))
            async with other.writer_of(pid) as ended:
                assert ended
            await connection.execute(SET, {"n": 2})

    with postgresql.database() as url:
        database, other = Database(url), Killer(url)
        try:
            with pytest.raises(StoreError, match=r"stopping or starting|was lost"):
                await cut(database)
            assert await value(database) == 0
        finally:
            await database.dispose()
            await other.database.dispose()


class Killer:
    """Another client of the server, which may end connections."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    @asynccontextmanager
    async def writer_of(self, pid: int) -> AsyncIterator[bool]:
        async with self.database.reader() as connection:
            end = text("SELECT pg_terminate_backend(:pid, 5000)")
            yield bool(await connection.scalar(end, {"pid": pid}))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ('FATAL:  password authentication failed for user "syncd"', "refuses this user"),
        ('FATAL:  role "syncd" does not exist', "refuses this user"),
        ('FATAL:  database "syncd" does not exist', "no such database"),
        ("FATAL:  the database system is starting up", "stopping or starting"),
        ("FATAL:  sorry, too many clients already", "out of resources"),
        ("could not translate host name", "does not answer"),
    ],
)
def test_what_the_server_says_while_connecting_becomes_a_sentence(told: str, sentence: str) -> None:
    where = target("postgresql://syncd:hunter2@db.example/syncd")
    found = store_error(psycopg.OperationalError(told), where, reading=True)
    assert found is not None
    assert sentence in str(found)
    assert "syncd at db.example" in str(found)
    assert "hunter2" not in f"{found} {found.remedy}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://h:port/db",
        "",
        "syncd.db",
        "mysql://root@localhost/x",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_names_no_usable_database_says_what_to_write(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Database(url)
    assert "sqlite:///" in caught.value.remedy


async def test_money_and_names_do_not_stand_in_error_texts(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.writer() as connection:
            await connection.execute(text("INSERT INTO nowhere VALUES (:n)"), {"n": "Acme Ltd"})
    assert "Acme Ltd" not in str(caught.value)


async def test_a_schema_of_this_program_is_accepted(database: Database) -> None:
    await database.require_schema()


async def test_a_database_without_tables_names_the_command(empty_database_url: str) -> None:
    if empty_database_url.startswith("sqlite"):
        make_empty(file_of(empty_database_url))
    database = Database(empty_database_url)
    with pytest.raises(SchemaOutdated, match="no tables yet") as caught:
        await database.require_schema()
    assert "syncd db upgrade" in caught.value.remedy
    await database.dispose()


@pytest.mark.parametrize(
    ("revision", "sentence"), [("0000", "is older than"), ("9999", "made by a newer")]
)
async def test_a_schema_of_another_program_is_refused(
    database: Database, revision: str, sentence: str
) -> None:
    async with database.writer() as connection:
        await connection.execute(
            text("UPDATE alembic_version SET version_num = :r"), {"r": revision}
        )
    with pytest.raises(SchemaOutdated, match=sentence):
        await database.require_schema()
    assert revision != SCHEMA_REVISION


async def test_a_connection_keeps_its_uid_through_a_rename(database: Database) -> None:
    async with database.writer() as connection:
        made = await ensure_connection(connection, "rmm", "acme")
        again = await ensure_connection(connection, "rmm", "acme")
        renamed = await ensure_connection(connection, "rmm-eu", "acme", formerly="rmm")
        after = await ensure_connection(connection, "rmm-eu", "acme", formerly="rmm")
    assert made == again
    assert len(made.uid) == 8
    assert int(made.uid, 16) >= 0
    assert (renamed.id, renamed.uid, renamed.name) == (made.id, made.uid, "rmm-eu")
    assert after == renamed
    async with database.reader() as connection:
        assert await find_connection(connection, "rmm") is None
        assert await all_connections(connection) == [renamed]


async def test_a_connection_of_another_connector_is_refused(database: Database) -> None:
    async with database.writer() as connection:
        await ensure_connection(connection, "rmm", "acme")
    with pytest.raises(ConfigError, match="was made for plugin 'acme'"):
        async with database.writer() as connection:
            await ensure_connection(connection, "rmm", "other")


async def test_two_connections_with_a_history_do_not_become_one(database: Database) -> None:
    async with database.writer() as connection:
        await ensure_connection(connection, "a", "acme")
        await ensure_connection(connection, "b", "acme")
    with pytest.raises(ConfigError, match="both have a history"):
        async with database.writer() as connection:
            await ensure_connection(connection, "a", "acme", formerly="b")


async def test_an_edit_of_data_gives_a_new_version(database: Database) -> None:
    async with database.writer() as connection:
        before = await installation(connection)
        assert await bump_data_version(connection) == before.data_version + 1
    async with database.reader() as connection:
        assert await data_version(connection) == before.data_version + 1
        assert (await installation(connection)).uid == before.uid
    assert len(before.uid) == 32
    assert before.created_at.tzinfo is not None
