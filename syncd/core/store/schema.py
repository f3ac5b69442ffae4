"""Bringing a database to the schema of this program, and saying where it stands.

Only `syncd db` and a first start come here: importing Alembic costs a quarter of a second. A
migration is one transaction on both databases, so a kill in its middle leaves the old schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from syncd.core.store.engine import WRITER_LOCK
from syncd.core.store.faults import store_error
from syncd.core.store.place import Target, target
from syncd.sdk.errors import ConfigError, SchemaOutdated

_LOCK_SECONDS = 30


def upgrade(url: str, revision: str = "head") -> str:
    """Bring the database to `revision`, making it when there is none.

    Returns:
        the revision it stands at afterwards.

    Raises:
        ConfigError: the URL names no usable database.
        SchemaOutdated: the database was made by a newer program.
        StoreError: the database cannot serve; it is as it was before.
    """
    where = target(url)
    with _migrating(where) as connection:
        config = _config(connection)
        found = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if found is not None and found not in known:
            message = f"the database {where.place} was made by another syncd (schema {found})"
            raise SchemaOutdated(message, remedy="install the newer syncd; it cannot be undone")
        command.upgrade(config, revision)
        _require_references(connection, where)
        return str(MigrationContext.configure(connection).get_current_revision())


def downgrade(url: str, revision: str) -> None:
    """Take migrations back down to `revision` (`base`: all of them); for tests and repair.

    Raises:
        StoreError: the database cannot serve; it is as it was before.
    """
    where = target(url)
    with _migrating(where) as connection:
        command.downgrade(_config(connection), revision)
        _require_references(connection, where)


def current(url: str) -> str | None:
    """The revision the database stands at, None when it has no tables or no file.

    Raises:
        StoreError: the database cannot serve.
    """
    where = target(url)
    if where.file is not None and not where.file.exists():
        return None
    with _connected(where, create=False) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def place(url: str) -> str:
    """The database for people, without the password."""
    return target(url).place


def head() -> str:
    """The newest revision among the scripts."""
    return str(ScriptDirectory.from_config(_config(None)).get_current_head())


def _config(connection: Connection | None) -> Config:
    config = Config()
    place = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", place)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(where: Target) -> Iterator[Connection]:
    with _connected(where, create=True) as connection:
        if where.dialect == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")
        yield connection
        connection.commit()


@contextmanager
def _connected(where: Target, *, create: bool) -> Iterator[Connection]:
    engine = _engine(where, create=create)
    try:
        with engine.connect() as connection:
            yield connection
    except Exception as error:
        told = store_error(error, where, reading=False)
        if told is None:
            raise
        raise told from error
    finally:
        engine.dispose()


def _engine(where: Target, *, create: bool) -> Engine:
    if where.dialect == "postgresql":
        options = {"options": f"-c lock_timeout={_LOCK_SECONDS * 1000}"}
        try:
            return create_engine(where.sync_url, connect_args=options, poolclass=NullPool)
        except ModuleNotFoundError as error:
            message = "the driver for PostgreSQL is not installed"
            raise ConfigError(message, remedy="pip install 'syncd[postgres]'") from error
    uri, _, mode = where.sqlite_uri(create=create).partition("?mode=")
    engine = create_engine(
        where.sync_url.set(database=uri).update_query_dict({"mode": mode, "uri": "true"}),
        connect_args={"timeout": _LOCK_SECONDS, "isolation_level": None},
        poolclass=NullPool,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        # A batch migration drops and rebuilds tables; with foreign keys on, SQLite would delete
        # the rows that point at them. They are checked as a whole before the end instead.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _require_references(connection: Connection, where: Target) -> None:
    if where.dialect != "sqlite":
        return
    broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        message = f"rows of {tables} would point nowhere"
        raise IntegrityError(message, None, ValueError(message))
