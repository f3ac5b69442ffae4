"""Clients that are live, adoption, wiring, corrections, sealed months, notices, assets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CURRENT = sa.text("superseded_at IS NULL")
_UNSETTLED = sa.text("state IN ('pending', 'sending', 'unknown', 'needs_review')")

_ADDED = (
    ("account", "parent", ""),
    ("account_billing", "billing_end", ""),
    ("account_billing", "first_month", ""),
    ("account_billing", "last_month", ""),
    ("billing_configuration", "proration_owner", "syncd"),
    ("billing_configuration", "first_month", ""),
    ("billing_configuration", "last_month", ""),
)


def upgrade() -> None:
    for table, column, default in _ADDED:
        added = sa.Column(column, sa.String(), nullable=False, server_default=default)
        op.add_column(table, added)
    op.create_index("ix_plan_bill_account", "plan_bill", ["account_id", "plan_id"])
    op.create_index("ix_bill_client", "bill", ["client_key"])
    _golive()
    _adoption()
    _wiring()
    _correction()
    _close()
    _notice()
    _asset()


def downgrade() -> None:
    for table in (
        "asset_record",
        "notice",
        "month_close",
        "correction",
        "wire_change",
        "adoption",
        "client_golive",
    ):
        op.drop_table(table)
    op.drop_index("ix_bill_client", "bill")
    op.drop_index("ix_plan_bill_account", "plan_bill")
    for table, column, _default in reversed(_ADDED):
        op.drop_column(table, column)


def _golive() -> None:
    op.create_table(
        "client_golive",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("from_period", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        _key("client_golive", "psa_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_golive")),
    )
    _unique("ux_client_golive", "client_golive", ["psa_connection_id", "client_key"], _CURRENT)


def _adoption() -> None:
    op.create_table(
        "adoption",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("line_uid", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        _key("adoption", "plan_id", "plan"),
        _key("adoption", "psa_connection_id", "connection"),
        _key("adoption", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adoption")),
        sa.UniqueConstraint("plan_id", "key", name="uq_adoption"),
    )
    op.create_index(op.f("ix_adoption_account_id"), "adoption", ["account_id"])


def _wiring() -> None:
    op.create_table(
        "wire_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        _key("wire_change", "plan_id", "plan"),
        _key("wire_change", "psa_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wire_change")),
        sa.UniqueConstraint("plan_id", "invoice", "line", "subscription", name="uq_wire_change"),
    )
    columns = ["psa_connection_id", "invoice", "line"]
    _unique("ux_wire_unsettled", "wire_change", columns, _UNSETTLED)


def _correction() -> None:
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("late_change_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("line_uid", sa.String(), nullable=False),
        sa.Column("line_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("billed_in", sa.String(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        _key("correction", "late_change_id", "late_change"),
        _key("correction", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
        sa.UniqueConstraint("late_change_id", "line_key", name="uq_correction"),
    )
    op.create_index("ix_correction_account", "correction", ["account_id", "billed_in"])


def _close() -> None:
    op.create_table(
        "month_close",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("closed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        _key("month_close", "psa_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_month_close")),
        sa.UniqueConstraint("psa_connection_id", "period", name="uq_month_close"),
    )


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notifier", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("notifier", "subject", name="uq_notice"),
    )


def _asset() -> None:
    op.create_table(
        "asset_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=True),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        _key("asset_record", "psa_connection_id", "connection"),
        _key("asset_record", "connection_id", "connection"),
        _key("asset_record", "account_id", "account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_record")),
        sa.UniqueConstraint("psa_connection_id", "connection_id", "unit", name="uq_asset_record"),
    )
    op.create_index("ix_asset_record_account", "asset_record", ["account_id"])
    op.create_index(op.f("ix_asset_record_key"), "asset_record", ["key"])


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name)


def _unique(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)
