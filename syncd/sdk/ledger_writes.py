"""What is written to an accounting system, and the outcomes a write can have.

Amounts of a document are positive; its kind says the direction.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import AmountBasis, LedgerEntry, TaxMeaning
from syncd.sdk.psa_records import NotSent, Rejected, Unknown


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line to be written. A field that is empty is not sent, save for the tax code.

    Attributes:
        description: as on the client's document.
        quantity: up to 4 decimals.
        unit_price: up to 4 decimals.
        discount_percent: 0 to 100.
        net: quantity x price less discount, to cents, as predicted.
        tax_code: `LedgerReference.key`; empty is refused by every ledger.
        meaning: what the code means.
        account: key or code of the account.
        item: key of the item.
        tracking: keys of tracking options or classes.
        text_only: words without money.
        rounding: the named line that evens out cents.
    """

    description: str
    quantity: Decimal
    unit_price: Decimal
    discount_percent: Decimal = Decimal(0)
    net: Decimal
    tax_code: str
    meaning: TaxMeaning = TaxMeaning.STANDARD
    account: str = ""
    item: str = ""
    tracking: tuple[str, ...] = ()
    text_only: bool = False
    rounding: bool = False


class LedgerDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document to be created, never an update.

    Attributes:
        key: our key of the ledger row, for the outcome.
        attempt: text of up to 36 characters of `[a-z0-9-]`; the same for repeats of one intent, so
            that a repeat in the network executes once; another one after a look-up found nothing.
        kind: invoice or credit note.
        number: as printed on the client's document, with the configured prefix.
        marker: found again by it; goes into a field that is kept with the document.
        contact: `LedgerReference.key`.
        dated: of the document.
        due: None only where the system derives it from `terms`.
        terms: key of terms, may be empty.
        currency: ISO code.
        basis: of the line amounts.
        lines: in the printed order.
        tax: total that is stated to the books; None leaves it to them.
        approved: into the books at once rather than as a draft, where drafts exist.
        reference: the client's order number, may be empty.
        url: of the PSA's invoice, may be empty.
    """

    key: str
    attempt: str
    kind: DocumentKind
    number: str
    marker: str
    contact: str
    dated: date
    due: date | None = None
    terms: str = ""
    currency: str
    basis: AmountBasis = AmountBasis.EXCLUSIVE
    lines: tuple[LedgerLine, ...]
    tax: Decimal | None = None
    approved: bool = False
    reference: str = ""
    url: str = ""


class Posted(msgspec.Struct, frozen=True, tag="posted"):
    """The write happened; the entry is what the books answered."""

    key: str
    entry: LedgerEntry
    request_id: str = ""


PostOutcome = Posted | Rejected | NotSent | Unknown
"""`Rejected.code` is one of `RejectedCode`, or the vendor's own where nothing fits."""


class RejectedCode(StrEnum):
    """Why books refuse a document, as far as what happens next differs."""

    NUMBER_TAKEN = "NUMBER_TAKEN"
    """Look it up: ours is adopted, a foreign one is shown to a person."""
    PERIOD_LOCKED = "PERIOD_LOCKED"
    CONTACT_UNUSABLE = "CONTACT_UNUSABLE"
    ITEM_UNUSABLE = "ITEM_UNUSABLE"
    ACCOUNT_UNUSABLE = "ACCOUNT_UNUSABLE"
    TAX_UNUSABLE = "TAX_UNUSABLE"
    CURRENCY_UNUSABLE = "CURRENCY_UNUSABLE"
    NAME_TAKEN = "NAME_TAKEN"
    NOT_ALLOWED_NOW = "NOT_ALLOWED_NOW"
    """The document is paid, allocated, or otherwise fixed."""
    VERSION_MOVED = "VERSION_MOVED"
    """Somebody changed it since it was read."""
    REFUSED = "REFUSED"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to look up after an unknown outcome or before a create.

    Attributes:
        key: our key, for the answer.
        kind: invoice or credit note.
        number: the number it has or would have.
        marker: ours.
        contact: whose, for systems that search markers by contact and day only.
        dated: its day, likewise.
    """

    key: str
    kind: DocumentKind
    number: str
    marker: str
    contact: str = ""
    dated: date


class ActionKind(StrEnum):
    """Writes beside creating documents; each is idempotent or is looked up before a repeat."""

    APPROVE = "approve"
    VOID = "void"
    """A draft is deleted instead, where the system does not void drafts."""
    ALLOCATE = "allocate"
    CREATE_CONTACT = "create_contact"
    CREATE_ITEM = "create_item"


class LedgerAction(msgspec.Struct, frozen=True, kw_only=True):
    """One such write.

    Attributes:
        key: our key, for the outcome.
        attempt: as that of a document.
        kind: what to do.
        document_kind: of `remote`.
        remote: the document acted on; empty for the creation of reference data.
        version: of it as it was last read, where the system guards changes by it.
        target: invoice that a credit note is allocated to.
        amount: that is allocated.
        left: of the credit note when that was planned, by which its look-up tells whether it
            happened; None where nobody noted it.
        dated: of the allocation.
        name: of what is created.
        foreign_key: PSA id of what is created.
        currency: of a contact that is created, may be empty.
        account: income account of an item that is created.
        tax_code: of an item that is created, may be empty.
        renumber: number that the document gets before it is voided, so that its own is free for
            the one that replaces it; empty leaves the number as it is.
    """

    key: str
    attempt: str
    kind: ActionKind
    document_kind: DocumentKind = DocumentKind.INVOICE
    remote: str = ""
    version: str = ""
    target: str = ""
    amount: Decimal = Decimal(0)
    left: Decimal | None = None
    dated: date | None = None
    name: str = ""
    foreign_key: str = ""
    currency: str = ""
    account: str = ""
    tax_code: str = ""
    renumber: str = ""


class Done(msgspec.Struct, frozen=True, tag="done"):
    """An action happened, or had happened before.

    Attributes:
        key: our key.
        remote: id of what was created, or of the document acted on.
        entry: the document afterwards, None for reference data.
    """

    key: str
    remote: str
    entry: LedgerEntry | None = None
    request_id: str = ""


ActionOutcome = Done | Rejected | NotSent | Unknown
