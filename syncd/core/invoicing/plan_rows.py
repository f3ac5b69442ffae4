"""A row of a plan of invoices: one intended step, its money, and what objects to it.

What is stored is whole, so that applying it needs neither the PSA nor the book.
"""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from syncd.core.invoicing.problems import Problem, Weight, weightiest
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import Totals
from syncd.sdk.ledger_writes import LedgerAction, LedgerDocument
from syncd.sdk.records import canonical_json


class Step(StrEnum):
    """What a row does."""

    POST = "post"
    VOID = "void"
    REISSUE = "reissue"
    CREDIT = "credit"
    ALLOCATE = "allocate"
    CONTACT = "contact"
    ITEM = "item"


class RowState(StrEnum):
    """The fate of a row; `applied` is consumed."""

    READY = "ready"
    HELD = "held"
    RELEASED = "released"
    REFUSED = "refused"
    SKIPPED = "skipped"
    APPLIED = "applied"
    SUPERSEDED = "superseded"


APPLICABLE = (RowState.READY, RowState.RELEASED)


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """What a row would do.

    Attributes:
        step: which.
        invoice: the PSA's id of the invoice, empty for a creation of reference data.
        reference: PSA key of what is created in the book, empty otherwise.
        number: as the client knows it; for a creation the name.
        client: PSA client.
        client_name: for people.
        kind: of the document.
        dated: of the invoice, None for a creation.
        currency: ISO code.
        effect: signed change of what the client owes in the books.
        source_digest: of the invoice as it was read.
        source_total: what the client's document shows.
        issue: which document of this invoice it is.
        document: that is posted, or None.
        totals: its prediction, or None.
        delegated: the books compute the tax.
        action: another write, or None.
        replaces: row id of the document that is voided, credited or allocated, or None.
        notes: for people.
        objections: what is in the way.
    """

    step: Step
    invoice: str = ""
    reference: str = ""
    number: str
    client: str = ""
    client_name: str = ""
    kind: DocumentKind = DocumentKind.INVOICE
    dated: date | None = None
    currency: str = ""
    effect: Decimal = Decimal(0)
    source_digest: str = ""
    source_total: Decimal = Decimal(0)
    issue: int = 1
    document: LedgerDocument | None = None
    totals: Totals | None = None
    delegated: bool = False
    action: LedgerAction | None = None
    replaces: int | None = None
    notes: tuple[str, ...] = ()
    objections: tuple[Problem, ...] = ()

    @property
    def key(self) -> str:
        """Unique in a plan, and the same in the next one."""
        return f"{self.step.value}:{self.invoice or self.reference}"

    @property
    def digest(self) -> str:
        """Of what it does and of what it rests on; a release holds as long as it is the same."""
        plain = msgspec.structs.replace(self, objections=(), notes=())
        return hashlib.sha256(canonical_json(plain)).hexdigest()

    @property
    def state(self) -> RowState:
        """How it begins."""
        weight = weightiest(self.objections)
        return {
            None: RowState.READY,
            Weight.HOLD: RowState.HELD,
            Weight.REFUSE: RowState.REFUSED,
            Weight.SKIP: RowState.SKIPPED,
        }[weight]


def signed(kind: DocumentKind, total: Decimal) -> Decimal:
    """What a document of this kind adds to what the client owes."""
    return total if kind is DocumentKind.INVOICE else -total
