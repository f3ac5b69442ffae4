"""What a driver's error means, as one sentence with a remedy.

The password of the URL is in no sentence; statements' parameters are hidden by the engine.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from syncd.core.store.place import Target
from syncd.sdk.errors import StoreError, SyncdError

_SQLITE: Final = {
    "SQLITE_BUSY": (
        "the database {place} is locked by another process",
        "end the other process, or wait until it is done, and run this again",
    ),
    "SQLITE_LOCKED": (
        "the database {place} is locked by another connection",
        "run this again",
    ),
    "SQLITE_FULL": (
        "the disk is full: the database {place} or its temporary files could not grow",
        "free space there and in the folder for temporary files; nothing was half-written",
    ),
    "SQLITE_READONLY": (
        "the database {place} cannot be written",
        "give this user the right to write the file and its folder",
    ),
    "SQLITE_PERM": (
        "the database {place} must not be opened by this user",
        "give this user the right to read and write the file and its folder",
    ),
    "SQLITE_CORRUPT": (
        "the database {place} is damaged",
        "restore it from a backup; `syncd db check` shows the damage",
    ),
    "SQLITE_NOTADB": (
        "{place} is not a database",
        "name another file in the setting `database`, or restore this one from a backup",
    ),
    "SQLITE_IOERR": (
        "the disk failed to read or write the database {place}",
        "look at the system's log and at the disk",
    ),
    "SQLITE_CANTOPEN": (
        "the database {place} cannot be opened",
        "look whether its folder and the one for temporary files exist and may be written",
    ),
}

_SQLSTATES: Final = {
    "53100": ("the disk of the database server is full ({place})", "free space on the server"),
    "53": ("the database server is out of resources ({place})", "look at the server, then retry"),
    "55P03": ("the database {place} is locked by another process", "wait and run this again"),
    "40": ("the database {place} ended this transaction for the sake of another", "run this again"),
    "57P": ("the database server is stopping or starting ({place})", "wait and run this again"),
    "25006": ("the database {place} cannot be written", "name the server that takes writes"),
    "28": ("the database server refuses this user ({place})", "check user and password in the URL"),
    "3D000": ("there is no such database: {place}", "create it on the server"),
    "42501": ("the database user lacks a right ({place})", "make it the owner of its schema"),
    "08": ("the connection to the database was lost ({place})", "run this again"),
    "XX": ("the database {place} is damaged", "look at the server's log; restore from a backup"),
    "58": ("the database server failed to read or write ({place})", "look at the server's log"),
}

_CONNECTING: Final = (
    ("password authentication failed", "28"),
    ("no password supplied", "28"),
    ("no pg_hba.conf entry", "28"),
    ('role "', "28"),
    ("does not exist", "3D000"),
    ("the database system is", "57P"),
    ("too many", "53"),
)
"""While connecting, PostgreSQL's library gives a text and no code."""

_UNREACHABLE = (
    "the database server does not answer ({place})",
    "look whether it runs, and at host and port in the URL",
)


def store_error(error: BaseException, where: Target, *, reading: bool) -> StoreError | None:
    """The error as the operator is told it, or None when it is not the database's state.

    A violated constraint or a wrong statement is none; neither is a write inside of `reader()`,
    which is a mistake in this program.
    """
    if isinstance(error, SyncdError):
        return None
    driver: BaseException | None = error
    if not isinstance(error, sqlite3.Error):
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.exc import TimeoutError as PoolTimeout

        if isinstance(error, PoolTimeout):
            message = f"all connections to the database {where.place} are in use"
            return StoreError(message, remedy="run less at once; if this persists it is a defect")
        driver = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(driver, sqlite3.Error):
        sentence = _from_sqlite(driver, where, reading=reading)
    elif type(driver).__module__.partition(".")[0] == "psycopg":
        sentence = _from_postgresql(driver, reading=reading)
    else:
        return None
    if sentence is None:
        return None
    return StoreError(sentence[0].format(place=where.place), remedy=sentence[1])


def _from_sqlite(error: sqlite3.Error, where: Target, *, reading: bool) -> tuple[str, str] | None:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_READONLY") and reading:
        return None
    if name.startswith("SQLITE_CANTOPEN") and where.file and not where.file.exists():
        return "there is no database at {place}", "`syncd db upgrade` makes it"
    return next((told for code, told in _SQLITE.items() if name.startswith(code)), None)


def _from_postgresql(error: BaseException | None, *, reading: bool) -> tuple[str, str] | None:
    state = getattr(error, "sqlstate", None)
    if state == "25006" and reading:
        return None
    if state:
        return next((told for code, told in _SQLSTATES.items() if state.startswith(code)), None)
    if type(error).__name__ not in {"OperationalError", "ConnectionTimeout", "InterfaceError"}:
        return None
    text = str(error)
    return next((_SQLSTATES[code] for part, code in _CONNECTING if part in text), _UNREACHABLE)
