"""Tables of the way from what exists in the PSA to a closed month.

Which clients are live, which records were adopted, which recurring lines were wired, what was
corrected, which months are sealed, who was told, and which assets were exported.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import ScaledDecimal, UtcDateTime

_CURRENT = text("superseded_at IS NULL")
_UNSETTLED = text("state IN ('pending', 'sending', 'unknown', 'needs_review')")


class ClientGoLive(SQLModel, table=True):
    """A person's word that bills of a client are written from a month on, or not any more.

    Without a row the installation's `mode` decides. An edit supersedes the row.
    """

    __tablename__ = "client_golive"
    __table_args__ = (
        Index(
            "ux_client_golive",
            "psa_connection_id",
            "client_key",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    client_key: str
    live: bool
    from_period: str = ""
    decided_by: str
    reason: str = Field(default="", sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Adoption(SQLModel, table=True):
    """A record of the PSA that a person gave to a line of ours, with the evidence; append-only.

    `seen` is the JSON of the record as it stood when it was confirmed.
    """

    __tablename__ = "adoption"
    __table_args__ = (UniqueConstraint("plan_id", "key", name="uq_adoption"),)

    id: int | None = Field(default=None, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id")
    psa_connection_id: int = Field(foreign_key="connection.id")
    account_id: int = Field(foreign_key="account.id", index=True)
    client_key: str
    remote: str
    line_uid: str
    key: str
    evidence: str = Field(default="", sa_type=Text)
    seen: str = Field(sa_type=Text)
    confirmed_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)


class WireChange(SQLModel, table=True):
    """One intended link of a recurring line to a record; states as those of the outbox.

    Setting a link that is there already changes nothing, so that one whose answer was not seen is
    settled by reading the invoice.
    """

    __tablename__ = "wire_change"
    __table_args__ = (
        UniqueConstraint("plan_id", "invoice", "line", "subscription", name="uq_wire_change"),
        Index(
            "ux_wire_unsettled",
            "psa_connection_id",
            "invoice",
            "line",
            unique=True,
            sqlite_where=_UNSETTLED,
            postgresql_where=_UNSETTLED,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id")
    psa_connection_id: int = Field(foreign_key="connection.id")
    client_key: str
    invoice: str
    line: str
    subscription: str
    payload: str = Field(sa_type=Text)
    state: str
    attempts: int = 0
    detail: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Correction(SQLModel, table=True):
    """A late change that a person accepted, as a line of the next bill; append-only.

    `billed_in` is the month of the bill that carries it, empty while it waits. Amounts are signed.
    """

    __tablename__ = "correction"
    __table_args__ = (
        UniqueConstraint("late_change_id", "line_key", name="uq_correction"),
        Index("ix_correction_account", "account_id", "billed_in"),
    )

    id: int | None = Field(default=None, primary_key=True)
    late_change_id: int = Field(foreign_key="late_change.id")
    account_id: int = Field(foreign_key="account.id")
    period: str
    line_uid: str
    line_key: str
    name: str
    price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    currency: str
    billed_in: str = ""
    accepted_by: str
    reason: str = Field(sa_type=Text)
    accepted_at: datetime = Field(sa_type=UtcDateTime)


class MonthClose(SQLModel, table=True):
    """A month that a person sealed, with the page as it was then; append-only."""

    __tablename__ = "month_close"
    __table_args__ = (UniqueConstraint("psa_connection_id", "period", name="uq_month_close"),)

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    period: str
    content: str = Field(sa_type=Text)
    digest: str
    closed_by: str
    reason: str = Field(default="", sa_type=Text)
    closed_at: datetime = Field(sa_type=UtcDateTime)


class Notice(SQLModel, table=True):
    """A message to a notifier, written before it is sent: a crash neither loses nor repeats it."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("notifier", "subject", name="uq_notice"),)

    id: int | None = Field(default=None, primary_key=True)
    notifier: str
    subject: str
    content: str = Field(sa_type=Text)
    state: str
    attempts: int = 0
    detail: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AssetRecord(SQLModel, table=True):
    """The asset of the PSA that stands for a counted unit, and what we sent of it last.

    `state` follows the outbox while a write is under way, and is `live`, `inactive` or `failed` at
    rest. `sent` is what stood after the last proven write, `payload` the write under way or the one
    that failed.
    """

    __tablename__ = "asset_record"
    __table_args__ = (
        UniqueConstraint("psa_connection_id", "connection_id", "unit", name="uq_asset_record"),
        Index("ix_asset_record_account", "account_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    connection_id: int = Field(foreign_key="connection.id")
    account_id: int = Field(foreign_key="account.id")
    unit: str
    key: str = Field(index=True)
    remote: str | None = None
    client_key: str
    sent: str = Field(default="", sa_type=Text)
    payload: str = Field(default="", sa_type=Text)
    attempts: int = 0
    plan_id: str = ""
    state: str
    detail: str = Field(default="", sa_type=Text)
    updated_at: datetime = Field(sa_type=UtcDateTime)
