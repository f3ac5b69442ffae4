"""Documents of the same invoices in other books: one client document stands in one company's books.

Asked when a document is planned, queued and sent, each time in the transaction that acts upon it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.ledger_documents import NOT_STANDING
from syncd.core.store.outbox import chunks
from syncd.core.store.states import DocumentState
from syncd.core.store.tables import ConnectionRow
from syncd.core.store.tables.ledger import LedgerDocumentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A document of an invoice that stands, or is on its way, in another book.

    Attributes:
        ledger: name of that book's connection.
        book_key: its organisation.
        number: of the document.
        state: where it stands.
    """

    ledger: str
    book_key: str
    number: str
    state: DocumentState


async def documents_elsewhere(
    conn: AsyncConnection,
    psa_id: int,
    invoices: Collection[str],
    *,
    ledger_id: int,
    book_key: str,
) -> dict[str, list[Elsewhere]]:
    """Documents that count, or may come to count, in any book but this; by the PSA's id.

    Args:
        conn: of the transaction that acts upon it.
        psa_id: connection of the PSA.
        invoices: the PSA's ids.
        ledger_id: connection of this book.
        book_key: this organisation; another one of the same connection is another book.
    """
    row = LedgerDocumentRow
    found: dict[str, list[Elsewhere]] = {}
    for chunk in chunks(sorted(invoices)):
        statement = (
            select(
                col(row.invoice_key),
                col(row.book_key),
                col(row.number),
                col(row.state),
                col(ConnectionRow.name),
            )
            .join(ConnectionRow, col(ConnectionRow.id) == col(row.ledger_connection_id))
            .where(
                col(row.psa_connection_id) == psa_id,
                col(row.invoice_key).in_(chunk),
                col(row.state).not_in([state.value for state in NOT_STANDING]),
                or_(col(row.ledger_connection_id) != ledger_id, col(row.book_key) != book_key),
            )
            .order_by(col(row.id))
        )
        for one in await conn.execute(statement):
            found.setdefault(one.invoice_key, []).append(
                Elsewhere(
                    ledger=one.name,
                    book_key=one.book_key,
                    number=one.number,
                    state=DocumentState(one.state),
                )
            )
    return found


async def counts_elsewhere(
    conn: AsyncConnection, psa_id: int, ledger_id: int, clients: Collection[str]
) -> dict[tuple[str, str], int]:
    """By client and name of another book: how many documents of that client may stand in it."""
    table = LedgerDocumentRow
    found: dict[tuple[str, str], int] = {}
    for chunk in chunks(sorted(clients)):
        statement = (
            select(col(table.client_key), col(ConnectionRow.name), func.count().label("documents"))
            .join(ConnectionRow, col(ConnectionRow.id) == col(table.ledger_connection_id))
            .where(
                col(table.psa_connection_id) == psa_id,
                col(table.ledger_connection_id) != ledger_id,
                col(table.client_key).in_(chunk),
                col(table.state).not_in([state.value for state in NOT_STANDING]),
            )
            .group_by(col(table.client_key), col(ConnectionRow.name))
            .order_by(col(table.client_key), col(ConnectionRow.name))
        )
        for row in await conn.execute(statement):
            found[row.client_key, row.name] = row.documents
    return found
