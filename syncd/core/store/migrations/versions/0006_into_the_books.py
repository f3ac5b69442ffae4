"""Invoices on their way into the books: read, mapped, planned, written, and watched afterwards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CURRENT = sa.text("superseded_at IS NULL")
_UNSETTLED = sa.text("state IN ('pending', 'sending', 'unknown', 'needs_review')")
_STANDS = sa.text("state NOT IN ('refused', 'voided')")


def upgrade() -> None:
    op.create_table(
        "watermark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        _key("watermark", "connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watermark")),
        sa.UniqueConstraint("connection_id", "name", name="uq_watermark"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("client_name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("dated", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=True),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("finalised", sa.Boolean(), nullable=False),
        sa.Column("voided", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("first_read_at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        _key("invoice", "psa_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("psa_connection_id", "key", name="uq_invoice"),
    )
    op.create_index("ix_invoice_client", "invoice", ["psa_connection_id", "client_key", "dated"])
    op.create_table(
        "ledger_reference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        _key("ledger_reference", "connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_reference")),
        sa.UniqueConstraint("connection_id", "kind", "key", name="uq_ledger_reference"),
    )
    op.create_table(
        "ledger_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("ledger_connection_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source_key", sa.String(), nullable=False),
        sa.Column("source_name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("target_key", sa.String(), nullable=False),
        sa.Column("target_name", sa.String(), nullable=False),
        sa.Column("meaning", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        _key("ledger_mapping", "psa_connection_id", "connection"),
        _key("ledger_mapping", "ledger_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_mapping")),
    )
    op.create_index(
        "ux_ledger_mapping",
        "ledger_mapping",
        ["psa_connection_id", "ledger_connection_id", "kind", "source_key", "currency"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_table(
        "ledger_golive",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("ledger_connection_id", sa.Integer(), nullable=False),
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("from_day", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=True),
        _key("ledger_golive", "psa_connection_id", "connection"),
        _key("ledger_golive", "ledger_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_golive")),
    )
    op.create_index(
        "ux_ledger_golive",
        "ledger_golive",
        ["psa_connection_id", "ledger_connection_id"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_table(
        "attestation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("ledger_connection_id", sa.Integer(), nullable=True),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("attested_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        _key("attestation", "psa_connection_id", "connection"),
        _key("attestation", "ledger_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestation")),
    )
    op.create_index(op.f("ix_attestation_psa_connection_id"), "attestation", ["psa_connection_id"])
    op.create_table(
        "invoice_plan",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("ledger_connection_id", sa.Integer(), nullable=False),
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("data_version", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        _key("invoice_plan", "psa_connection_id", "connection"),
        _key("invoice_plan", "ledger_connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_plan")),
    )
    op.create_table(
        "invoice_plan_row",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("invoice_key", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("effect", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("objections", sa.Text(), nullable=False),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.Column("release_reason", sa.Text(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        _key("invoice_plan_row", "plan_id", "invoice_plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_plan_row")),
        sa.UniqueConstraint("plan_id", "key", name="uq_invoice_plan_row"),
    )
    op.create_table(
        "ledger_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("psa_connection_id", sa.Integer(), nullable=False),
        sa.Column("ledger_connection_id", sa.Integer(), nullable=False),
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("plan_id", sa.String(), nullable=True),
        sa.Column("invoice_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("issue", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("marker", sa.String(), nullable=False),
        sa.Column("client_key", sa.String(), nullable=False),
        sa.Column("contact_key", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("dated", sa.String(), nullable=False),
        sa.Column("due", sa.String(), nullable=True),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("source_digest", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=True),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.Column("seen_status", sa.String(), nullable=False),
        sa.Column("seen_balance", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        _key("ledger_document", "psa_connection_id", "connection"),
        _key("ledger_document", "ledger_connection_id", "connection"),
        _key("ledger_document", "plan_id", "invoice_plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_document")),
        sa.UniqueConstraint(
            "ledger_connection_id",
            "book_key",
            "psa_connection_id",
            "invoice_key",
            "kind",
            "issue",
            name="uq_ledger_document",
        ),
        sa.UniqueConstraint("key", name="uq_ledger_document_key"),
    )
    op.create_index(
        "ix_ledger_document_remote", "ledger_document", ["ledger_connection_id", "remote"]
    )
    op.create_index("ix_ledger_document_state", "ledger_document", ["state", "available_at"])
    op.create_index(
        "ux_ledger_document_live",
        "ledger_document",
        ["ledger_connection_id", "book_key", "psa_connection_id", "invoice_key", "kind"],
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    )
    op.create_table(
        "ledger_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("plan_id", sa.String(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        _key("ledger_action", "connection_id", "connection"),
        _key("ledger_action", "document_id", "ledger_document"),
        _key("ledger_action", "plan_id", "invoice_plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_action")),
    )
    op.create_index(op.f("ix_ledger_action_document"), "ledger_action", ["document_id"])
    op.create_index("ix_ledger_action_state", "ledger_action", ["state", "available_at"])
    op.create_index(
        "ux_ledger_action_unsettled",
        "ledger_action",
        ["key"],
        unique=True,
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    )
    op.create_table(
        "ledger_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        _key("ledger_attempt", "document_id", "ledger_document"),
        _key("ledger_attempt", "action_id", "ledger_action"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_attempt")),
    )
    op.create_index(op.f("ix_ledger_attempt_action_id"), "ledger_attempt", ["action_id"])
    op.create_index(op.f("ix_ledger_attempt_document_id"), "ledger_attempt", ["document_id"])
    op.create_table(
        "ledger_payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ledger_connection_id", sa.Integer(), nullable=False),
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("allocation", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("dated", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.Column("psa_remote", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        _key("ledger_payment", "ledger_connection_id", "connection"),
        _key("ledger_payment", "document_id", "ledger_document"),
        _key("ledger_payment", "action_id", "ledger_action"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_payment")),
        sa.UniqueConstraint(
            "ledger_connection_id",
            "book_key",
            "remote",
            "allocation",
            "version",
            name="uq_ledger_payment",
        ),
    )
    op.create_index(op.f("ix_ledger_payment_document"), "ledger_payment", ["document_id"])
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("book_key", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("happened_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("processed_at", sa.BigInteger(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        _key("webhook", "connection_id", "connection"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("connection_id", "key", name="uq_webhook"),
    )
    op.create_index("ix_webhook_waiting", "webhook", ["processed_at", "available_at"])


def downgrade() -> None:
    for table in (
        "webhook",
        "ledger_payment",
        "ledger_attempt",
        "ledger_action",
        "ledger_document",
        "invoice_plan_row",
        "invoice_plan",
        "attestation",
        "ledger_golive",
        "ledger_mapping",
        "ledger_reference",
        "invoice",
        "watermark",
    ):
        op.drop_table(table)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")
    )
