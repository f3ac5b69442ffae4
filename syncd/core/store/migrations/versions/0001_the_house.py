"""The house: census, mappings, plans and bills, delivery, operation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("status_since", sa.BigInteger(), nullable=True),
        sa.Column("status_detail", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("name", name=op.f("uq_connection_name")),
        sa.UniqueConstraint("uid", name=op.f("uq_connection_uid")),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("data_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
    )
    op.create_index(
        "ux_issue_open",
        "issue",
        ["code", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.create_table(
        "plan",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("data_version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("scheduled_for", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("subject", "kind", "scheduled_for", name="uq_run_due"),
    )
    op.create_table(
        "unit_interval",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("excluded", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("opened_pull", sa.Integer(), nullable=False),
        sa.Column("closed_pull", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "closed_pull IS NULL OR closed_pull > opened_pull",
            name=op.f("ck_unit_interval_closed_later"),
        ),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_unit_interval_quantity_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit_interval")),
    )
    op.create_index("ix_ap", "unit_interval", ["account_id", "product_id"], unique=False)
    op.create_index(
        "ix_closed",
        "unit_interval",
        ["connection_id", "closed_pull"],
        unique=False,
        sqlite_where=sa.text("closed_pull IS NOT NULL"),
        postgresql_where=sa.text("closed_pull IS NOT NULL"),
    )
    op.create_index("ix_opened", "unit_interval", ["connection_id", "opened_pull"], unique=False)
    op.create_index(
        "ux_open",
        "unit_interval",
        ["connection_id", "product_id", "unit", "account_id", "period"],
        unique=True,
        sqlite_where=sa.text("closed_pull IS NULL"),
        postgresql_where=sa.text("closed_pull IS NULL"),
    )

    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("psa_ids", sa.String(), nullable=False),
        sa.Column("first_pull", sa.Integer(), nullable=False),
        sa.Column("absent_since_pull", sa.Integer(), nullable=True),
        sa.Column("removed_pull", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_account_connection_id_connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("connection_id", "key", name="uq_account_key"),
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("bill_key", sa.String(), nullable=True),
        sa.Column("line_key", sa.String(), nullable=True),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_objection_plan_id_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    op.create_index(op.f("ix_objection_plan_id"), "objection", ["plan_id"], unique=False)

    op.create_table(
        "product",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("measure", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_product_connection_id_connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("connection_id", "key", name="uq_product_key"),
    )
    op.create_table(
        "pull",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("declared", sa.BigInteger(), nullable=True),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("closed", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_pull_connection_id_connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull")),
        sa.UniqueConstraint("connection_id", "seq", name="uq_pull_seq"),
    )
    op.create_table(
        "reference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=False),
        sa.Column("main_site", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("foreign_ids", sa.String(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_reference_connection_id_connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reference")),
        sa.UniqueConstraint("connection_id", "kind", "key", name="uq_reference_key"),
    )
    op.create_table(
        "bill",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("total_price", sa.BigInteger(), nullable=True),
        sa.Column("total_cost", sa.BigInteger(), nullable=True),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_bill_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_bill_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_bill_plan_id_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
        sa.UniqueConstraint("account_id", "period", "revision", name="uq_bill_revision"),
    )
    op.create_table(
        "billing_configuration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("products", sa.Text(), nullable=False),
        sa.Column("asset_type_key", sa.String(), nullable=False),
        sa.Column("supplier", sa.String(), nullable=False),
        sa.Column("price_owner", sa.String(), nullable=False),
        sa.Column("cost_owner", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_billing_configuration_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_billing_configuration_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_configuration")),
    )
    op.create_index(
        "ux_billing_configuration",
        "billing_configuration",
        ["uid"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.create_table(
        "billing_line",
        sa.Column("uid", sa.String(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("configuration_uid", sa.String(), nullable=False),
        sa.Column("asset_type_key", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_billing_line_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_billing_line_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_billing_line")),
        sa.UniqueConstraint(
            "account_id", "configuration_uid", "asset_type_key", "part", name="uq_billing_line"
        ),
    )
    op.create_table(
        "client_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("site_key", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_client_link_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["psa_connection_id"],
            ["connection.id"],
            name=op.f("fk_client_link_psa_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_link")),
    )
    op.create_index("ix_client_link_client", "client_link", ["client_key"], unique=False)
    op.create_index(
        "ux_client_link_account",
        "client_link",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.create_table(
        "plan_bill",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("bill_key", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.Column("release_reason", sa.Text(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_plan_bill_account_id_account")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_bill_plan_id_plan")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_bill")),
        sa.UniqueConstraint("plan_id", "bill_key", name="uq_plan_bill"),
    )
    op.create_index(op.f("ix_plan_bill_plan_id"), "plan_bill", ["plan_id"], unique=False)

    op.create_table(
        "product_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("asset_type_key", sa.String(), nullable=False),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_mapping_product_id_product")
        ),
        sa.ForeignKeyConstraint(
            ["psa_connection_id"],
            ["connection.id"],
            name=op.f("fk_product_mapping_psa_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_mapping")),
    )
    op.create_index(
        "ux_product_mapping_product",
        "product_mapping",
        ["product_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.create_table(
        "pull_gap",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pull_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_pull_gap_account_id_account")
        ),
        sa.ForeignKeyConstraint(["pull_id"], ["pull.id"], name=op.f("fk_pull_gap_pull_id_pull")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_gap")),
    )
    op.create_index("ix_pull_gap_account", "pull_gap", ["account_id", "pull_id"], unique=False)
    op.create_index(op.f("ix_pull_gap_pull_id"), "pull_gap", ["pull_id"], unique=False)

    op.create_table(
        "pull_void",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pull_id", sa.Integer(), nullable=False),
        sa.Column("voided_at", sa.BigInteger(), nullable=False),
        sa.Column("voided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["pull_id"], ["pull.id"], name=op.f("fk_pull_void_pull_id_pull")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_void")),
    )
    op.create_index(op.f("ix_pull_void_pull_id"), "pull_void", ["pull_id"], unique=False)

    op.create_table(
        "quantity_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("count_method", sa.String(), nullable=False),
        sa.Column("override", sa.BigInteger(), nullable=True),
        sa.Column("included", sa.BigInteger(), nullable=True),
        sa.Column("block", sa.BigInteger(), nullable=True),
        sa.Column("minimum", sa.BigInteger(), nullable=True),
        sa.Column("maximum", sa.BigInteger(), nullable=True),
        sa.Column("bill_blocks", sa.Boolean(), nullable=False),
        sa.Column("pool", sa.Boolean(), nullable=False),
        sa.Column("included_reasons", sa.String(), nullable=False),
        sa.Column("valid_from", sa.String(), nullable=False),
        sa.Column("valid_until", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_quantity_rule_product_id_product")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quantity_rule")),
    )
    op.create_index(
        "ux_quantity_rule",
        "quantity_rule",
        ["product_id", "client_key", "valid_from"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.create_table(
        "rate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("restore_cost", sa.BigInteger(), nullable=True),
        sa.Column("restore_price", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_rate_product_id_product")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
    )
    op.create_index(
        "ux_rate",
        "rate",
        ["product_id", "client_key", "currency", "valid_from"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.create_table(
        "bill_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.Integer(), nullable=False),
        sa.Column("line_uid", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("asset_type_key", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=True),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("total_price", sa.BigInteger(), nullable=True),
        sa.Column("total_cost", sa.BigInteger(), nullable=True),
        sa.Column("residual_price", sa.BigInteger(), nullable=False),
        sa.Column("residual_cost", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_bill_line_bill_id_bill")),
        sa.ForeignKeyConstraint(
            ["line_uid"], ["billing_line.uid"], name=op.f("fk_bill_line_line_uid_billing_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_line")),
    )
    op.create_index(op.f("ix_bill_line_bill_id"), "bill_line", ["bill_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("bill_key", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("line_uid", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("payload_digest", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_outbox_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["line_uid"], ["billing_line.uid"], name=op.f("fk_outbox_line_uid_billing_line")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_outbox_plan_id_plan")),
        sa.ForeignKeyConstraint(
            ["psa_connection_id"],
            ["connection.id"],
            name=op.f("fk_outbox_psa_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("plan_id", "key", name="uq_outbox_plan_key"),
    )
    op.create_index("ix_outbox_state", "outbox", ["state", "available_at"], unique=False)
    op.create_index(
        "ux_outbox_unsettled",
        "outbox",
        ["key"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'sending', 'unknown', 'needs_review')"),
        postgresql_where=sa.text("state IN ('pending', 'sending', 'unknown', 'needs_review')"),
    )

    op.create_table(
        "psa_record",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("line_uid", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("sent_period", sa.String(), nullable=False),
        sa.Column("total_price", sa.BigInteger(), nullable=True),
        sa.Column("total_cost", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_psa_record_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["line_uid"], ["billing_line.uid"], name=op.f("fk_psa_record_line_uid_billing_line")
        ),
        sa.ForeignKeyConstraint(
            ["psa_connection_id"],
            ["connection.id"],
            name=op.f("fk_psa_record_psa_connection_id_connection"),
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_psa_record")),
    )
    op.create_index("ix_psa_record_account", "psa_record", ["account_id"], unique=False)
    op.create_index(op.f("ix_psa_record_line_uid"), "psa_record", ["line_uid"], unique=False)

    op.create_table(
        "delivery_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outbox_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox.id"], name=op.f("fk_delivery_attempt_outbox_id_outbox")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index(
        op.f("ix_delivery_attempt_outbox_id"), "delivery_attempt", ["outbox_id"], unique=False
    )

    # One row per database, minted by the database itself: scripts know no clock.
    if op.get_bind().dialect.name == "sqlite":
        uid, now = (
            "lower(hex(randomblob(16)))",
            "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000",
        )
    else:
        uid, now = (
            "replace(gen_random_uuid()::text, '-', '')",
            "(extract(epoch FROM now()) * 1000000)::bigint",
        )
    op.execute(
        f"INSERT INTO installation (id, uid, created_at, data_version) VALUES (1, {uid}, {now}, 0)"
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_delivery_attempt_outbox_id"),
        table_name="delivery_attempt",
    )

    op.drop_table("delivery_attempt")
    op.drop_index(
        op.f("ix_psa_record_line_uid"),
        table_name="psa_record",
    )
    op.drop_index(
        "ix_psa_record_account",
        table_name="psa_record",
    )

    op.drop_table("psa_record")
    op.drop_index(
        "ux_outbox_unsettled",
        table_name="outbox",
        sqlite_where=sa.text("state IN ('pending', 'sending', 'unknown', 'needs_review')"),
        postgresql_where=sa.text("state IN ('pending', 'sending', 'unknown', 'needs_review')"),
    )
    op.drop_index(
        "ix_outbox_state",
        table_name="outbox",
    )

    op.drop_table("outbox")
    op.drop_index(
        op.f("ix_bill_line_bill_id"),
        table_name="bill_line",
    )

    op.drop_table("bill_line")
    op.drop_index(
        "ux_rate",
        table_name="rate",
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.drop_table("rate")
    op.drop_index(
        "ux_quantity_rule",
        table_name="quantity_rule",
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.drop_table("quantity_rule")
    op.drop_index(
        op.f("ix_pull_void_pull_id"),
        table_name="pull_void",
    )

    op.drop_table("pull_void")
    op.drop_index(
        op.f("ix_pull_gap_pull_id"),
        table_name="pull_gap",
    )
    op.drop_index(
        "ix_pull_gap_account",
        table_name="pull_gap",
    )

    op.drop_table("pull_gap")
    op.drop_index(
        "ux_product_mapping_product",
        table_name="product_mapping",
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.drop_table("product_mapping")
    op.drop_index(
        op.f("ix_plan_bill_plan_id"),
        table_name="plan_bill",
    )

    op.drop_table("plan_bill")
    op.drop_index(
        "ux_client_link_account",
        table_name="client_link",
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.drop_index(
        "ix_client_link_client",
        table_name="client_link",
    )

    op.drop_table("client_link")
    op.drop_table("billing_line")
    op.drop_index(
        "ux_billing_configuration",
        table_name="billing_configuration",
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )

    op.drop_table("billing_configuration")
    op.drop_table("bill")
    op.drop_table("reference")
    op.drop_table("pull")
    op.drop_table("product")
    op.drop_index(
        op.f("ix_objection_plan_id"),
        table_name="objection",
    )

    op.drop_table("objection")
    op.drop_table("account")
    op.drop_index(
        "ux_open",
        table_name="unit_interval",
        sqlite_where=sa.text("closed_pull IS NULL"),
        postgresql_where=sa.text("closed_pull IS NULL"),
    )
    op.drop_index(
        "ix_opened",
        table_name="unit_interval",
    )
    op.drop_index(
        "ix_closed",
        table_name="unit_interval",
        sqlite_where=sa.text("closed_pull IS NOT NULL"),
        postgresql_where=sa.text("closed_pull IS NOT NULL"),
    )
    op.drop_index(
        "ix_ap",
        table_name="unit_interval",
    )

    op.drop_table("unit_interval")
    op.drop_table("run")
    op.drop_table("plan")
    op.drop_index(
        "ux_issue_open",
        table_name="issue",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.drop_table("issue")
    op.drop_table("installation")
    op.drop_table("connection")
