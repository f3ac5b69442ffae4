"""Where each stored invoice stands on its way into the books, in one word and with the reason."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.connections import ConnectionRef, all_connections
from syncd.core.store.invoices import StoredInvoice, all_invoices
from syncd.core.store.ledger_golive import LedgerWord, load_ledger_golive
from syncd.core.store.ledger_mappings import routes
from syncd.core.store.linked_documents import document_states
from syncd.core.store.states import DocumentState
from syncd.core.store.tables.ledger import InvoicePlan, InvoicePlanRow
from syncd.sdk.invoice_records import Ownership

if TYPE_CHECKING:
    from syncd.core.store.database import Database

_OF_DOCUMENT: Final = {
    DocumentState.PENDING: "sending",
    DocumentState.SENDING: "sending",
    DocumentState.UNKNOWN: "sending",
    DocumentState.NEEDS_REVIEW: "held",
    DocumentState.CONFIRMED: "posted",
    DocumentState.DRIFTED: "drifted",
    DocumentState.LINKED: "linked",
    DocumentState.REFUSED: "refused",
    DocumentState.VOIDED: "voided",
}
_DONE: Final = frozenset({"posted", "linked", "draft", "ignored", "voided"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceState:
    """One invoice and where it stands.

    Attributes:
        key: the PSA's id.
        number: as printed.
        kind: invoice or credit.
        client: PSA client.
        client_name: for people.
        dated: ISO day.
        currency: ISO code.
        total: as the client's document shows.
        state: one word.
        book: name of the connection that it goes to, or empty.
        why: code or words, or empty.
    """

    key: str
    number: str
    kind: str
    client: str
    client_name: str
    dated: str
    currency: str
    total: Decimal
    state: str
    book: str = ""
    why: str = ""

    @property
    def done(self) -> bool:
        """Nobody waits for anything about it."""
        return self.state in _DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the states are told from."""

    names: dict[int, str]
    documents: dict[str, tuple[str, int, str, str | None]]
    planned: dict[str, tuple[str, str]]
    led: dict[str, set[tuple[int, str]]]
    words: dict[int, LedgerWord | None]


async def invoice_states(
    database: Database, psa: ConnectionRef, *, books: Collection[str]
) -> list[InvoiceState]:
    """Every stored invoice of a PSA, the oldest first."""
    async with database.reader() as conn:
        facts = await _facts(conn, psa, books)
        found = [_state(one, facts) async for one in all_invoices(conn, psa.id)]
    return sorted(found, key=lambda one: (one.dated, one.number, one.key))


async def _facts(conn: AsyncConnection, psa: ConnectionRef, books: Collection[str]) -> _Facts:
    connections = await all_connections(conn)
    return _Facts(
        names={one.id: one.name for one in connections},
        documents=await document_states(conn, psa.id),
        planned=await _planned(conn, psa.id),
        led=await routes(conn, psa.id),
        words={
            one.id: await load_ledger_golive(conn, psa.id, one.id)
            for one in connections
            if one.name in books
        },
    )


async def _planned(conn: AsyncConnection, psa_id: int) -> dict[str, tuple[str, str]]:
    """State and objections of the newest planned step of each invoice."""
    row, plan = InvoicePlanRow, InvoicePlan
    statement = (
        select(col(row.invoice_key), col(row.state), col(row.objections))
        .join(plan, col(plan.id) == col(row.plan_id))
        .where(col(plan.psa_connection_id) == psa_id)
        .order_by(col(plan.made_at), col(row.id))
    )
    return {
        one.invoice_key: (one.state, _codes(one.objections))
        for one in await conn.execute(statement)
    }


def _codes(objections: str) -> str:
    found: Any = json.loads(objections or "[]")
    codes = [str(one.get("code", "")) for one in found if isinstance(one, dict)]
    return ", ".join(dict.fromkeys(code for code in codes if code))


def _state(one: StoredInvoice, facts: _Facts) -> InvoiceState:
    invoice = one.invoice
    state, book, why = _word(one, facts)
    return InvoiceState(
        key=invoice.key,
        number=invoice.number,
        kind=invoice.kind.value,
        client=invoice.client,
        client_name=invoice.client_name,
        dated=invoice.dated.isoformat(),
        currency=invoice.currency,
        total=invoice.total,
        state=state,
        book=book,
        why=why,
    )


def _word(one: StoredInvoice, facts: _Facts) -> tuple[str, str, str]:
    invoice = one.invoice
    document = facts.documents.get(invoice.key)
    if document is not None and document[0] != DocumentState.REFUSED.value:
        state, ledger, _, code = document
        shown = _OF_DOCUMENT[DocumentState(state)]
        gone = "gone from the PSA" if one.gone_at is not None else ""
        voided = "voided in the PSA" if invoice.voided else ""
        why = code or (gone or voided if shown != "voided" else "")
        return shown, facts.names.get(ledger, ""), why
    if one.gone_at is not None:
        return "ignored", "", "gone from the PSA"
    if not invoice.finalised:
        return "draft", "", ""
    if invoice.voided:
        return "ignored", "", "voided in the PSA"
    if invoice.owner is Ownership.OTHER:
        return "ignored", "", invoice.owner_detail or "carried by somebody else"
    books = _books(invoice.client, invoice.currency, facts)
    if len(books) != 1:
        return "held", "", "AMBIGUOUS_BOOK" if books else "UNMAPPED_CONTACT"
    book = next(iter(books))
    name = facts.names.get(book, "")
    word = facts.words.get(book)
    if word is None or not word.live or word.from_day is None:
        return "waiting", name, "LINK_ONLY"
    if invoice.dated < word.from_day:
        return "ignored", name, "BEFORE_GOLIVE"
    if document is not None:
        return "refused", name, document[3] or ""
    planned = facts.planned.get(invoice.key)
    if planned is not None and planned[0] in {"held", "refused"}:
        return planned[0], name, planned[1]
    return "waiting", name, ""


def _books(client: str, currency: str, facts: _Facts) -> set[int]:
    """The books that a client's invoices of a currency go to; one is an answer."""
    led = [one for one in facts.led.get(client, ()) if one[0] in facts.words]
    exact = {book for book, said in led if said == currency}
    return exact or {book for book, said in led if not said}
