"""The rules of one book: how its documents are made, and what is done when something moved.

Filled from the table `[invoices.NAME]` of the configuration; the defaults are the careful ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from syncd.sdk.ledger_records import AmountBasis

BY_HAND = "by_hand"
AUTOMATIC = "automatic"
HOLD = "hold"
SKIP = "skip"
POST = "post"
CREDIT = "credit"
REISSUE = "void-and-reissue"
TO_PSA = "to_psa"
OFF = "off"
FROM_PSA = "psa"
FROM_TERMS = "terms"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRules:
    """Settings of one book.

    Attributes:
        prefix: put before each number; empty keeps the number as the client knows it.
        approved: documents arrive in the books at once rather than as drafts, where drafts exist.
        approval: `by_hand` holds every document until a person released it; `automatic` does not;
            empty is automatic only where documents arrive as drafts.
        tolerance: by how much the books may differ from the PSA's total, in the currency's units.
        rounding_limit: the largest difference that a named rounding line evens out.
        rounding_account: account of that line, or its item where the books name items.
        rounding_tax: tax code of that line; without account and code there is no such line.
        zero_total: `hold`, `skip` or `post` an invoice whose total is 0.
        negative_invoice: `hold` an invoice with a negative total, or carry it as a `credit` note.
        on_void: `hold`, `void-and-reissue` or `credit` when the PSA voided a posted invoice.
        on_edit: the same when the PSA changed a posted invoice.
        basis: of the amounts of lines: `exclusive`, `inclusive` or `no_tax`.
        create_contacts: propose contacts that an invoice needs and the books do not have.
        create_items: likewise items.
        payments: `to_psa` records payments of the books in the PSA; `off` does not.
        overlap_minutes: how far before the last read the next one begins.
        read_back_days: how long documents are compared with the books.
        drop_zero_lines: leave lines without words and money away, never one that says something.
        due_from: due date as the PSA states it (`psa`) or as the books derive it (`terms`).
    """

    prefix: str = ""
    approved: bool = False
    approval: str = ""
    tolerance: Decimal = Decimal("0.00")
    rounding_limit: Decimal = Decimal("0.00")
    rounding_account: str = ""
    rounding_tax: str = ""
    zero_total: str = HOLD
    negative_invoice: str = HOLD
    on_void: str = HOLD
    on_edit: str = HOLD
    basis: str = AmountBasis.EXCLUSIVE.value
    create_contacts: bool = False
    create_items: bool = False
    payments: str = TO_PSA
    overlap_minutes: int = 60
    read_back_days: int = 400
    drop_zero_lines: bool = False
    due_from: str = FROM_PSA

    def by_hand(self, *, drafts: bool) -> bool:
        """Whether a person releases each document; `drafts` says if the books know drafts."""
        if self.approval:
            return self.approval != AUTOMATIC
        return self.approved or not drafts

    @property
    def rounds(self) -> bool:
        """Whether a rounding line is allowed at all."""
        return bool(self.rounding_account and self.rounding_tax and self.rounding_limit > 0)
