"""What the last look before a write rests on: the documents, plans and words behind what is due.

Read in the transaction that claims the write, for a whole batch at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.store.ledger_documents import DocumentItem, item_of
from syncd.core.store.outbox import chunks
from syncd.core.store.tables.books import LedgerGoLive, LedgerMapping
from syncd.core.store.tables.ledger import InvoicePlan, InvoicePlanRow, LedgerDocumentRow
from syncd.sdk.ledger_records import ReferenceKind

Organisation = tuple[int, str]
"""Connection of a PSA, and the organisation that its invoices go to."""


class _Planned(msgspec.Struct, frozen=True):
    """The part of a planned step that is asked for."""

    source_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFact:
    """A plan as far as a write of it needs to know.

    Attributes:
        organisation: what it was made for.
        digests: by key of its rows, what the invoice was when it was planned.
    """

    organisation: Organisation
    digests: dict[str, str]


async def live_from(conn: AsyncConnection, ledger_id: int) -> dict[Organisation, date]:
    """Since which day each organisation of a book's connection is live; absent where it is not."""
    word = LedgerGoLive
    statement = select(col(word.psa_connection_id), col(word.book_key), col(word.from_day)).where(
        col(word.ledger_connection_id) == ledger_id,
        col(word.live),
        col(word.superseded_at).is_(None),
    )
    return {
        (row.psa_connection_id, row.book_key): date.fromisoformat(row.from_day)
        for row in await conn.execute(statement)
    }


async def documents_of_ids(conn: AsyncConnection, ids: Collection[int]) -> dict[int, DocumentItem]:
    """Rows of the ledger, by their id."""
    found: dict[int, DocumentItem] = {}
    for chunk in chunks(sorted(ids)):
        statement = select(LedgerDocumentRow).where(col(LedgerDocumentRow.id).in_(chunk))
        found.update({row.id: item_of(row) for row in await conn.execute(statement)})
    return found


async def mapped_contacts(
    conn: AsyncConnection, psa_id: int, ledger_id: int, clients: Collection[str]
) -> LedgerMap:
    """The contacts that stand for these clients now."""
    table = LedgerMapping
    contacts: dict[str, list[tuple[str, str]]] = {}
    for chunk in chunks(sorted(clients)):
        statement = select(col(table.source_key), col(table.currency), col(table.target_key)).where(
            col(table.psa_connection_id) == psa_id,
            col(table.ledger_connection_id) == ledger_id,
            col(table.kind) == ReferenceKind.CONTACT.value,
            col(table.source_key).in_(chunk),
            col(table.superseded_at).is_(None),
        )
        for row in await conn.execute(statement):
            contacts.setdefault(row.source_key, []).append((row.currency, row.target_key))
    return LedgerMap(contacts=contacts)


async def plan_facts(
    conn: AsyncConnection, plan_ids: Collection[str], invoices: Collection[str]
) -> dict[str, PlanFact]:
    """Plans by their id, each with what these invoices were when it was made."""
    found: dict[str, PlanFact] = {}
    for chunk in chunks(sorted(plan_ids)):
        heads = select(
            col(InvoicePlan.id), col(InvoicePlan.psa_connection_id), col(InvoicePlan.book_key)
        ).where(col(InvoicePlan.id).in_(chunk))
        for head in await conn.execute(heads):
            found[head.id] = PlanFact(
                organisation=(head.psa_connection_id, head.book_key), digests={}
            )
    for chunk in chunks(sorted(invoices)):
        rows = select(
            col(InvoicePlanRow.plan_id), col(InvoicePlanRow.key), col(InvoicePlanRow.document)
        ).where(
            col(InvoicePlanRow.plan_id).in_(sorted(found)),
            col(InvoicePlanRow.invoice_key).in_(chunk),
        )
        for row in await conn.execute(rows):
            planned = msgspec.json.decode(row.document, type=_Planned)
            found[row.plan_id].digests[row.key] = planned.source_digest
    return found
