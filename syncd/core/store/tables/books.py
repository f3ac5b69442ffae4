"""Tables of invoices and books as they were read, and of what people decided about them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from syncd.core.store.types import ScaledDecimal, UtcDateTime

_CURRENT = text("superseded_at IS NULL")


class Watermark(SQLModel, table=True):
    """From when the next read asks: the start of the last whole one; overlap is the reader's."""

    __tablename__ = "watermark"
    __table_args__ = (UniqueConstraint("connection_id", "name", name="uq_watermark"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    name: str
    moment: datetime = Field(sa_type=UtcDateTime)
    run_id: str = ""


class InvoiceRow(SQLModel, table=True):
    """A PSA invoice as it was last read; `content` is its JSON, `digest` of what it shows."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("psa_connection_id", "key", name="uq_invoice"),
        Index("ix_invoice_client", "psa_connection_id", "client_key", "dated"),
    )

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    key: str
    kind: str
    number: str
    client_key: str
    client_name: str = ""
    currency: str
    dated: str
    due: str | None = None
    net: Decimal = Field(sa_type=ScaledDecimal)
    tax: Decimal = Field(sa_type=ScaledDecimal)
    total: Decimal = Field(sa_type=ScaledDecimal)
    finalised: bool
    voided: bool
    owner: str
    content: str = Field(sa_type=Text)
    digest: str
    modified_at: datetime = Field(sa_type=UtcDateTime)
    first_read_at: datetime = Field(sa_type=UtcDateTime)
    read_at: datetime = Field(sa_type=UtcDateTime)
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LedgerReferenceRow(SQLModel, table=True):
    """One entry of an accounting system's catalogues as last read; `content` is its JSON."""

    __tablename__ = "ledger_reference"
    __table_args__ = (UniqueConstraint("connection_id", "kind", "key", name="uq_ledger_reference"),)

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    kind: str
    key: str
    code: str = ""
    name: str
    active: bool
    content: str = Field(sa_type=Text)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    gone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LedgerMapping(SQLModel, table=True):
    """A person's word on what a thing of the PSA is in one book. An edit supersedes the row.

    `kind` is one of `ReferenceKind`; `source_key` is the PSA's key of it (client, product, nominal
    code, tax code, terms); `*` is the default of that kind, allowed for items and accounts only.
    A client's contact is also its route: it decides which book gets its invoices, and `currency`
    tells two contacts of one client apart.
    """

    __tablename__ = "ledger_mapping"
    __table_args__ = (
        Index(
            "ux_ledger_mapping",
            "psa_connection_id",
            "ledger_connection_id",
            "kind",
            "source_key",
            "currency",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    ledger_connection_id: int = Field(foreign_key="connection.id")
    kind: str
    source_key: str
    source_name: str = ""
    currency: str = ""
    target_key: str
    target_name: str = ""
    meaning: str = ""
    decided_by: str
    reason: str = Field(default="", sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LedgerGoLive(SQLModel, table=True):
    """A person's word that invoices dated from a day on are written to a book, or not any more.

    Without a row a book is only linked. `book_key` is the organisation it was said of: another
    one behind the same connection is not live.
    """

    __tablename__ = "ledger_golive"
    __table_args__ = (
        Index(
            "ux_ledger_golive",
            "psa_connection_id",
            "ledger_connection_id",
            unique=True,
            sqlite_where=_CURRENT,
            postgresql_where=_CURRENT,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id")
    ledger_connection_id: int = Field(foreign_key="connection.id")
    book_key: str
    live: bool
    from_day: str = ""
    decided_by: str
    reason: str = Field(default="", sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    superseded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Attestation(SQLModel, table=True):
    """A person's word on what the program cannot see, e.g. that nobody else posts; append-only."""

    __tablename__ = "attestation"

    id: int | None = Field(default=None, primary_key=True)
    psa_connection_id: int = Field(foreign_key="connection.id", index=True)
    ledger_connection_id: int | None = Field(default=None, foreign_key="connection.id")
    what: str
    attested_by: str
    reason: str = Field(default="", sa_type=Text)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookRow(SQLModel, table=True):
    """An announcement, proven and stored before it was answered; the key removes repeats."""

    __tablename__ = "webhook"
    __table_args__ = (
        UniqueConstraint("connection_id", "key", name="uq_webhook"),
        Index("ix_webhook_waiting", "processed_at", "available_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    connection_id: int = Field(foreign_key="connection.id")
    key: str
    book_key: str
    what: str
    remote: str
    happened_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    available_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int = 0
    processed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    detail: str = Field(default="", sa_type=Text)
