"""Which codes are open for a subject, so that planning and delivery close what has healed.

Only the codes that the caller speaks for are looked at; the rest is somebody else's to close.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.tables import IssueRow


async def open_codes_by_subject(
    conn: AsyncConnection, subjects: Collection[str], codes: Collection[str]
) -> dict[str, set[str]]:
    """Open codes of these subjects, among the given codes; subjects without one are absent."""
    found: dict[str, set[str]] = {}
    for chunk in chunks(subjects):
        statement = select(col(IssueRow.code), col(IssueRow.subject)).where(
            col(IssueRow.closed_at).is_(None),
            col(IssueRow.code).in_(sorted(codes)),
            col(IssueRow.subject).in_(chunk),
        )
        for row in await conn.execute(statement):
            found.setdefault(row.subject, set()).add(row.code)
    return found


async def open_subjects(
    conn: AsyncConnection, connection: str, codes: Collection[str]
) -> dict[str, set[str]]:
    """Open subjects of a connection by code, among the given codes."""
    found: dict[str, set[str]] = {}
    statement = select(col(IssueRow.code), col(IssueRow.subject)).where(
        col(IssueRow.closed_at).is_(None),
        col(IssueRow.connection) == connection,
        col(IssueRow.code).in_(sorted(codes)),
    )
    for row in await conn.execute(statement):
        found.setdefault(row.code, set()).add(row.subject)
    return found
