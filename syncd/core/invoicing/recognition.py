"""Whose a document found in the books is: ours, nobody's, or another's under our number.

Only two things are acted upon without a person: it is ours, or it provably is not there. A marker
of ours wins over everything; without one, all facts must agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.core.invoicing.adding_up import cents
from syncd.sdk.ledger_records import EntryStatus, LedgerEntry, Totals
from syncd.sdk.ledger_writes import LedgerDocument

GONE = frozenset({EntryStatus.VOIDED, EntryStatus.DELETED})


@dataclass(frozen=True, slots=True)
class Ours:
    """The document stands in the books."""

    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class NotThere:
    """It provably is not in the books; it may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAPerson:
    """What was found is neither."""

    code: str
    message: str
    entries: tuple[LedgerEntry, ...] = ()


Recognised = Ours | NotThere | AskAPerson


def recognise(
    document: LedgerDocument,
    expected: Totals,
    found: Sequence[LedgerEntry],
    *,
    number_refused: bool = False,
    delegated: bool = False,
) -> Recognised:
    """What the look-up of one document says.

    Args:
        document: as it was or would be sent.
        expected: its prediction.
        found: everything with its number or its marker, of any status.
        number_refused: the books said before that the number is taken.
        delegated: the books compute the tax.
    """
    of_kind = [one for one in found if one.kind is document.kind]
    marked = [one for one in of_kind if one.marker and one.marker == document.marker]
    live = [one for one in marked if one.status not in GONE]
    if len(live) > 1:
        return _ask(
            "DUPLICATE_IN_BOOKS", f"{document.number} stands {len(live)} times in the books", live
        )
    if live:
        return Ours(live[0])
    if marked:
        message = f"{document.number} was written, and somebody voided or deleted it since"
        return _ask("VOIDED_IN_BOOKS", message, marked)
    numbered = [one for one in of_kind if one.number == document.number]
    standing = [one for one in numbered if one.status not in GONE]
    same = [one for one in standing if says_the_same(document, expected, one, delegated=delegated)]
    if len(same) == 1 and len(standing) == 1 and not same[0].marker:
        return Ours(same[0])
    if standing:
        message = f"another document in the books has the number {document.number}"
        return _ask("FOREIGN_DOCUMENT", message, standing)
    if number_refused:
        message = (
            f"the books refuse the number {document.number} as taken, and no document that stands "
            "has it"
        )
        return _ask("NUMBER_TAKEN", message, [*numbered, *found])
    return NotThere()


def says_the_same(
    document: LedgerDocument, expected: Totals, entry: LedgerEntry, *, delegated: bool = False
) -> bool:
    """Whether number, contact, currency, day and amounts are all equal."""
    facts = (
        entry.kind is document.kind,
        entry.number == document.number,
        entry.contact == document.contact,
        entry.currency == document.currency,
        entry.dated == document.dated,
        cents(entry.net) == cents(expected.net),
        delegated or cents(entry.total) == cents(expected.total),
        delegated or cents(entry.tax) == cents(expected.tax),
    )
    return all(facts)


def _ask(code: str, message: str, entries: Sequence[LedgerEntry]) -> AskAPerson:
    unique = {one.remote: one for one in entries}
    return AskAPerson(code=code, message=message, entries=tuple(unique.values()))
