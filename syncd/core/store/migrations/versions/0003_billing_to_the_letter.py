"""Templates, exclusions by hand, agreements, reopened bills, late changes, facts of months."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CURRENT = sa.text("superseded_at IS NULL")
_OPEN = sa.text("closed_at IS NULL")
_OF_MONTH = sa.text("period <> ''")

_ADDED = (
    ("product", "monthly", sa.Boolean(), sa.false()),
    ("product", "part", sa.String(), "whole"),
    ("product", "currency", sa.String(), ""),
    ("rate", "cycle", sa.String(), "monthly"),
    ("rate", "template", sa.String(), ""),
    ("quantity_rule", "template", sa.String(), ""),
    ("billing_configuration", "template", sa.String(), ""),
    ("billing_configuration", "billed_in", sa.String(), "arrears"),
    ("account_billing", "agreement_key", sa.String(), ""),
)


def upgrade() -> None:
    for table, column, kind, default in _ADDED:
        op.add_column(table, sa.Column(column, kind, nullable=False, server_default=default))
    op.add_column("quantity_rule", sa.Column("stale_after_days", sa.Integer(), nullable=True))
    op.create_table(
        "unit_exclusion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("product_key", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_unit_exclusion_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_exclusion")),
    )
    _unique("ux_unit_exclusion", "unit_exclusion", ["account_id", "product_key", "unit"], _CURRENT)
    op.create_table(
        "billing_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_template")),
    )
    _unique("ux_billing_template", "billing_template", ["name"], _CURRENT)
    op.create_table(
        "template_client",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["psa_connection_id"],
            ["connection.id"],
            name=op.f("fk_template_client_psa_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_client")),
    )
    _unique("ux_template_client", "template_client", ["psa_connection_id", "client_key"], _CURRENT)
    op.create_table(
        "bill_reopening",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.Integer(), nullable=False),
        sa.Column("reopened_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reopened_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bill_id"], ["bill.id"], name=op.f("fk_bill_reopening_bill_id_bill")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_reopening")),
    )
    op.create_index(op.f("ix_bill_reopening_bill_id"), "bill_reopening", ["bill_id"])
    op.create_table(
        "late_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("bill_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("price_change", sa.BigInteger(), nullable=True),
        sa.Column("cost_change", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_late_change_account_id_account")
        ),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_late_change_bill_id_bill")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_change")),
    )
    _unique("ux_late_change", "late_change", ["account_id", "period"], _OPEN)
    op.create_table(
        "late_check",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("pull_id", sa.Integer(), nullable=False),
        sa.Column("void_id", sa.Integer(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_late_check_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("connection_id", "period", name=op.f("pk_late_check")),
    )
    op.create_index(
        "ix_unit_period",
        "unit_interval",
        ["connection_id", "period"],
        sqlite_where=_OF_MONTH,
        postgresql_where=_OF_MONTH,
    )


def downgrade() -> None:
    op.drop_index("ix_unit_period", table_name="unit_interval")
    for table in (
        "late_check",
        "late_change",
        "bill_reopening",
        "template_client",
        "billing_template",
        "unit_exclusion",
    ):
        op.drop_table(table)
    op.drop_column("quantity_rule", "stale_after_days")
    for table, column, _kind, _default in reversed(_ADDED):
        op.drop_column(table, column)


def _unique(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)
