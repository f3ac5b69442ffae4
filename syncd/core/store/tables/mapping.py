"""Tables of what people decide: links, mappings, rates, rules, configurations, automatic billing.

An edit never changes a row: it supersedes the old one (`superseded_at`) and records a new one, so
that a closed month can be replayed with what was known then. Keys of PSA things are the PSA's ids
as text; the empty string stands for "all" where a column is part of a unique key.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import ScaledDecimal, UtcDateTime

_CURRENT = text("superseded_at IS NULL")


class Reference(SQLModel, table=True):
    """What the PSA knows: clients, sites, asset types, suppliers; refreshed by a read."""

    __tablename__ = "reference"
    __table_args__ = (UniqueConstraint("connection_id", "kind", "key", name="uq_reference_key"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    kind: str
    key: str
    name: str
    parent: str = ""
    main_site: str = ""
    active: bool = True
    foreign_ids: str = "{}"
    seen_at: datetime = Field(sa_type=UtcDateTime)


class ClientLink(SQLModel, table=True):
    """Account to client, confirmed by a person or an id proof; an account has at most one."""

    __tablename__ = "client_link"
    __table_args__ = (
        Index(
            "ux_client_link_account",
            "account_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
        Index("ix_client_link_client", "client_key"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    psa_connection_id: int = Field(foreign_key="connection.id")
    client_key: str
    site_key: str = ""
    origin: str
    evidence: str = Field(default="", sa_type=Text)
    confirmed_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ProductMapping(SQLModel, table=True):
    """Product to default asset type."""

    __tablename__ = "product_mapping"
    __table_args__ = (
        Index(
            "ux_product_mapping_product",
            "product_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    product_id: int = Field(foreign_key="product.id")
    psa_connection_id: int = Field(foreign_key="connection.id")
    asset_type_key: str
    confirmed_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RateRow(SQLModel, table=True):
    """Cost and price of a product from a day on; `client_key` empty is the default rate.

    NULL is unset, 0 is free. `valid_from` is an ISO date; the rate valid on the first local day of
    a period prices the whole period. Only a `cycle` of `monthly` is billed.
    """

    __tablename__ = "rate"
    __table_args__ = (
        Index(
            "ux_rate",
            "product_id",
            "client_key",
            "currency",
            "valid_from",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    product_id: int = Field(foreign_key="product.id")
    client_key: str = ""
    cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    restore_cost: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    restore_price: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    currency: str
    cycle: str = Field(default="monthly", sa_column_kwargs={"server_default": "monthly"})
    valid_from: str
    template: str = Field(default="", sa_column_kwargs={"server_default": ""})
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class QuantityRuleRow(SQLModel, table=True):
    """How a raw count becomes a billed quantity, per product and client (empty: all clients).

    `included_reasons` names exclusion codes that count after all, separated by commas.
    """

    __tablename__ = "quantity_rule"
    __table_args__ = (
        Index(
            "ux_quantity_rule",
            "product_id",
            "client_key",
            "valid_from",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    product_id: int = Field(foreign_key="product.id")
    client_key: str = ""
    count_method: str = "point_in_time"
    override: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    included: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    block: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    minimum: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    maximum: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    bill_blocks: bool = False
    pool: bool = True
    included_reasons: str = ""
    stale_after_days: int | None = None
    template: str = Field(default="", sa_column_kwargs={"server_default": ""})
    valid_from: str
    valid_until: str = ""
    reason: str = ""
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BillingConfiguration(SQLModel, table=True):
    """A named set of products with a mode, for one account or (NULL) for all of a connection.

    `uid` is minted once and part of the lines' external keys; a rename keeps it. `products` is a
    JSON list of product keys. An account with a configuration of its own uses only its own.
    `first_month` and `last_month` are `full`, `by_days`, `free`, or empty; an account's go first.
    """

    __tablename__ = "billing_configuration"
    __table_args__ = (
        Index(
            "ux_billing_configuration",
            "uid",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    uid: str
    connection_id: int = Field(foreign_key="connection.id")
    account_id: int | None = Field(default=None, foreign_key="account.id")
    position: int = 0
    name: str
    mode: str
    products: str = Field(sa_type=Text)
    asset_type_key: str = ""
    supplier: str = ""
    price_owner: str = "syncd"
    cost_owner: str = "syncd"
    billed_in: str = Field(default="arrears", sa_column_kwargs={"server_default": "arrears"})
    proration_owner: str = Field(default="syncd", sa_column_kwargs={"server_default": "syncd"})
    first_month: str = Field(default="", sa_column_kwargs={"server_default": ""})
    last_month: str = Field(default="", sa_column_kwargs={"server_default": ""})
    template: str = Field(default="", sa_column_kwargs={"server_default": ""})
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AccountBilling(SQLModel, table=True):
    """Whether an account is billed automatically, its first and last day, and how those are billed.

    Days are ISO dates or an empty text; `first_month` and `last_month` are `full`, `by_days`,
    `free`, or empty where its configurations decide.
    """

    __tablename__ = "account_billing"
    __table_args__ = (
        Index(
            "ux_account_billing",
            "account_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    automatic: bool = True
    billing_start: str = ""
    agreement_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    billing_end: str = Field(default="", sa_column_kwargs={"server_default": ""})
    first_month: str = Field(default="", sa_column_kwargs={"server_default": ""})
    last_month: str = Field(default="", sa_column_kwargs={"server_default": ""})
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class UnitExclusion(SQLModel, table=True):
    """A unit that a person keeps out of every count of an account, with the reason.

    `product_key` empty stands for every product. The unit stays in the census and in the evidence.
    """

    __tablename__ = "unit_exclusion"
    __table_args__ = (
        Index(
            "ux_unit_exclusion",
            "account_id",
            "product_key",
            "unit",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    product_key: str = ""
    unit: str
    reason: str = Field(sa_type=Text)
    confirmed_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BillingTemplate(SQLModel, table=True):
    """A named set of products, modes, rates and rules; `content` is its JSON."""

    __tablename__ = "billing_template"
    __table_args__ = (
        Index(
            "ux_billing_template",
            "name",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str
    content: str = Field(sa_type=Text)
    confirmed_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class TemplateClient(SQLModel, table=True):
    """A client that is billed by a template; at most one at a time."""

    __tablename__ = "template_client"
    __table_args__ = (
        Index(
            "ux_template_client",
            "psa_connection_id",
            "client_key",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    template: str
    psa_connection_id: int = Field(foreign_key="connection.id")
    client_key: str
    confirmed_by: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
