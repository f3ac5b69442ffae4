"""What the books will make of a document, held against what the client was shown.

A document whose prediction misses the PSA's total is not posted. Where a person allowed it, a line
with a name evens out what rounding made; never more than the limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from syncd.core.invoicing.drafting import Drafted
from syncd.core.invoicing.problems import TOTAL_DIFFERS, Problem
from syncd.core.invoicing.rules import LedgerRules
from syncd.core.invoicing.wording import shown
from syncd.sdk.errors import DataError
from syncd.sdk.ledger_records import TaxMeaning, Totals
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine

Predict = Callable[[LedgerDocument], Totals]
ROUNDING = "Rounding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """A document with what the books will make of it.

    Attributes:
        document: with the nets of its lines as predicted, perhaps with a rounding line.
        totals: the prediction; None where there is none.
        problems: why it cannot be posted.
        notes: for people.
    """

    document: LedgerDocument
    totals: Totals | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def predicted(
    drafted: Drafted, predict: Predict, rules: LedgerRules, *, needs_item: bool = False
) -> Predicted:
    """The document of a draft, checked against its source.

    Args:
        drafted: with a document.
        predict: the book's arithmetic.
        rules: tolerance, and whether a rounding line is allowed.
        needs_item: the book names items, so that `rounding_account` is one.
    """
    document = drafted.document
    assert document is not None
    try:
        totals = predict(document)
    except DataError as error:
        return Predicted(document=document, totals=None, problems=(_unwritable(document, error),))
    missing = drafted.source_total - _compared(drafted, totals)
    if abs(missing) <= rules.tolerance and _same_tax(drafted, totals, rules.tolerance):
        notes = (f"the books will show {shown(-missing, signed=True)} more",) if missing else ()
        return Predicted(document=with_nets(document, totals), totals=totals, notes=notes)
    if rules.rounds and missing and abs(missing) <= rules.rounding_limit:
        evened = msgspec.structs.replace(
            document, lines=(*document.lines, rounding_line(missing, rules, needs_item=needs_item))
        )
        try:
            again = predict(evened)
        except DataError as error:
            problem = _unwritable(evened, error)
            return Predicted(document=document, totals=totals, problems=(problem,))
        whole = _compared(drafted, again) == drafted.source_total
        if whole and _same_tax(drafted, again, rules.rounding_limit):
            note = (
                f"a line '{ROUNDING}' of {shown(missing, signed=True)} evens out what rounding made"
            )
            return Predicted(document=with_nets(evened, again), totals=again, notes=(note,))
    return Predicted(document=document, totals=totals, problems=(_differs(drafted, totals, rules),))


def rounding_line(amount: Decimal, rules: LedgerRules, *, needs_item: bool = False) -> LedgerLine:
    """The named line; its account and tax code are those a person set."""
    return LedgerLine(
        description=ROUNDING,
        quantity=Decimal(1),
        unit_price=amount,
        net=amount,
        tax_code=rules.rounding_tax,
        meaning=TaxMeaning.OUT_OF_SCOPE,
        account="" if needs_item else rules.rounding_account,
        item=rules.rounding_account if needs_item else "",
        rounding=True,
    )


def with_nets(document: LedgerDocument, totals: Totals) -> LedgerDocument:
    """The document with the nets of its lines as the books will show them."""
    if len(totals.lines) != len(document.lines):
        return document
    lines = tuple(
        msgspec.structs.replace(line, net=net)
        for line, net in zip(document.lines, totals.lines, strict=True)
    )
    return msgspec.structs.replace(document, lines=lines)


def _compared(drafted: Drafted, totals: Totals) -> Decimal:
    """What of the prediction is held against the source: its net where tax is not ours."""
    return totals.net if drafted.delegated else totals.total


def _same_tax(drafted: Drafted, totals: Totals, slack: Decimal) -> bool:
    """The tax must be right as well: a cent too much of it and too little of net is no match."""
    return drafted.delegated or abs(totals.tax - drafted.source_tax) <= slack


def _differs(drafted: Drafted, totals: Totals, rules: LedgerRules) -> Problem:
    difference = _compared(drafted, totals) - drafted.source_total
    assert drafted.document is not None
    remedy = "Mend the line in the PSA whose price has too many decimals, or whose tax is off"
    if difference and not rules.rounds:
        remedy += "; or allow a rounding line: rounding_limit, rounding_account and rounding_tax"
    return Problem(
        code=TOTAL_DIFFERS,
        message=f"{drafted.document.number}: the books would show {shown(totals.total)} with "
        f"{shown(totals.tax)} of tax, and the client's document shows "
        f"{shown(drafted.source_total)} with {shown(drafted.source_tax)} "
        f"({shown(difference, signed=True)})",
        remedy=f"{remedy}. Then plan again.",
    )


def _unwritable(document: LedgerDocument, error: DataError) -> Problem:
    return Problem(
        code="CANNOT_BE_WRITTEN",
        message=f"{document.number}: {error}",
        remedy=error.remedy or "Mend the invoice in the PSA; then plan again.",
    )
