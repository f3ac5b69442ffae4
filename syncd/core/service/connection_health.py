"""What a failed or successful use of a connection means: its status, one issue, one log line.

Both log lines are said once per change, however often the connection is tried in between.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from syncd.core.service.issue_book import IssueBook
from syncd.core.store.health import mark_recovered, mark_unavailable
from syncd.core.store.issues import Finding, issue_connections, open_issues
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import (
    AuthError,
    ConnectFailed,
    ConnectorError,
    OutcomeUnknown,
    PermissionMissing,
    PluginError,
    ProtocolError,
    RateLimited,
    RequestRejected,
    SyncdError,
    TransientError,
    VendorUnavailable,
)

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

FAILURES: Final = tuple(
    kind.code
    for kind in (
        AuthError,
        PermissionMissing,
        TransientError,
        RateLimited,
        VendorUnavailable,
        ConnectFailed,
        ConnectorError,
        RequestRejected,
        OutcomeUnknown,
        ProtocolError,
        PluginError,
    )
)
"""Issue codes of a connection that failed as a whole; at most one of them is open."""

PULLED: Final = (
    "PULL_INCOMPLETE",
    "ACCOUNT_DISAPPEARED",
    "ACCOUNT_REMOVED",
    "UNLINKED_ACCOUNT",
    "UNMAPPED_PRODUCT",
    "AMBIGUOUS_CLIENT_NAME",
)
"""Issue codes that only a pull or a refresh of their connection closes."""

_REMEDIES: Final = {
    AuthError.code: "Renew the credentials at the vendor and in the configuration, then run "
    "`syncd check {name}`.",
    PermissionMissing.code: "Grant the missing right at the vendor, then run `syncd check {name}`.",
    RateLimited.code: "Wait; if it repeats, lower `limits` of the connection, because other "
    "programs use the same quota.",
    ProtocolError.code: "Run `syncd check {name}`; if it repeats, the vendor changed something: "
    "report it with the time of the run in `syncd runs`.",
    PluginError.code: "Report the defect to the plugin's author with the traceback; the other "
    "connections go on.",
}
_ELSE: Final = "Nothing was changed. Run `syncd check {name}`, then repeat the command."


def blamed_on_connection(error: BaseException) -> bool:
    """Whether the error says something about the connection, and not about us or our database."""
    return isinstance(error, ConnectorError | PluginError)


def remedy_of(error: SyncdError, name: str) -> str:
    """The error's own remedy, else what usually helps against its code."""
    return error.remedy or _REMEDIES.get(error.code, _ELSE).format(name=name)


async def connection_failed(
    database: Database,
    connection: ConnectionRef,
    error: SyncdError,
    *,
    now: datetime,
    log: EventLog,
) -> None:
    """Write that the connection does not work, with one issue that says why."""
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, now)
        finding = Finding(message=str(error), remedy=remedy_of(error, connection.name))
        for code in FAILURES:
            if code != error.code:
                await book.close(code, connection.name)
        await book.open(error.code, connection.name, finding)
        if await mark_unavailable(conn, connection.id, detail=str(error), now=now):
            book.tell(
                "connection.unavailable",
                connection=connection.name,
                code=error.code,
                error=str(error),
            )
    book.speak(log)


async def forget_connections(
    database: Database, configured: Collection[str], *, now: datetime, log: EventLog
) -> None:
    """Close what pulls said about connections that are gone from the configuration or renamed.

    Nobody could close it otherwise, because they are never pulled again. What billing says of them
    (frozen lines) stays.
    """
    async with database.reader() as conn:
        orphans = [
            issue
            for name in await issue_connections(conn)
            if name and name not in configured
            for issue in await open_issues(conn, connection=name)
            if issue.code in FAILURES or issue.code in PULLED or issue.evidence.get("note")
        ]
    if not orphans:
        return
    async with database.writer() as conn:
        book = IssueBook(conn, "", now)
        for issue in orphans:
            await book.close(issue.code, issue.subject)
    book.speak(log)


async def connection_worked(book: IssueBook, connection: ConnectionRef) -> None:
    """Write that the connection works, inside of the caller's transaction."""
    since = await mark_recovered(book.conn, connection.id, now=book.now)
    if since is None:
        return
    for code in FAILURES:
        await book.close(code, connection.name)
    book.tell("connection.recovered", connection=connection.name, since=since.isoformat())


@asynccontextmanager
async def failures_recorded(
    database: Database, connection: ConnectionRef, clock: Callable[[], datetime], log: EventLog
) -> AsyncIterator[None]:
    """Write down what fails inside, and let it go on; errors of ours or of the store are not."""
    try:
        yield
    except SyncdError as error:
        if blamed_on_connection(error):
            await connection_failed(database, connection, error, now=clock(), log=log)
        raise


def one_error(error: Exception, connection: ConnectionRef) -> SyncdError:
    """The error that decides, out of what several chains raised together.

    Anything that is not one of our errors is a defect of the connector: told by type and place,
    because its text could hold a client's data.
    """
    leaves = list(_leaves(error))
    for leaf in leaves:
        if not isinstance(leaf, SyncdError):
            frame = traceback.extract_tb(leaf.__traceback__)[-1]
            place = f"{Path(frame.filename).name}:{frame.lineno}"
            message = (
                f"the plugin '{connection.connector}' of {connection.name} failed with "
                f"{type(leaf).__name__} at {place}"
            )
            return PluginError(message)
    known = [leaf for leaf in leaves if isinstance(leaf, SyncdError)]
    return next(
        (leaf for kind in (AuthError, ProtocolError) for leaf in known if isinstance(leaf, kind)),
        known[0],
    )


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
