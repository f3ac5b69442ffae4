"""Issues: what needs a person, one open row per code and subject, closed but never deleted.

Written as SQL text because every pull opens and closes issues and must import little.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.types import from_micros, to_micros


class IssueSeverity(StrEnum):
    """How much an issue matters: `error` stops counts or bills, `warning` deserves a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue as stored.

    Attributes:
        id: row id.
        code: stable upper-case name, documented in `docs/errors.md`.
        subject: what it is about, unique among the open issues of its code; begins with the
            connection's name where there is one (`rmm-eu/12`).
        connection: name of the connection, empty for issues of the installation.
        severity: see `IssueSeverity`.
        message: one sentence.
        remedy: what to do, with the command.
        evidence: details for machines.
        opened_at: UTC.
        last_seen_at: UTC, the last time the cause was found.
        closed_at: UTC, None while open.
    """

    id: int
    code: str
    subject: str
    connection: str
    severity: IssueSeverity
    message: str
    remedy: str
    evidence: Mapping[str, Any]
    opened_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What an issue says, before it is stored.

    Attributes:
        message: one sentence.
        remedy: what to do, with the command.
        severity: see `IssueSeverity`.
        evidence: details for machines.

    Raises:
        ValueError: it says nothing, or nothing to do: a defect of whoever found it.
    """

    message: str
    remedy: str
    severity: IssueSeverity = IssueSeverity.ERROR
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.message.strip() or not self.remedy.strip():
            message = "an issue needs a sentence and a remedy"
            raise ValueError(message)


_COLUMNS = (
    "id, code, subject, connection, severity, message, remedy, evidence, "
    "opened_at, last_seen_at, closed_at"
)
_SEEN_AGAIN = text(
    "UPDATE issue SET severity = :severity, message = :message, remedy = :remedy, "
    "evidence = :evidence, connection = :connection, last_seen_at = :now "
    "WHERE code = :code AND subject = :subject AND closed_at IS NULL"
)
_OPEN = text(
    "INSERT INTO issue (code, subject, connection, severity, message, remedy, evidence, "
    "opened_at, last_seen_at) VALUES (:code, :subject, :connection, :severity, :message, "
    ":remedy, :evidence, :now, :now) "
    "ON CONFLICT (code, subject) WHERE closed_at IS NULL DO UPDATE SET last_seen_at = :now"
)
_CLOSE = text(
    "UPDATE issue SET closed_at = :now "
    "WHERE code = :code AND subject = :subject AND closed_at IS NULL"
)
_OPEN_TEXTS = text(
    "SELECT subject, severity, message, remedy, evidence FROM issue "
    "WHERE closed_at IS NULL AND code = :code AND connection = :connection ORDER BY subject"
)
_TOUCH = text(
    "UPDATE issue SET last_seen_at = :now "
    "WHERE closed_at IS NULL AND code = :code AND connection = :connection"
)


