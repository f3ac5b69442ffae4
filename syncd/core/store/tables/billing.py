"""Tables of bills and plans: what shall be written, what was, and why."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import ScaledDecimal, UtcDateTime


class BillingLine(SQLModel, table=True):
    """The identity of a line: its uid is minted once; the asset type is a field of it."""

    __tablename__ = "billing_line"
    __table_args__ = (
        UniqueConstraint(
            "account_id", "configuration_uid", "asset_type_key", "part", name="uq_billing_line"
        ),
    )

    uid: str = Field(primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    account_id: int = Field(foreign_key="account.id")
    configuration_uid: str
    asset_type_key: str
    part: str = ""
    created_at: datetime = Field(sa_type=UtcDateTime)


class PsaRecord(SQLModel, table=True):
    """The ledger row of an external key: which PSA record carries it and what we sent last."""

    __tablename__ = "psa_record"
    __table_args__ = (Index("ix_psa_record_account", "account_id"),)

    key: str = Field(primary_key=True)
    line_uid: str = Field(foreign_key="billing_line.uid", index=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    account_id: int = Field(foreign_key="account.id")
    period: str = ""
    remote: str | None = None
    state: str
    mode: str
    content_hash: str
    sent: str = Field(sa_type=Text)
    sent_period: str
    total_price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    total_cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class PlanRow(SQLModel, table=True):
    """A plan as data; `content` is the msgspec JSON of `syncd.sdk.records.Plan`."""

    __tablename__ = "plan"

    id: str = Field(primary_key=True)
    kind: str
    period: str
    state: str
    currency: str
    made_at: datetime = Field(sa_type=UtcDateTime)
    data_version: int
    digest: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    run_id: str | None = None


class PlanBill(SQLModel, table=True):
    """The fate of one bill of a plan: the unit that is held, released and applied."""

    __tablename__ = "plan_bill"
    __table_args__ = (
        UniqueConstraint("plan_id", "bill_key", name="uq_plan_bill"),
        Index("ix_plan_bill_account", "account_id", "plan_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id", index=True)
    bill_key: str
    account_id: int = Field(foreign_key="account.id")
    state: str
    detail: str = Field(default="", sa_type=Text)
    released_by: str = ""
    release_reason: str = Field(default="", sa_type=Text)
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    applied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    basis: str = Field(default="[]", sa_column=Column(Text, nullable=False))


class ObjectionRow(SQLModel, table=True):
    """A guard's finding about a plan, one of its bills, or one line."""

    __tablename__ = "objection"

    id: int | None = Field(default=None, primary_key=True)
    plan_id: str = Field(foreign_key="plan.id", index=True)
    bill_key: str | None = None
    line_key: str | None = None
    rule: str
    severity: str
    message: str = Field(sa_type=Text)


class Bill(SQLModel, table=True):
    """A bill that was sent, or is being sent, for one account and period."""

    __tablename__ = "bill"
    __table_args__ = (
        UniqueConstraint("account_id", "period", "revision", name="uq_bill_revision"),
        Index("ix_bill_client", "client_key"),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    account_id: int = Field(foreign_key="account.id")
    client_key: str
    period: str
    revision: int
    kind: str
    currency: str
    total_price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    total_cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    plan_id: str = Field(foreign_key="plan.id")
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BillLine(SQLModel, table=True):
    """A line of a bill, immutable, with the basis that explains it."""

    __tablename__ = "bill_line"

    id: int | None = Field(default=None, primary_key=True)
    bill_id: int = Field(foreign_key="bill.id", index=True)
    line_uid: str = Field(foreign_key="billing_line.uid")
    key: str
    name: str
    mode: str
    asset_type_key: str
    quantity: int
    unit_price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    unit_cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    total_price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    total_cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    residual_price: Decimal = Field(default=Decimal(0), sa_type=ScaledDecimal)
    residual_cost: Decimal = Field(default=Decimal(0), sa_type=ScaledDecimal)
    basis: str = Field(sa_type=Text)


class BillReopening(SQLModel, table=True):
    """A person's word that a final bill may be written again; append-only.

    It counts for the revision it names, so that the next complete revision ends it.
    """

    __tablename__ = "bill_reopening"

    id: int | None = Field(default=None, primary_key=True)
    bill_id: int = Field(foreign_key="bill.id", index=True)
    reopened_by: str
    reason: str = Field(sa_type=Text)
    reopened_at: datetime = Field(sa_type=UtcDateTime)


class LateChange(SQLModel, table=True):
    """What facts that arrived after a final bill would have made of it; the bill stays as it is.

    One current row per account and period; `digest` tells the same facts from new ones, and
    `content` is the JSON of the lines that differ.
    """

    __tablename__ = "late_change"
    __table_args__ = (
        Index(
            "ux_late_change",
            "account_id",
            "period",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    period: str
    bill_id: int = Field(foreign_key="bill.id")
    client_key: str
    currency: str
    price_change: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    cost_change: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    digest: str
    content: str = Field(sa_type=Text)
    found_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str = ""
    decided_by: str = ""
    decided_reason: str = Field(default="", sa_type=Text)


class LateCheck(SQLModel, table=True):
    """How far the facts of a billed month were compared with its bills, so that it is done once."""

    __tablename__ = "late_check"

    connection_id: int = Field(foreign_key="connection.id", primary_key=True)
    period: str = Field(primary_key=True)
    pull_id: int
    void_id: int
    completed_at: datetime = Field(sa_type=UtcDateTime)
