"""Tables of what is written to books: plans, the ledger of documents, other writes, payments."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import ScaledDecimal, UtcDateTime

_UNSETTLED = text("state IN ('pending', 'sending', 'unknown', 'needs_review')")


class InvoicePlan(SQLModel, table=True):
    """A plan of what is written to one book; consumed once, row by row."""

    __tablename__ = "invoice_plan"

    id: str = Field(primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    ledger_connection_id: int = Field(foreign_key="connection.id")
    book_key: str
    run_id: str = ""
    data_version: int
    read_at: datetime = Field(sa_type=UtcDateTime)
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str = ""
    content: str = Field(default="{}", sa_type=Text)


class InvoicePlanRow(SQLModel, table=True):
    """One intended step for one invoice: its document, its money, and what objects to it.

    `state`: ready -> applied, held -> released -> applied, or refused, superseded. `effect` is the
    signed change of what the client owes in the books.
    """

    __tablename__ = "invoice_plan_row"
    __table_args__ = (UniqueConstraint("plan_id", "key", name="uq_invoice_plan_row"),)

    id: int | None = Field(default=None, primary_key=True)
    plan_id: str = Field(foreign_key="invoice_plan.id")
    key: str
    invoice_key: str
    step: str
    state: str
    digest: str
    currency: str
    effect: Decimal = Field(sa_type=ScaledDecimal)
    document: str = Field(default="{}", sa_type=Text)
    objections: str = Field(default="[]", sa_type=Text)
    released_by: str = ""
    release_reason: str = Field(default="", sa_type=Text)
    released_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LedgerDocumentRow(SQLModel, table=True):
    """The ledger row: one document of ours in one book, written before any call.

    `state`: pending -> sending -> confirmed | refused | unknown -> look-up -> confirmed | pending |
    needs_review; afterwards drifted, voided. `linked` is a document that was there before us.
    `issue` counts reissues after a void. At most one row that may stand in the books exists per
    invoice and book, which the partial index holds.
    """

    __tablename__ = "ledger_document"
    __table_args__ = (
        UniqueConstraint("key", name="uq_ledger_document_key"),
        UniqueConstraint(
            "ledger_connection_id",
            "book_key",
            "psa_connection_id",
            "invoice_key",
            "kind",
            "issue",
            name="uq_ledger_document",
        ),
        Index(
            "ux_ledger_document_live",
            "ledger_connection_id",
            "book_key",
            "psa_connection_id",
            "invoice_key",
            "kind",
            unique=True,
            sqlite_where=text("state NOT IN ('refused', 'voided')"),
            postgresql_where=text("state NOT IN ('refused', 'voided')"),
        ),
        Index("ix_ledger_document_state", "state", "available_at"),
        Index("ix_ledger_document_remote", "ledger_connection_id", "remote"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str
    psa_connection_id: int = Field(foreign_key="connection.id")
    ledger_connection_id: int = Field(foreign_key="connection.id")
    book_key: str
    plan_id: str | None = Field(default=None, foreign_key="invoice_plan.id")
    invoice_key: str
    kind: str
    issue: int = 1
    number: str
    marker: str
    client_key: str
    contact_key: str
    currency: str
    dated: str
    due: str | None = None
    net: Decimal = Field(sa_type=ScaledDecimal)
    tax: Decimal = Field(sa_type=ScaledDecimal)
    total: Decimal = Field(sa_type=ScaledDecimal)
    payload: str = Field(default="{}", sa_type=Text)
    digest: str
    source_digest: str
    generation: int = 1
    state: str
    remote: str | None = None
    seen: str = Field(default="{}", sa_type=Text)
    seen_status: str = ""
    seen_balance: Decimal | None = Field(default=None, sa_type=ScaledDecimal)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempts: int = 0
    available_at: datetime = Field(sa_type=UtcDateTime)
    code: str | None = None
    detail: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LedgerActionRow(SQLModel, table=True):
    """Any other write: to the books (void, allocate, create, approve) or back to the PSA.

    States as those of the outbox; `connection_id` is whom it goes to. `kind` is one of
    `ActionKind`, or `mark_posted`, `record_payment`.
    """

    __tablename__ = "ledger_action"
    __table_args__ = (
        Index(
            "ux_ledger_action_unsettled",
            "key",
            unique=True,
            sqlite_where=_UNSETTLED,
            postgresql_where=_UNSETTLED,
        ),
        Index("ix_ledger_action_state", "state", "available_at"),
        Index("ix_ledger_action_document", "document_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str
    kind: str
    connection_id: int = Field(foreign_key="connection.id")
    document_id: int | None = Field(default=None, foreign_key="ledger_document.id")
    plan_id: str | None = Field(default=None, foreign_key="invoice_plan.id")
    payload: str = Field(sa_type=Text)
    generation: int = 1
    state: str
    remote: str | None = None
    attempts: int = 0
    available_at: datetime = Field(sa_type=UtcDateTime)
    code: str | None = None
    detail: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LedgerAttempt(SQLModel, table=True):
    """One try to send or to look up a document or an action; append-only."""

    __tablename__ = "ledger_attempt"

    id: int | None = Field(default=None, primary_key=True)
    document_id: int | None = Field(default=None, foreign_key="ledger_document.id", index=True)
    action_id: int | None = Field(default=None, foreign_key="ledger_action.id", index=True)
    n: int
    what: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime = Field(sa_type=UtcDateTime)
    outcome: str
    request_id: str | None = None
    detail: str = Field(default="", sa_type=Text)


class LedgerPaymentRow(SQLModel, table=True):
    """A part of a payment as the books hold it, and what became of it in the PSA.

    `state`: new, recorded, echo (the PSA knew it), held, reversed, ignored. `action_id` is the
    write that records it.
    """

    __tablename__ = "ledger_payment"
    __table_args__ = (
        UniqueConstraint(
            "ledger_connection_id",
            "book_key",
            "remote",
            "allocation",
            "version",
            name="uq_ledger_payment",
        ),
        Index("ix_ledger_payment_document", "document_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    ledger_connection_id: int = Field(foreign_key="connection.id")
    book_key: str
    remote: str
    allocation: str = ""
    version: str = ""
    document_id: int | None = Field(default=None, foreign_key="ledger_document.id")
    amount: Decimal = Field(sa_type=ScaledDecimal)
    currency: str
    dated: str
    reference: str = ""
    deleted: bool = False
    state: str
    action_id: int | None = Field(default=None, foreign_key="ledger_action.id")
    psa_remote: str = ""
    detail: str = Field(default="", sa_type=Text)
    seen_at: datetime = Field(sa_type=UtcDateTime)
