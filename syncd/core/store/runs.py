"""Run rows: who did which scheduled work, when, and how it ended.

The unique key (subject, kind, scheduled_for) decides who does a run; SQL text, since every pull
writes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.core.store.types import from_micros, to_micros


class RunStatus(StrEnum):
    """How a run stands; only `running` is not final."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    HELD = "held"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One execution as stored.

    Attributes:
        id: sortable text.
        subject: a connection's name, or a noun for runs over all (`billing`).
        kind: `pull`, `plan`, `apply`, …
        scheduled_for: UTC moment it was due; the moment of the command for a manual run.
        status: see `RunStatus`.
        started_at: UTC.
        finished_at: UTC, None while it runs.
        node: who ran it.
        counts: numbers by name.
        error_code: code of the error that ended it.
        error: its sentence.
    """

    id: str
    subject: str
    kind: str
    scheduled_for: datetime
    status: RunStatus
    started_at: datetime
    finished_at: datetime | None = None
    node: str = ""
    counts: Mapping[str, int]
    error_code: str | None = None
    error: str | None = None


_COLUMNS = (
    "id, subject, kind, scheduled_for, status, started_at, finished_at, node, counts, "
    "error_code, error"
)
_INSERT = text(
    "INSERT INTO run (id, subject, kind, scheduled_for, status, started_at, node, counts) "
    "VALUES (:id, :subject, :kind, :scheduled_for, 'running', :started_at, :node, '{}') "
    "ON CONFLICT (subject, kind, scheduled_for) DO NOTHING"
)
_FINISH = text(
    "UPDATE run SET status = :status, finished_at = :finished_at, counts = :counts, "
    "error_code = :error_code, error = :error WHERE id = :id AND status = 'running'"
)
_ABANDON = text(
    "UPDATE run SET status = 'interrupted', finished_at = :now, error_code = 'RUN_ABANDONED', "
    "error = 'the process ended without finishing this run' "
    "WHERE status = 'running' AND node = :node AND started_at < :before"
)
_LAST_DUE = text("SELECT MAX(scheduled_for) FROM run WHERE subject = :subject AND kind = :kind")


async def insert_run(
    conn: AsyncConnection,
    *,
    run_id: str,
    subject: str,
    kind: str,
    scheduled_for: datetime,
    started_at: datetime,
    node: str,
) -> bool:
    """Claim a run; False when somebody else has it already."""
    values = {
        "id": run_id,
        "subject": subject,
        "kind": kind,
        "scheduled_for": to_micros(scheduled_for),
        "started_at": to_micros(started_at),
        "node": node,
    }
    return bool((await conn.execute(_INSERT, values)).rowcount)


async def finish_run(
    conn: AsyncConnection,
    run_id: str,
    *,
    status: RunStatus,
    finished_at: datetime,
    counts: Mapping[str, int],
    error_code: str | None = None,
    error: str | None = None,
) -> bool:
    """Write how a running run ended; False when it was final already."""
    values = {
        "id": run_id,
        "status": status.value,
        "finished_at": to_micros(finished_at),
        "counts": msgspec.json.encode(counts, order="sorted").decode(),
        "error_code": error_code,
        "error": error,
    }
    return bool((await conn.execute(_FINISH, values)).rowcount)


async def abandon_runs(conn: AsyncConnection, *, node: str, before: datetime, now: datetime) -> int:
    """Mark runs of this node as interrupted that a dead process left running.

    Args:
        conn: a writer's connection.
        node: whose runs; the caller knows that this node's former process is gone.
        before: only runs started earlier.
        now: becomes their end.
    """
    values = {"node": node, "before": to_micros(before), "now": to_micros(now)}
    return (await conn.execute(_ABANDON, values)).rowcount


async def last_due(conn: AsyncConnection, subject: str, kind: str) -> datetime | None:
    """The latest `scheduled_for` of the subject, from which the daemon catches up."""
    found = (await conn.execute(_LAST_DUE, {"subject": subject, "kind": kind})).scalar_one()
    return None if found is None else from_micros(found)


async def recent_runs(
    conn: AsyncConnection, *, limit: int, subject: str | None = None
) -> list[RunRecord]:
    """Runs, the newest first."""
    chosen = "" if subject is None else "WHERE subject = :subject "
    statement = text(
        f"SELECT {_COLUMNS} FROM run {chosen}ORDER BY started_at DESC, id DESC LIMIT :limit"  # noqa: S608 - constants
    )
    values: dict[str, Any] = {"limit": limit}
    if subject is not None:
        values["subject"] = subject
    return [_record(row) for row in await conn.execute(statement, values)]


async def running_runs(conn: AsyncConnection) -> list[RunRecord]:
    """Runs that are not final, among them those whose process died."""
    statement = text(f"SELECT {_COLUMNS} FROM run WHERE status = 'running' ORDER BY id")  # noqa: S608 - constants
    return [_record(row) for row in await conn.execute(statement)]


async def last_runs(conn: AsyncConnection, kind: str) -> dict[str, RunRecord]:
    """The newest run of this kind by subject; ids sort by time."""
    statement = text(
        f"SELECT {_COLUMNS} FROM run WHERE id IN "  # noqa: S608 - constants
        "(SELECT MAX(id) FROM run WHERE kind = :kind GROUP BY subject)"
    )
    return {row.subject: _record(row) for row in await conn.execute(statement, {"kind": kind})}


def _record(row: Any) -> RunRecord:
    return RunRecord(
        id=row.id,
        subject=row.subject,
        kind=row.kind,
        scheduled_for=from_micros(row.scheduled_for),
        status=RunStatus(row.status),
        started_at=from_micros(row.started_at),
        finished_at=None if row.finished_at is None else from_micros(row.finished_at),
        node=row.node,
        counts=msgspec.json.decode(row.counts, type=dict[str, int]),
        error_code=row.error_code,
        error=row.error,
    )
