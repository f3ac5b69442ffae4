"""What vendors charge, added up, tokens that change at each use, and a way to units with a term."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_CURRENT = sa.text("superseded_at IS NULL")
_TERM = "closed_pull IS NULL AND {}(attributes, '\"term\":{{') > 0"


def upgrade() -> None:
    op.create_table(
        "purchase_read",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("billed", sa.Boolean(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Text(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        _key("purchase_read", "connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_read")),
    )
    op.create_index(
        "ux_purchase_read",
        "purchase_read",
        ["connection_id", "period", "billed"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_table(
        "purchase_sum",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("read_id", sa.Integer(), nullable=False),
        sa.Column("account_key", sa.String(), nullable=False),
        sa.Column("account_name", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("charge", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        _key("purchase_sum", "read_id", "purchase_read"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_sum")),
        sa.UniqueConstraint(
            "read_id",
            "account_key",
            "sku",
            "subscription",
            "charge",
            "currency",
            name="uq_purchase_sum",
        ),
    )
    op.create_table(
        "stored_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=True),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("refresh_started_at", sa.BigInteger(), nullable=True),
        sa.Column("consented_at", sa.BigInteger(), nullable=False),
        sa.Column("consented_by", sa.String(), nullable=False),
        _key("stored_token", "connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_token")),
        sa.UniqueConstraint("connection_id", "name", name="uq_stored_token"),
    )
    op.create_index(
        "ix_term",
        "unit_interval",
        ["connection_id", "account_id"],
        sqlite_where=sa.text(_TERM.format("instr")),
        postgresql_where=sa.text(_TERM.format("strpos")),
    )


def downgrade() -> None:
    op.drop_index("ix_term", "unit_interval")
    for table in ("stored_token", "purchase_sum", "purchase_read"):
        op.drop_table(table)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
    )
