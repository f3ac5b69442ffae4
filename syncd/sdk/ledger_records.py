"""What is read from an accounting system: its organisation, catalogues, documents, payments.

Amounts of a document are positive; its kind says the direction.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from syncd.sdk.invoice_records import DocumentKind


class AmountBasis(StrEnum):
    """What the amounts of lines are; stated on every document."""

    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"
    NO_TAX = "no_tax"


class TaxMeaning(StrEnum):
    """What a tax code means; three kinds of nothing are three mappings."""

    STANDARD = "standard"
    ZERO_RATED = "zero_rated"
    EXEMPT = "exempt"
    OUT_OF_SCOPE = "out_of_scope"


class TaxMode(StrEnum):
    """Who computes tax, and how."""

    PER_LINE = "per_line"
    """Each line rounded to cents, then added up."""
    PER_RATE = "per_rate"
    """The net of each rate added up, then rounded once."""
    DELEGATED = "delegated"
    """The books compute it by address; nobody can predict it."""


class EntryStatus(StrEnum):
    """Where a document stands in the books."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOIDED = "voided"
    DELETED = "deleted"


class ReferenceKind(StrEnum):
    """Kinds of reference data that a mapping may point to."""

    CONTACT = "contact"
    ITEM = "item"
    ACCOUNT = "account"
    TAX = "tax"
    TRACKING = "tracking"
    TERM = "term"
    CURRENCY = "currency"


class LedgerReference(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an accounting system's catalogues, inactive ones included.

    Attributes:
        kind: of which catalogue.
        key: the system's id, which documents name.
        code: short code shown to people; may be empty.
        name: for people; for a tracking option `category / option`.
        active: documents may use it.
        foreign_key: our or the PSA's key where the system has a field for it; may be empty.
        currency: of a contact that is bound to one, else empty.
        rates: of a tax: its components in percent, applied side by side.
        namespace: entries of one namespace never share a name, e.g. `names`; may be empty.
        blocked: holds a name without being of that kind, e.g. a vendor; documents cannot use it.
        detail: further facts for people, e.g. `type`.
    """

    kind: ReferenceKind
    key: str
    code: str = ""
    name: str
    active: bool = True
    foreign_key: str = ""
    currency: str = ""
    rates: tuple[Decimal, ...] = ()
    namespace: str = ""
    blocked: bool = False
    detail: dict[str, str] = {}


class LedgerBook(msgspec.Struct, frozen=True, kw_only=True):
    """The organisation that a connection writes to.

    Attributes:
        key: the system's id of it, part of every key of ours.
        name: for people.
        country: ISO code, or empty.
        currency: of the books.
        currencies: that documents may use.
        locked_until: documents up to this day cannot be written or changed; None for no lock.
        tax_mode: how totals come about.
        number_limit: longest document number.
        own_numbers: False if the system numbers documents itself, None if it does not say.
        drafts: it knows documents that are not yet in the books.
        needs_item: each line must name an item; otherwise it must name an account.
        states_tax: documents state the PSA's total tax, and the books keep it as it is stated.
    """

    key: str
    name: str
    country: str = ""
    currency: str
    currencies: tuple[str, ...] = ()
    locked_until: date | None = None
    tax_mode: TaxMode
    number_limit: int
    own_numbers: bool | None = None
    drafts: bool
    needs_item: bool = False
    states_tax: bool = False


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a document adds up to.

    Attributes:
        net: before tax.
        tax: total.
        total: to be paid.
        lines: net of each line.
    """

    net: Decimal
    tax: Decimal
    total: Decimal
    lines: tuple[Decimal, ...] = ()


class EntryLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as the books hold it."""

    key: str = ""
    description: str = ""
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    net: Decimal
    tax_code: str = ""
    account: str = ""
    item: str = ""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A document as the books hold it.

    Attributes:
        remote: the system's id.
        kind: invoice or credit note.
        number: its number, empty where it has none.
        marker: ours, empty on documents of others.
        contact: id of the contact.
        contact_name: for people.
        currency: ISO code.
        dated: of the document.
        due: None if it has none.
        status: where it stands.
        net: before tax.
        tax: total.
        total: to be paid at first.
        paid: settled by payments.
        credited: settled by credit notes.
        balance: still to be paid.
        lines: empty where the answer was a summary.
        whole: `lines` are all lines.
        version: changes with every change.
        modified: last change, UTC.
        url: where a person sees it, may be empty.
    """

    remote: str
    kind: DocumentKind
    number: str = ""
    marker: str = ""
    contact: str = ""
    contact_name: str = ""
    currency: str
    dated: date
    due: date | None = None
    status: EntryStatus
    net: Decimal
    tax: Decimal
    total: Decimal
    paid: Decimal = Decimal(0)
    credited: Decimal = Decimal(0)
    balance: Decimal
    lines: tuple[EntryLine, ...] = ()
    whole: bool = False
    version: str = ""
    modified: datetime | None = None
    url: str = ""


class LedgerPayment(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a payment that settles one document.

    Attributes:
        remote: the system's id of the payment.
        allocation: tells the parts of one payment apart; empty where it has one.
        document: id of the invoice it settles; empty for an over-payment that settles none.
        contact: who paid.
        amount: of this part, positive, in the document's currency.
        currency: ISO code.
        dated: when.
        reference: free text.
        deleted: it was taken back.
        version: changes with every change.
    """

    remote: str
    allocation: str = ""
    document: str = ""
    contact: str = ""
    amount: Decimal
    currency: str
    dated: date
    reference: str = ""
    deleted: bool = False
    version: str = ""


class LedgerChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in the books since a moment.

    Attributes:
        entries: documents that changed, as they are now; deleted ones by status where told.
        removed: ids of documents that are gone for good.
        payments: new, changed and taken back.
        until: from when the next call shall ask; no later than what was surely seen.
        whole: nothing is missing; False where the system caps its answers, then ask in parts.
        removals_missing: all changes are told, but perhaps not everything that was deleted, so
            that every document must be asked for.
    """

    entries: tuple[LedgerEntry, ...] = ()
    removed: tuple[str, ...] = ()
    payments: tuple[LedgerPayment, ...] = ()
    until: datetime
    whole: bool = True
    removals_missing: bool = False
