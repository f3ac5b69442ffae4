"""Issues of connections that left the configuration: nobody else would ever close them.

A connection that is renamed reports the same under its new name with its next pull.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from syncd.core.service.connection_health import FAILURES
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.mapping_issues import (
    SPLIT_LOCATION_UNLINKED,
    UNLINKED_ACCOUNT,
    UNMAPPED_PRODUCT,
)
from syncd.core.service.pull_issues import ACCOUNT_DISAPPEARED, ACCOUNT_REMOVED, PULL_INCOMPLETE
from syncd.core.service.renewal_issues import EXTENDED_TERM, RENEWAL_DUE
from syncd.core.store.database import Database
from syncd.core.store.issues import issue_connections, open_issues
from syncd.sdk.connector import EventLog

_CODES: Final = frozenset(
    {
        *FAILURES,
        PULL_INCOMPLETE,
        ACCOUNT_DISAPPEARED,
        ACCOUNT_REMOVED,
        SPLIT_LOCATION_UNLINKED,
        UNLINKED_ACCOUNT,
        UNMAPPED_PRODUCT,
        RENEWAL_DUE,
        EXTENDED_TERM,
        # Of the PSA's lists; their module is not imported, because it loads the table classes.
        "AMBIGUOUS_CLIENT_NAME",
        "LINKED_CLIENT_GONE",
    }
)
"""What only a pull or a refresh of the connection itself closes."""


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
            if issue.code in _CODES or issue.evidence.get("note")
        ]
    if not orphans:
        return
    async with database.writer() as conn:
        book = IssueBook(conn, "", now)
        for issue in orphans:
            await book.close(issue.code, issue.subject)
    book.speak(log)
