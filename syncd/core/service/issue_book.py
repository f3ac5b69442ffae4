"""Opens and closes issues inside of a transaction and tells the log after its commit.

A line that says `issue.opened` before the commit could speak of an issue that was rolled back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.issues import Finding, close_issue, open_issue, replace_issues
from syncd.sdk.connector import EventLog


@dataclass(slots=True)
class IssueBook:
    """The changes of issues in one transaction.

    Attributes:
        conn: a writer's connection.
        connection: name of the connection that the issues belong to, empty for the installation.
        now: moment of opening and closing.
    """

    conn: AsyncConnection
    connection: str
    now: datetime
    _lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def open(self, code: str, subject: str, finding: Finding) -> None:
        """Open one issue, or refresh what it says."""
        opened = await open_issue(
            self.conn,
            code,
            subject,
            connection=self.connection,
            severity=finding.severity,
            message=finding.message,
            remedy=finding.remedy,
            evidence=finding.evidence,
            now=self.now,
        )
        if opened:
            self.tell("issue.opened", code=code, subject=subject, message=finding.message)

    async def close(self, code: str, subject: str) -> None:
        """Close one issue if it is open."""
        if await close_issue(self.conn, code, subject, self.now):
            self.tell("issue.closed", code=code, subject=subject)

    async def replace(
        self, code: str, findings: Mapping[str, Finding], *, keep: Collection[str] = ()
    ) -> None:
        """Make the open issues of a code and this connection exactly these; see `keep` there."""
        opened, closed = await replace_issues(
            self.conn, code, self.connection, findings, now=self.now, keep=keep
        )
        for subject in opened:
            self.tell("issue.opened", code=code, subject=subject, message=findings[subject].message)
        for subject in closed:
            self.tell("issue.closed", code=code, subject=subject)

    def tell(self, event: str, **fields: Any) -> None:
        """Keep a log line for after the commit."""
        self._lines.append((event, fields))

    def speak(self, log: EventLog) -> None:
        """Write the kept lines; to be called after the commit."""
        for event, fields in self._lines:
            log(event, **fields)
        self._lines.clear()
