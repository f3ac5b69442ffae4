"""What a failed or successful use of a connection means: its status, one issue, one log line.

Both log lines are said once per change, however often the connection is tried in between.
"""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeGuard

from syncd.core.service.issue_book import IssueBook
from syncd.core.store.health import mark_recovered, mark_unavailable
from syncd.core.store.issues import Finding
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
    SignInExpired,
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
        SignInExpired,
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

_REMEDIES: Final = {
    AuthError.code: "Renew the credentials at the vendor and in the configuration, then run "
    "`syncd check {name}`.",
    PermissionMissing.code: "Grant the missing right at the vendor, then run `syncd check {name}`.",
    SignInExpired.code: "Run `syncd login {name}` where a person can sign in.",
    RateLimited.code: "Wait; if it repeats, lower `limits` of the connection, because other "
    "programs use the same quota.",
    ProtocolError.code: "Run `syncd check {name}`; if it repeats, the vendor changed something: "
    "report it with the time of the run in `syncd runs`.",
    PluginError.code: "Report the defect to the plugin's author with the traceback; the other "
    "connections go on.",
}
_ELSE: Final = "Nothing was changed. Run `syncd check {name}`, then repeat the command."


def _is_failure(kind: type) -> TypeGuard[type[SyncdError]]:
    return issubclass(kind, SyncdError) and kind.code in FAILURES


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
    """Write that the connection does not work, with one issue that says why.

    The issue has the code of the kind of error, also where a connector refined it, so that
    `connection_worked` finds it again.
    """
    kinds = (kind.code for kind in type(error).__mro__ if _is_failure(kind))
    failure = next(kinds, error.code)
    async with database.writer() as conn:
        book = IssueBook(conn, connection.name, now)
        finding = Finding(
            message=str(error) or failure,
            remedy=remedy_of(error, connection.name),
            evidence={
                name: said
                for name in ("http_status", "request_id")
                if (said := getattr(error, name, None)) is not None
            },
        )
        for code in FAILURES:
            if code != failure:
                await book.close(code, connection.name)
        await book.open(failure, connection.name, finding)
        if await mark_unavailable(conn, connection.id, detail=str(error), now=now):
            book.tell(
                "connection.unavailable",
                connection=connection.name,
                code=error.code,
                error=str(error),
            )
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
            message = (
                f"the plugin '{connection.connector}' of {connection.name} failed with "
                f"{type(leaf).__name__}{_place(leaf)}"
            )
            return PluginError(message)
    known = [leaf for leaf in leaves if isinstance(leaf, SyncdError)]
    return next(
        (leaf for kind in (AuthError, ProtocolError) for leaf in known if isinstance(leaf, kind)),
        known[0],
    )


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
