"""What the rules of books look at: one posting from the outside, and what must hold of it.

Each function that judges says in words what it found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unittest import SkipTest

from syncd.sdk.connector import Ports
from syncd.sdk.errors import SyncdError
from syncd.sdk.ledger_port import Ledger
from syncd.sdk.ledger_records import LedgerEntry, LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, PostOutcome, Wanted
from syncd.sdk.testing.stage import Scene


@dataclass(frozen=True, slots=True)
class Posting:
    """One `post`, from the outside.

    Attributes:
        outcomes: by key; empty when it raised.
        found: what a look-up showed afterwards, with the vendor whole again.
        error: what `post` raised.
    """

    outcomes: Sequence[PostOutcome]
    found: Mapping[str, Sequence[LedgerEntry]]
    error: SyncdError | None


def ledger_of(ports: Ports) -> Ledger:
    """The port on trial; a connector that opens none is skipped by no rule."""
    if ports.ledger is None:
        raise SkipTest("the connector opens no ledger")
    return ports.ledger


def wanted(document: LedgerDocument) -> Wanted:
    """What a document is looked up by."""
    return Wanted(
        key=document.key,
        kind=document.kind,
        number=document.number,
        marker=document.marker,
        contact=document.contact,
        dated=document.dated,
    )


async def references(ledger: Ledger) -> list[LedgerReference]:
    """All catalogues."""
    return [row async for rows in ledger.references() for row in rows]


def tax_rates(rows: Sequence[LedgerReference]) -> dict[str, LedgerReference]:
    """Taxes by key."""
    return {row.key: row for row in rows if row.kind is ReferenceKind.TAX}


def shows(entry: LedgerEntry, document: LedgerDocument) -> None:
    """Fail where an entry does not show the document it came from."""
    told = (entry.kind, entry.number, entry.marker, entry.contact, entry.currency, entry.dated)
    sent = (document.kind, document.number, document.marker, document.contact)
    assert told == (*sent, document.currency, document.dated), f"sent {sent}, the entry has {told}"
    if document.due is not None:
        assert entry.due == document.due, f"due {document.due}, the entry has {entry.due}"
    assert entry.whole, "the entry is no whole document"
    lines = [(one.quantity, one.tax_code, one.net) for one in entry.lines if one.tax_code]
    wrote = [(one.quantity, one.tax_code, one.net) for one in document.lines if not one.text_only]
    assert lines == wrote, f"wrote lines {wrote}, the entry has {lines}"


def seen(scene: Scene[Posting], *, may_raise: type[SyncdError] | None = None) -> Posting:
    """The posting of a scene, with one outcome per document."""
    assert scene.error is None, f"raised {scene.error!r}"
    assert scene.value is not None
    posting = scene.value
    if posting.error is not None:
        allowed = may_raise is not None and isinstance(posting.error, may_raise)
        assert allowed, f"post raised {posting.error!r} instead of giving outcomes"
        return posting
    told = Counter(outcome.key for outcome in posting.outcomes)
    asked = Counter(list(posting.found))
    assert told == asked, f"documents {sorted(asked)}, outcomes for {sorted(told.elements())}"
    return posting


def outcome_of(posting: Posting, key: str) -> PostOutcome:
    """The outcome of one document."""
    return next(outcome for outcome in posting.outcomes if outcome.key == key)


def at_most_once(posting: Posting, what: str) -> None:
    """Fail where a document exists twice."""
    twice = [key for key, found in posting.found.items() if len(found) > 1]
    assert not twice, f"{what}: {twice} exist more than once"
