"""What a PSA tells of its finished invoices, and what is written back to it afterwards.

Amounts are what the client's document shows, exact and unrounded by us; a credit note has positive
amounts, as its kind says the direction.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec


class DocumentKind(StrEnum):
    """Which way the money goes; never told by a sign."""

    INVOICE = "invoice"
    CREDIT = "credit"


class Ownership(StrEnum):
    """Who carries an invoice into the books, as far as the PSA tells."""

    FREE = "free"
    """Surely nobody else: the PSA's own bookkeeping module is off for it."""
    OURS = "ours"
    """It carries what we wrote back."""
    OTHER = "other"
    """The PSA's own module, or a person by hand, has carried or will carry it."""
    UNSURE = "unsure"
    """It cannot be ruled out; a person must attest that nobody else does."""


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line.

    Attributes:
        key: the PSA's id of the line.
        item: id of the PSA's product, empty for a line without one.
        item_name: for people and for name proposals.
        description: as printed.
        quantity: exact; negative on a line that gives back.
        unit_price: exact, before discount and tax.
        discount_percent: 0 to 100.
        net: of the line as the PSA shows it.
        tax: likewise.
        tax_rate: in percent, None where the PSA names none.
        tax_code: the PSA's key of the tax, empty where it names none.
        account: the PSA's nominal code, empty where it names none.
        text_only: carries words and no money.
        original_client: whom the line is about if it is not the invoiced client, else empty.
        tracking: names of departments or classes, at most two.
    """

    key: str
    item: str = ""
    item_name: str = ""
    description: str
    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal = Decimal(0)
    net: Decimal
    tax: Decimal
    tax_rate: Decimal | None = None
    tax_code: str = ""
    account: str = ""
    text_only: bool = False
    original_client: str = ""
    tracking: tuple[str, ...] = ()


class PsaInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or a credit note of the PSA, whole.

    Attributes:
        key: the PSA's id.
        kind: invoice or credit note.
        number: as printed on the client's document, unchanged.
        client: PSA client that is invoiced (the alternate one, where there is one).
        client_name: for people.
        original_client: whom the invoice is about if that is another client, else empty.
        currency: ISO code; empty where the PSA names none that can be told.
        dated: of the document.
        due: None where the PSA names none.
        terms: the PSA's name or key of the due-date type, for mapping; may be empty.
        reference: the client's order number or the like, as printed.
        net: total before tax.
        tax: total tax.
        total: to be paid.
        paid: as the PSA knows it.
        lines: all of them, in the printed order.
        finalised: the configured predicate holds; drafts are never carried.
        predicate: which one, for people.
        voided: it no longer counts.
        credits: id of the invoice that a credit note belongs to, else empty.
        owner: who carries it.
        owner_detail: evidence of that, one short phrase.
        foreign: ids of bookkeeping documents that the PSA shows, by field name.
        delegated_tax: the PSA leaves all tax to the books, so its own is 0 and means nothing; not
            where a line has tax of the PSA's own.
        modified: last change, UTC.
        version: changes with every change, where the PSA has such a stamp.
        url: where a person sees it in the PSA; may be empty.
    """

    key: str
    kind: DocumentKind
    number: str
    client: str
    client_name: str
    original_client: str = ""
    currency: str
    dated: date
    due: date | None = None
    terms: str = ""
    reference: str = ""
    net: Decimal
    tax: Decimal
    total: Decimal
    paid: Decimal = Decimal(0)
    lines: tuple[InvoiceLine, ...]
    finalised: bool
    predicate: str
    voided: bool = False
    credits: str = ""
    owner: Ownership
    owner_detail: str = ""
    foreign: dict[str, str] = {}
    delegated_tax: bool = False
    modified: datetime
    version: str = ""
    url: str = ""


class PostedMark(msgspec.Struct, frozen=True, kw_only=True):
    """What a PSA invoice is told after its document was confirmed in the books.

    Attributes:
        key: our key of the write, for the outcome.
        invoice: the PSA's id.
        number: of the document in the books.
        remote: the books' id of it.
        system: name of the connection that holds the document.
        url: where a person sees it; may be empty.
        posted_on: when it was confirmed, UTC.
        tax: total tax that the books computed, where tax is theirs; None leaves the PSA's alone.
    """

    key: str
    invoice: str
    number: str
    remote: str
    system: str
    url: str = ""
    posted_on: datetime
    tax: Decimal | None = None


class PsaPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Money received for an invoice, as the PSA records it.

    Attributes:
        key: our key when we write it; empty on payments of others.
        remote: the PSA's id; empty before it is written.
        invoice: the PSA's id of the invoice.
        amount: positive.
        dated: when it was paid.
        reference: searchable; carries our marker on payments of ours.
        alike: payments of the PSA of this amount and day, not of ours, that are known to be other
            ones, since each stands for another payment or a person said so; one more of them may
            be this one, which is then not written.
    """

    key: str = ""
    remote: str = ""
    invoice: str
    amount: Decimal
    dated: date
    reference: str = ""
    alike: int = 0
