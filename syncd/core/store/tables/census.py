"""Tables of the census: which units existed from which pull to which.

`opened_pull` and `closed_pull` hold `pull.seq` of the connection; an interval covers the pulls from
`opened_pull` up to, not including, `closed_pull`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from syncd.core.store.census.selection import STATES_A_TERM
from syncd.core.store.types import UtcDateTime

_ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere; SQLite aliases only INTEGER to its rowid."""


class AccountRow(SQLModel, table=True):
    """An account of a source.

    `parent` is the key of the account that it is a part of, empty for a whole one.
    `first_pull` is the pull whose roster first had it; `absent_since_pull` the first complete pull
    whose roster lacked it; `removed_pull` the one that confirmed it.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("connection_id", "key", name="uq_account_key"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    key: str
    name: str
    psa_ids: str = "{}"
    parent: str = Field(default="", sa_column_kwargs={"server_default": ""})
    first_pull: int = 0
    absent_since_pull: int | None = None
    removed_pull: int | None = None


class ProductRow(SQLModel, table=True):
    """A product of a source; see `syncd.sdk.records.Product` for `monthly`, `part`, `currency`."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("connection_id", "key", name="uq_product_key"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    key: str
    name: str
    kind: str
    measure: str
    monthly: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    part: str = Field(default="whole", sa_column_kwargs={"server_default": "whole"})
    currency: str = Field(default="", sa_column_kwargs={"server_default": ""})


class PullRow(SQLModel, table=True):
    """One version of the census: `taken_at` is the start of the read, `recorded_at` its commit.

    `period` is the month that a source of periods was asked for; such a pull proves only facts of
    that period.
    """

    __tablename__ = "pull"
    __table_args__ = (UniqueConstraint("connection_id", "seq", name="uq_pull_seq"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    seq: int
    period: str = ""
    taken_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    state: str
    declared: int | None = Field(default=None, sa_type=BigInteger)
    seen: int = Field(sa_type=BigInteger)
    opened: int = Field(sa_type=BigInteger)
    closed: int = Field(sa_type=BigInteger)
    run_id: str | None = None


class PullGap(SQLModel, table=True):
    """What a pull did not prove; an account without a row here was proven by it."""

    __tablename__ = "pull_gap"
    __table_args__ = (Index("ix_pull_gap_account", "account_id", "pull_id"),)

    id: int | None = Field(default=None, primary_key=True)
    pull_id: int = Field(foreign_key="pull.id", index=True)
    scope: str
    account_id: int | None = Field(default=None, foreign_key="account.id")
    state: str
    reason: str = Field(sa_type=Text)


class PullVoid(SQLModel, table=True):
    """A complete pull later found wrong; append-only."""

    __tablename__ = "pull_void"

    id: int | None = Field(default=None, primary_key=True)
    pull_id: int = Field(foreign_key="pull.id", index=True)
    voided_at: datetime = Field(sa_type=UtcDateTime)
    voided_by: str
    reason: str = Field(sa_type=Text)


class UnitInterval(SQLModel, table=True):
    """A unit with one set of facts, from pull to pull.

    The account stands last in the open key to keep the vendor's order of units. There are no
    foreign keys: rows come only from joins with the rows they would point at, none of which is
    ever deleted, and PostgreSQL takes two and a half times as long to insert a fleet when it
    checks each.
    """

    __tablename__ = "unit_interval"
    __table_args__ = (
        CheckConstraint("closed_pull IS NULL OR closed_pull > opened_pull", name="closed_later"),
        CheckConstraint("quantity >= 0", name="quantity_positive"),
        Index(
            "ux_open",
            "connection_id",
            "product_id",
            "unit",
            "account_id",
            "period",
            unique=True,
            sqlite_where=text("closed_pull IS NULL"),
            postgresql_where=text("closed_pull IS NULL"),
        ),
        Index("ix_ap", "account_id", "product_id"),
        Index(
            "ix_unit_period",
            "connection_id",
            "period",
            sqlite_where=text("period <> ''"),
            postgresql_where=text("period <> ''"),
        ),
        Index("ix_opened", "connection_id", "opened_pull"),
        Index(
            "ix_closed",
            "connection_id",
            "closed_pull",
            sqlite_where=text("closed_pull IS NOT NULL"),
            postgresql_where=text("closed_pull IS NOT NULL"),
        ),
        Index(
            "ix_term",
            "connection_id",
            "account_id",
            sqlite_where=text(f"closed_pull IS NULL AND {STATES_A_TERM['sqlite']}"),
            postgresql_where=text(f"closed_pull IS NULL AND {STATES_A_TERM['postgresql']}"),
        ),
    )

    id: int | None = Field(default=None, sa_column=Column(_ROW_ID, primary_key=True))
    connection_id: int
    account_id: int
    product_id: int
    unit: str
    period: str = ""
    quantity: int = Field(sa_type=BigInteger)
    excluded: str | None = None
    name: str
    attributes: str = Field(sa_type=Text)
    opened_pull: int
    closed_pull: int | None = None
