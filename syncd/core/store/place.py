"""Which database a URL names.

Only the URL of a server needs SQLAlchemy to be read; that of a file is a path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from syncd.sdk.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

Dialect = Literal["sqlite", "postgresql"]

_FORMS = "write sqlite:///syncd.db, or postgresql://user:password@host/database"
_FILE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Target:
    """A database that a URL names.

    Attributes:
        dialect: which of the two.
        place: for people, without a password.
        file: the file on SQLite, None on PostgreSQL.
        server: the URL on PostgreSQL with its driver, None on SQLite; holds the password, never
            print it.
    """

    dialect: Dialect
    place: str
    file: Path | None = None
    server: URL | None = field(default=None, repr=False)

    def sqlite_uri(self, *, create: bool) -> str:
        """The file as an SQLite URI; without `create` a missing file is an error."""
        return f"file:{quote(str(self.file))}?mode={'rwc' if create else 'rw'}"

    @property
    def sync_url(self) -> URL:
        """For tools that are not asynchronous."""
        from sqlalchemy.engine import URL

        if self.server is not None:
            return self.server
        return URL.create("sqlite", database=str(self.file))


def target(url: str) -> Target:
    """Read a database URL.

    Raises:
        ConfigError: not a URL of a file on SQLite or of PostgreSQL.
    """
    if url.startswith(_FILE) and "?" not in url:
        return _file(url.removeprefix(_FILE))
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        message = "the database setting is not a URL"
        raise ConfigError(message, remedy=_FORMS) from error
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        return _file(parsed.database or "")
    if backend in {"postgresql", "postgres"}:
        host = parsed.host or parsed.query.get("host") or "the local socket"
        place = f"{parsed.database} at {host}"
        server = parsed.set(drivername="postgresql+psycopg")
        return Target("postgresql", place, server=server)
    message = f"'{backend}' is not a database this program can use"
    raise ConfigError(message, remedy=_FORMS)


def _file(name: str) -> Target:
    if name in {"", ":memory:"}:
        message = "the database must be a file: one in memory forgets what was sent"
        raise ConfigError(message, remedy=_FORMS)
    file = Path(name).absolute()
    return Target("sqlite", str(file), file)
