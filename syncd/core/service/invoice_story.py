"""The story of one invoice: what the PSA shows, what was predicted, what stands, and every try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncd.core.invoicing.comparison import Difference, compare
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.service.refusals import NothingToExplain
from syncd.core.store.connections import ConnectionRef, all_connections
from syncd.core.store.invoice_facts import StoredInvoice, invoices_called
from syncd.core.store.invoice_plans import StoredRow, newest_invoice_plan
from syncd.core.store.ledger_actions import ActionItem, actions_of_document
from syncd.core.store.ledger_documents import (
    DocumentItem,
    documents_of_invoices,
    find_documents_by,
)
from syncd.core.store.ledger_intents import LedgerTry, tries_of
from syncd.core.store.ledger_mappings import load_ledger_map

if TYPE_CHECKING:
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStory:
    """One document in one book.

    Attributes:
        item: its ledger row.
        ledger: name of the book's connection.
        differences: what the books show otherwise than it was sent.
        tries: each sending and look-up.
        actions: other writes that concern it.
    """

    item: DocumentItem
    ledger: str
    differences: tuple[Difference, ...]
    tries: tuple[LedgerTry, ...]
    actions: tuple[ActionItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceStory:
    """One invoice.

    Attributes:
        stored: as the PSA showed it last.
        documents: what became of it, the oldest first.
        planned: its rows in the newest plans, by name of the book.
        maps: mappings by name of the book.
    """

    stored: StoredInvoice
    documents: tuple[DocumentStory, ...]
    planned: tuple[tuple[str, StoredRow], ...]
    maps: dict[str, LedgerMap]


async def tell_invoice(
    database: Database, wanted: str, *, psa: ConnectionRef, ledgers: tuple[str, ...]
) -> list[InvoiceStory]:
    """The story of each invoice of a number or an id.

    Args:
        database: where everything is.
        wanted: number or id of the PSA, number in the books, or the books' id.
        psa: connection of the PSA.
        ledgers: names of the books.

    Raises:
        NothingToExplain: nothing is known under it.
    """
    async with database.reader() as conn:
        known = await all_connections(conn)
        names = {one.id: one.name for one in known}
        found = await invoices_called(conn, psa.id, wanted)
        if not found:
            keys = {item.invoice for item in await find_documents_by(conn, wanted)}
            for key in sorted(keys):
                found += await invoices_called(conn, psa.id, key)
        stories = []
        for stored in found:
            rows = await documents_of_invoices(conn, psa.id, [stored.invoice.key])
            documents = [
                DocumentStory(
                    item=item,
                    ledger=names.get(item.ledger_id, "?"),
                    differences=_differences(item),
                    tries=tuple(await tries_of(conn, document_id=item.id)),
                    actions=tuple(await actions_of_document(conn, item.id)),
                )
                for item in rows.get(stored.invoice.key, [])
            ]
            planned: list[tuple[str, StoredRow]] = []
            maps = {}
            for one in known:
                if one.name not in ledgers:
                    continue
                maps[one.name] = await load_ledger_map(conn, psa.id, one.id)
                plan = await newest_invoice_plan(conn, psa_id=psa.id, ledger_id=one.id)
                planned += [
                    (one.name, row)
                    for row in (plan.rows if plan is not None else ())
                    if row.step.invoice == stored.invoice.key
                ]
            stories.append(
                InvoiceStory(
                    stored=stored, documents=tuple(documents), planned=tuple(planned), maps=maps
                )
            )
    if not stories:
        message = f"no invoice and no document is known as '{wanted}'"
        raise NothingToExplain(message, remedy="`syncd invoices list --all` shows what was read")
    return stories


def _differences(item: DocumentItem) -> tuple[Difference, ...]:
    if item.payload is None or item.seen is None:
        return ()
    payload = item.payload
    return compare(payload.document, payload.totals, item.seen, delegated=payload.delegated)
