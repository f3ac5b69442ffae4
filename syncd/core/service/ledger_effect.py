"""What an edit of mappings does to invoices that wait: how many become complete, and their money.

The drafts of planning are made with both sets of mappings and compared; nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from syncd.core.invoicing.drafting import draft
from syncd.core.invoicing.ledger_map import LedgerMap
from syncd.core.invoicing.rules import LedgerRules
from syncd.sdk.invoice_records import PsaInvoice
from syncd.sdk.ledger_records import LedgerBook
from syncd.sdk.ledger_writes import LedgerDocument

_UNMAPPED = "UNMAPPED_"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEffect:
    """What changes for invoices that wait for a book.

    Attributes:
        waiting: how many wait.
        complete_before: of those, how many had a counterpart for everything they name.
        complete_after: how many have it then.
        totals_before: sum of the totals of the complete ones, by currency.
        totals_after: likewise.
        otherwise: complete before and after, and written in another way.
        known: False where the book was never read, so that nothing can be told.
    """

    waiting: int = 0
    complete_before: int = 0
    complete_after: int = 0
    totals_before: dict[str, Decimal] = field(default_factory=dict)
    totals_after: dict[str, Decimal] = field(default_factory=dict)
    otherwise: int = 0
    known: bool = True


def effect_of(
    invoices: Sequence[PsaInvoice],
    *,
    before: LedgerMap,
    after: LedgerMap,
    book: LedgerBook | None,
    rules: LedgerRules,
) -> LedgerEffect:
    """Compare what these invoices would become with both sets of mappings."""
    if book is None:
        return LedgerEffect(waiting=len(invoices), known=False)
    complete = [0, 0]
    totals: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
    otherwise = 0
    for invoice in invoices:
        made = [_complete(invoice, mapping, book, rules) for mapping in (before, after)]
        for n, one in enumerate(made):
            if one is not None:
                complete[n] += 1
                sums, currency = totals[n], invoice.currency
                sums[currency] = sums.get(currency, Decimal(0)) + invoice.total
        if made[0] is not None and made[1] is not None and made[0] != made[1]:
            otherwise += 1
    return LedgerEffect(
        waiting=len(invoices),
        complete_before=complete[0],
        complete_after=complete[1],
        totals_before=totals[0],
        totals_after=totals[1],
        otherwise=otherwise,
    )


def _complete(
    invoice: PsaInvoice, mapping: LedgerMap, book: LedgerBook, rules: LedgerRules
) -> LedgerDocument | None:
    drafted = draft(invoice, mapping=mapping, book=book, rules=rules)
    if any(one.code.startswith(_UNMAPPED) for one in drafted.problems):
        return None
    if drafted.document is None:
        return None
    return msgspec.structs.replace(drafted.document, key="", attempt="", marker="")
