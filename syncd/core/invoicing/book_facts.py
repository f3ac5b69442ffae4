"""What planning knows of a book, and which invoices are its own.

Filled from the database by whoever plans; nothing here reads or decides what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.prediction import Predict
from syncd.core.invoicing.rules import LedgerRules
from syncd.sdk.invoice_records import DocumentKind, PsaInvoice
from syncd.sdk.ledger_records import LedgerBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The last document of an invoice in this book, which does not stand there any more.

    Attributes:
        kind: of it.
        issue: which document it was.
        voided: it stood, and was voided; otherwise it was refused.
        ours: the void was planned here.
        digest: of the document.
        code: why it was refused.
        detail: one sentence.
        remote: the books' id, empty if it never stood.
    """

    kind: DocumentKind
    issue: int
    voided: bool
    ours: bool
    digest: str
    code: str
    detail: str
    remote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A document of an invoice that stands, or is on its way, in another book.

    Attributes:
        number: of the document.
        book: name of that book's connection.
        live: invoices are carried into that book today.
    """

    number: str
    book: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFacts:
    """What planning knows of a book.

    Attributes:
        ledger_uid: of its connection.
        ledger_id: its row id.
        psa_uid: of the PSA's connection.
        book: the organisation.
        rules: settings.
        mapping: what people said.
        predict: the book's arithmetic.
        live_from: the day from which it is live; None while it is only linked.
        live_book: the organisation that was said of.
        attested: a person said that nobody else carries invoices.
        routes: PSA client -> (connection of a book, currency) of its contacts in all books.
        names: PSA client -> name.
        unlinked: PSA client -> day on which its contact was mapped, where that was after the last
            linking pass: what stands of it in the book is not known.
    """

    ledger_uid: str
    ledger_id: int
    psa_uid: str
    book: LedgerBook
    rules: LedgerRules
    mapping: LedgerMap
    predict: Predict
    live_from: date | None
    live_book: str
    attested: bool
    routes: Mapping[str, set[tuple[int, str]]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    unlinked: Mapping[str, date] = field(default_factory=dict)


def concerns(invoice: PsaInvoice, facts: BookFacts, *, elsewhere: bool = False) -> bool:
    """Whether an invoice is of this book: by its client's contacts, or because it has none.

    One that stands `elsewhere` already is of this book only if a contact leads here.
    """
    if facts.live_from is not None and invoice.dated < facts.live_from:
        return False  # history is linked, never posted
    here = books_of(invoice, facts)
    if elsewhere:
        return facts.ledger_id in here
    return not facts.routes.get(invoice.client) or facts.ledger_id in here or not here


def books_of(invoice: PsaInvoice, facts: BookFacts) -> set[int]:
    """Books that the client's contacts lead to in the invoice's currency."""
    routes = facts.routes.get(invoice.client, set())
    exact = {ledger for ledger, currency in routes if currency == invoice.currency}
    return exact or {ledger for ledger, currency in routes if not currency}