async def open_issue(
    conn: AsyncConnection,
    code: str,
    subject: str,
    *,
    connection: str = "",
    severity: IssueSeverity = IssueSeverity.ERROR,
    message: str,
    remedy: str,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> bool:
    """Open the issue, or say that it was seen again.

    Returns:
        True when it was not open before, so that the caller logs `issue.opened` once.
    """
    finding = Finding(message=message, remedy=remedy, severity=severity, evidence=evidence or {})
    values = _values(code, subject, connection, finding, now)
    if (await conn.execute(_SEEN_AGAIN, values)).rowcount:
        return False
    await conn.execute(_OPEN, values)
    return True


async def close_issue(conn: AsyncConnection, code: str, subject: str, now: datetime) -> bool:
    """Close the issue if it is open; True when it was."""
    values = {"code": code, "subject": subject, "now": to_micros(now)}
    return bool((await conn.execute(_CLOSE, values)).rowcount)


async def close_missing(
    conn: AsyncConnection, code: str, connection: str, still_open: Collection[str], now: datetime
) -> list[str]:
    """Close every open issue of this code and connection whose subject is not named.

    Returns:
        the subjects that were closed.
    """
    rows = await conn.execute(_OPEN_TEXTS, {"code": code, "connection": connection})
    gone = [row.subject for row in rows if row.subject not in still_open]
    await _close_all(conn, code, gone, now)
    return gone


async def replace_issues(
    conn: AsyncConnection,
    code: str,
    connection: str,
    findings: Mapping[str, Finding],
    *,
    now: datetime,
    keep: Collection[str] = (),
) -> tuple[list[str], list[str]]:
    """Make the open issues of this code and connection exactly these.

    Args:
        conn: a writer's connection.
        code: of all of them.
        connection: of all of them, may be empty.
        findings: by subject.
        now: becomes `last_seen_at`.
        keep: subjects that were not looked at this time: they stay as they are.

    Returns:
        subjects newly opened, and subjects closed.
    """
    rows = await conn.execute(_OPEN_TEXTS, {"code": code, "connection": connection})
    stored = {row.subject: tuple(row)[1:] for row in rows}
    values = {
        subject: _values(code, subject, connection, finding, now)
        for subject, finding in findings.items()
    }
    gone = [s for s in stored if s not in findings and s not in keep]
    await _close_all(conn, code, gone, now)
    if stored and not keep:
        await conn.execute(_TOUCH, {"code": code, "connection": connection, "now": to_micros(now)})
    fields = ("severity", "message", "remedy", "evidence")
    changed = [
        row
        for subject, row in values.items()
        if subject in stored and (keep or tuple(row[name] for name in fields) != stored[subject])
    ]
    if changed:
        await conn.execute(_SEEN_AGAIN, changed)
    new = [subject for subject in values if subject not in stored]
    if new:
        await conn.execute(_OPEN, [values[subject] for subject in new])
    return new, gone


async def open_issues(conn: AsyncConnection, *, connection: str | None = None) -> list[Issue]:
    """Open issues, errors first, then the oldest first."""
    chosen = "" if connection is None else "AND connection = :connection "
    statement = text(
        f"SELECT {_COLUMNS} FROM issue WHERE closed_at IS NULL {chosen}"  # noqa: S608 - constants
        "ORDER BY severity, opened_at, code, subject"
    )
    rows = await conn.execute(statement, {} if connection is None else {"connection": connection})
    return [_issue(row) for row in rows]


async def issue_connections(conn: AsyncConnection) -> list[str]:
    """Names of the connections with open issues; empty for those of the installation."""
    statement = text("SELECT DISTINCT connection FROM issue WHERE closed_at IS NULL ORDER BY 1")
    return list((await conn.execute(statement)).scalars())


async def all_issues(conn: AsyncConnection, *, limit: int) -> list[Issue]:
    """Open and closed issues, the newest first."""
    statement = text(
        f"SELECT {_COLUMNS} FROM issue ORDER BY opened_at DESC, id DESC LIMIT :limit"  # noqa: S608 - constants
    )
    return [_issue(row) for row in await conn.execute(statement, {"limit": limit})]


async def issue_by_id(conn: AsyncConnection, issue_id: int) -> Issue | None:
    """One issue, open or closed; None where there is none of this id."""
    statement = text(f"SELECT {_COLUMNS} FROM issue WHERE id = :id")  # noqa: S608 - constants
    row = (await conn.execute(statement, {"id": issue_id})).first()
    return None if row is None else _issue(row)


async def _close_all(
    conn: AsyncConnection, code: str, subjects: Sequence[str], now: datetime
) -> None:
    if subjects:
        moment = to_micros(now)
        await conn.execute(
            _CLOSE, [{"code": code, "subject": subject, "now": moment} for subject in subjects]
        )


def _values(
    code: str, subject: str, connection: str, finding: Finding, now: datetime
) -> dict[str, Any]:
    return {
        "code": code,
        "subject": subject,
        "connection": connection,
        "severity": finding.severity.value,
        "message": finding.message,
        "remedy": finding.remedy,
        "evidence": msgspec.json.encode(finding.evidence, order="sorted").decode(),
        "now": to_micros(now),
    }


def _issue(row: Any) -> Issue:
    return Issue(
        id=row.id,
        code=row.code,
        subject=row.subject,
        connection=row.connection,
        severity=IssueSeverity(row.severity),
        message=row.message,
        remedy=row.remedy,
        evidence=msgspec.json.decode(row.evidence),
        opened_at=from_micros(row.opened_at),
        last_seen_at=from_micros(row.last_seen_at),
        closed_at=None if row.closed_at is None else from_micros(row.closed_at),
    )
