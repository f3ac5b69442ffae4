"""Tables of the operation: the installation, its connections, runs and issues."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import UtcDateTime


class Installation(SQLModel, table=True):
    """One row: what is true of this database as a whole.

    `data_version` grows with every edit of links, mappings, rates, rules and configurations, so
    that a plan made before the edit is refused.
    """

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    uid: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    data_version: int = 0


class ConnectionRow(SQLModel, table=True):
    """A configured connection; `uid` is minted once and part of every external key."""

    __tablename__ = "connection"

    id: int | None = Field(default=None, primary_key=True)
    uid: str = Field(unique=True)
    name: str = Field(unique=True)
    connector: str
    status: str = "ok"
    status_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status_detail: str = ""


class RunRow(SQLModel, table=True):
    """One execution.

    The unique key decides who does a scheduled run; `subject` is a connection's name, or a noun
    for runs over all (`billing`).
    """

    __tablename__ = "run"
    __table_args__ = (UniqueConstraint("subject", "kind", "scheduled_for", name="uq_run_due"),)

    id: str = Field(primary_key=True)
    subject: str
    kind: str
    scheduled_for: datetime = Field(sa_type=UtcDateTime)
    status: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    node: str = ""
    counts: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    error_code: str | None = None
    error: str | None = Field(default=None, sa_type=Text)


class IssueRow(SQLModel, table=True):
    """Something that needs a person. One open row per code and subject; closed, never deleted."""

    __tablename__ = "issue"
    __table_args__ = (
        Index(
            "ux_issue_open",
            "code",
            "subject",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    code: str
    subject: str
    connection: str = ""
    severity: str
    message: str = Field(sa_type=Text)
    remedy: str = Field(sa_type=Text)
    evidence: str = Field(default="{}", sa_column=Column(Text, nullable=False))
    opened_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
