"""Tables of what is bought, lines of vendors' bills added up, and tokens that change by use."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import ScaledDecimal, UtcDateTime

_CURRENT = text("superseded_at IS NULL")


class PurchaseRead(SQLModel, table=True):
    """One read of a month's lines; a later complete one supersedes it.

    `documents` and `reasons` are JSON lists.
    """

    __tablename__ = "purchase_read"
    __table_args__ = (
        Index(
            "ux_purchase_read",
            "connection_id",
            "period",
            "billed",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    period: str
    billed: bool
    run_id: str = ""
    lines: int
    documents: str = Field(default="[]", sa_type=Text)
    version: str = ""
    notes: str = Field(default="[]", sa_type=Text)
    taken_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PurchaseSum(SQLModel, table=True):
    """The lines of one purchase of one customer in one read, added up by kind of charge."""

    __tablename__ = "purchase_sum"
    __table_args__ = (
        UniqueConstraint(
            "read_id",
            "account_key",
            "sku",
            "subscription",
            "charge",
            "currency",
            name="uq_purchase_sum",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    read_id: int = Field(foreign_key="purchase_read.id")
    account_key: str
    account_name: str = ""
    product: str = ""
    sku: str = ""
    name: str = ""
    subscription: str = ""
    charge: str = ""
    currency: str
    quantity: Decimal = Field(sa_type=ScaledDecimal)
    cost: Decimal = Field(sa_type=ScaledDecimal)
    lines: int


class StoredTokenRow(SQLModel, table=True):
    """A token that changes at each use, encrypted; `refresh_started_at` marks an exchange.

    An exchange that began and was never stored is one whose outcome is not known.
    """

    __tablename__ = "stored_token"
    __table_args__ = (UniqueConstraint("connection_id", "name", name="uq_stored_token"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    name: str
    sealed: bytes = Field(sa_type=LargeBinary)
    previous: bytes | None = Field(default=None, sa_type=LargeBinary)
    stored_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    refresh_started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    consented_at: datetime = Field(sa_type=UtcDateTime)
    consented_by: str = ""
