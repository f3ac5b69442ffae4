"""The one door to the database: reading and writing transactions on SQLite and PostgreSQL.

Nothing else in the program commits, so what a crash can cut is decided here; writers are alone on
both databases, so that read-then-write inside of `writer()` never loses an update.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from syncd.core.store.asking import scalar, sqlite_reader
from syncd.core.store.faults import store_error
from syncd.core.store.place import Dialect, target
from syncd.sdk.errors import SchemaOutdated, StoreError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from syncd.core.store.asking import Reader

SCHEMA_REVISION = "0006"
"""The newest migration; a test compares it with the scripts, so that no command imports them."""

commit_hook: Callable[[str], None] | None = None
"""Called with `commit:before` and `commit:after`; set only by the crash proof."""

_QUEUE_SECONDS = 60.0

_VERSION_TABLE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE name = 'alembic_version'",
    "postgresql": "SELECT to_regclass('alembic_version')",
}


class Database:
    """A database of either kind.

    Attributes:
        dialect: `sqlite` or `postgresql`, for the few statements that differ.
    """

    def __init__(self, url: str, *, busy_seconds: float = 15.0) -> None:
        """Connects to nothing yet.

        Args:
            url: `sqlite:///path` or `postgresql://user:password@host/name`.
            busy_seconds: how long a statement waits for a lock of another process; the first pull
                of a million units holds it for several seconds.

        Raises:
            ConfigError: the URL names no usable database.
        """
        self._target = target(url)
        self.dialect: Dialect = self._target.dialect
        self._busy_seconds = busy_seconds
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[Any] | None = None

    def __repr__(self) -> str:
        return f"Database({self._target.place})"

    @property
    def place(self) -> str:
        """Where it is, for people; without the password."""
        return self._target.place

    @cached_property
    def _engine(self) -> AsyncEngine:
        """Made at its first use, since a command that only asks a little needs no SQLAlchemy."""
        from syncd.core.store.engine import open_engine

        return open_engine(self._target, busy_seconds=self._busy_seconds)

    @cached_property
    def _benches(self) -> AsyncEngine:
        from syncd.core.store.engine import open_engine

        return open_engine(self._target, busy_seconds=self._busy_seconds, pooled=False)

    async def dispose(self) -> None:
        """Close all connections; to be called before the event loop ends."""
        if "_engine" in self.__dict__:
            await self._engine.dispose()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction that sees one moment.

        Raises:
            StoreError: the database cannot serve.
        """
        with self._told(reading=True):
            async with self._engine.connect() as connection:
                await self._begin_reading(connection)
                yield connection

    @asynccontextmanager
    async def brief_reader(self) -> AsyncIterator[Reader]:
        """The same for the few questions in SQL text of a command that does nothing beside.

        On SQLite its own driver answers: no SQLAlchemy is started, and the loop waits meanwhile.

        Raises:
            StoreError: the database cannot serve.
        """
        if self.dialect == "sqlite":
            uri = self._target.sqlite_uri(create=False)
            with (
                self._told(reading=True),
                sqlite_reader(uri, busy_seconds=self._busy_seconds) as reading,
            ):
                yield reading
        else:
            async with self.reader() as connection:
                yield connection

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction, alone; committed when the block ends well, else rolled back.

        Keep it short, and never wait for a vendor inside of it.

        Raises:
            StoreError: the database cannot serve, e.g. another process holds its lock.
            RuntimeError: opened inside of another `writer()` of the same task.
        """
        with self._told(reading=False):
            async with self._alone(), self._engine.connect() as connection:
                await self._begin_writing(connection)
                yield connection
                await self._commit(connection)

    @asynccontextmanager
    async def workbench(self) -> AsyncIterator[Workbench]:
        """A connection of one's own, whose temporary tables live until the block ends.

        Raises:
            StoreError: the database cannot serve.
        """
        with self._told(reading=False):
            async with self._benches.connect() as connection:
                yield Workbench(self, connection)

    async def require_schema(self) -> None:
        """Refuse a database that this program was not written for.

        Raises:
            SchemaOutdated: older, newer or empty; the remedy says what to run.
            StoreError: the database cannot serve.
        """
        async with self.brief_reader() as connection:
            found: str | None = None
            if await scalar(connection, _VERSION_TABLE[self.dialect]):
                found = await scalar(connection, "SELECT version_num FROM alembic_version")
        if found == SCHEMA_REVISION:
            return
        if found is None:
            message = f"the database {self.place} has no tables yet"
            raise SchemaOutdated(message, remedy="run `syncd db upgrade`")
        if found > SCHEMA_REVISION:
            message = f"the database {self.place} was made by a newer syncd (schema {found})"
            raise SchemaOutdated(message, remedy="install the newer syncd; it cannot be undone")
        message = f"the database {self.place} is older than this program (schema {found})"
        raise SchemaOutdated(message, remedy="make a backup, then run `syncd db upgrade`")

    async def _begin_reading(self, connection: AsyncConnection) -> None:
        if self.dialect == "sqlite":
            await connection.exec_driver_sql("PRAGMA query_only=ON")
            await connection.exec_driver_sql("BEGIN")
        else:
            await connection.exec_driver_sql(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )

    async def _begin_writing(self, connection: AsyncConnection) -> None:
        if self.dialect == "sqlite":
            await connection.exec_driver_sql("PRAGMA query_only=OFF")
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            from syncd.core.store.engine import WRITER_LOCK

            await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    async def _commit(self, connection: AsyncConnection) -> None:
        if commit_hook is not None:
            commit_hook("commit:before")
        await _uninterrupted(connection.commit())
        if commit_hook is not None:
            commit_hook("commit:after")

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Writers of this process queue here: fair, and without a connection in hand."""
        if self._writing is not None and self._writing is asyncio.current_task():
            message = "writer() inside of writer(): the inner one would wait for the outer for ever"
            raise RuntimeError(message)
        try:
            async with asyncio.timeout(_QUEUE_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            message = f"a write to {self.place} waited {_QUEUE_SECONDS:.0f} s for its turn"
            raise StoreError(
                message, remedy="restart syncd, and report this as a defect"
            ) from error
        self._writing = asyncio.current_task()
        try:
            yield
        finally:
            self._writing = None
            self._turn.release()

    @contextmanager
    def _told(self, *, reading: bool) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            told = store_error(error, self._target, reading=reading)
            if told is None:
                raise
            raise told from error


class Workbench:
    """A dedicated connection: scratch work in temporary tables, then one write that uses them."""

    def __init__(self, database: Database, connection: AsyncConnection) -> None:
        self._database = database
        self._connection = connection

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[AsyncConnection]:
        """A transaction for temporary tables and for reading; it must write nothing else.

        It takes no lock that another process could wait for.
        """
        with self._database._told(reading=False):  # noqa: SLF001 - the other half of one class
            try:
                if self._database.dialect == "sqlite":
                    await self._connection.exec_driver_sql("BEGIN")
                yield self._connection
                await _uninterrupted(self._connection.commit())
            finally:
                await _uninterrupted(self._connection.rollback())

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[AsyncConnection]:
        """Like `Database.writer`, on the connection that holds the temporary tables."""
        database = self._database
        with database._told(reading=False):  # noqa: SLF001 - as above
            async with database._alone():  # noqa: SLF001 - as above
                try:
                    await database._begin_writing(self._connection)  # noqa: SLF001 - as above
                    yield self._connection
                    await database._commit(self._connection)  # noqa: SLF001 - as above
                finally:
                    await _uninterrupted(self._connection.rollback())


async def completed(task: asyncio.Task[None]) -> BaseException | None:
    """Wait for the end of something short even when cancelled, then be cancelled; its error."""
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    failure = task.exception()
    if cancelled is not None:
        raise cancelled from failure
    return failure


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Do it to its end: a commit cut short would leave nobody knowing whether it happened."""
    failure = await completed(asyncio.create_task(work))
    if failure is not None:
        raise failure
