"""Tables of delivery: the outbox and each attempt to send from it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import UtcDateTime

_UNSETTLED = text("state IN ('pending', 'sending', 'unknown', 'needs_review')")


class OutboxRow(SQLModel, table=True):
    """One intended write.

    pending -> sending -> delivered | rejected | unknown -> look-up -> delivered | pending |
    needs_review. The partial unique index allows one unsettled write per external key, so that two
    plans can never race on one record.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("plan_id", "key", name="uq_outbox_plan_key"),
        Index(
            "ux_outbox_unsettled",
            "key",
            unique=True,
            sqlite_where=_UNSETTLED,
            postgresql_where=_UNSETTLED,
        ),
        Index("ix_outbox_state", "state", "available_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id")
    bill_key: str
    psa_connection_id: int = Field(foreign_key="connection.id")
    account_id: int = Field(foreign_key="account.id")
    line_uid: str = Field(foreign_key="billing_line.uid")
    key: str
    kind: str
    remote: str | None = None
    payload: str = Field(sa_type=Text)
    payload_digest: str
    mode: str
    state: str
    attempts: int = 0
    available_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    code: str | None = None
    detail: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DeliveryAttempt(SQLModel, table=True):
    """One try to send or to look up an outbox row; append-only."""

    __tablename__ = "delivery_attempt"

    id: int | None = Field(default=None, primary_key=True)
    outbox_id: int = Field(foreign_key="outbox.id", index=True)
    n: int
    what: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime = Field(sa_type=UtcDateTime)
    outcome: str
    request_id: str | None = None
    detail: str = Field(default="", sa_type=Text)
