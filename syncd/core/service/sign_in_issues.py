"""The countdown to the end of a person's consent, as issues, while a connection still works.

A consent that is exchanged in time never ends; one of these means that it was not used for long,
or that the vendor ends it whatever happens.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from syncd.core.service.issue_book import IssueBook
from syncd.core.store.connections import all_connections
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.tokens import Consent, consents
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import SignInExpired

if TYPE_CHECKING:
    from syncd.core.store.database import Database

SIGN_IN_ENDS: Final = "SIGN_IN_ENDS"

SOON: Final = timedelta(days=14)
"""From here on a person is reminded."""

VERY_SOON: Final = timedelta(days=3)
"""From here on it is an error, since a weekend may lie between."""


async def review_sign_ins(
    database: Database, *, active: Collection[str], now: datetime, log: EventLog
) -> None:
    """Open and close the countdown of every connection with a token.

    Args:
        database: where the tokens are.
        active: names of the connections that are in use; the others need no consent.
        now: UTC.
        log: gets the issues.

    Raises:
        StoreError: the database cannot serve.
    """
    async with database.reader() as conn:
        stored = await consents(conn)
        if not stored:
            return
        connections = [one for one in await all_connections(conn) if one.id in stored]
    async with database.writer() as conn:
        for connection in connections:
            book = IssueBook(conn, connection.name, now)
            finding = None
            if connection.name in active:
                finding = countdown(connection.name, stored[connection.id], now)
            found = {} if finding is None else {connection.name: finding}
            await book.replace(SIGN_IN_ENDS, found)
            book.speak(log)


async def sign_in_renewed(
    database: Database, name: str, stored: Iterable[Consent], *, now: datetime, log: EventLog
) -> None:
    """Close what a fresh consent answers.

    Args:
        database: where the issues are.
        name: of the connection.
        stored: its tokens, the fresh one among them.
        now: UTC.
        log: gets the issues.

    Raises:
        StoreError: the database cannot serve.
    """
    finding = countdown(name, stored, now)
    async with database.writer() as conn:
        book = IssueBook(conn, name, now)
        await book.close(SignInExpired.code, name)
        await book.replace(SIGN_IN_ENDS, {} if finding is None else {name: finding})
    book.speak(log)


def ends_first(stored: Iterable[Consent]) -> datetime | None:
    """The earliest end; None where none is known."""
    return min((one.ends_at for one in stored if one.ends_at is not None), default=None)


def countdown(name: str, stored: Iterable[Consent], now: datetime) -> Finding | None:
    """What to tell a person; None while there is time."""
    ends_at = ends_first(stored)
    if ends_at is None or ends_at - now > SOON:
        return None
    left = ends_at - now
    day = f"{ends_at:%Y-%m-%d}"
    if left <= timedelta(0):
        message = f"the sign-in of connection {name} ended on {day}"
    else:
        days = left // timedelta(days=1)
        span = "in less than a day" if not days else f"in {days} day{'' if days == 1 else 's'}"
        message = f"the sign-in of connection {name} ends on {day}, {span}"
    return Finding(
        message=message,
        remedy=f"Run `syncd login {name}` where a person can sign in.",
        severity=IssueSeverity.ERROR if left <= VERY_SOON else IssueSeverity.WARNING,
        evidence={"ends_at": ends_at.isoformat()},
    )
