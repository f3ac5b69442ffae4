"""What becomes of a document on its way: from an outcome or a look-up to its next state. Pure.

What was not seen is unknown; an unknown document moves on only when a look-up proves what happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.core.invoicing.comparison import Difference, compare
from syncd.core.invoicing.recognition import AskAPerson, NotThere, Ours, recognise
from syncd.core.store.ledger_documents import DocumentItem
from syncd.core.store.states import DocumentState
from syncd.sdk.ledger_records import LedgerEntry
from syncd.sdk.ledger_writes import Posted, PostOutcome, RejectedCode
from syncd.sdk.psa_records import NotSent, Rejected, Unknown

MOST_SENDS = 5
"""A document that was sent so often without an answer and is never there is parked."""

NEVER_ARRIVED = "NEVER_ARRIVED"
OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_LOOKUP_PAUSE = 10.0
_ASKED_AGAIN = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEnding:
    """What becomes of a row.

    Attributes:
        state: where it goes.
        code: stable name of the reason, empty where all is well.
        message: one sentence.
        available_at: not touched before; for rows that wait.
        entry: what stands in the books, for one that is confirmed.
        differences: what the books show otherwise than it was sent.
        request_id: the vendor's name for the exchange.
        evidence: both versions, for the issue.
        anew: proven absent: the next sending is another attempt.
        unsent: surely not sent: the sending does not count.
    """

    state: DocumentState
    code: str = ""
    message: str = ""
    available_at: datetime | None = None
    entry: LedgerEntry | None = None
    differences: tuple[Difference, ...] = ()
    request_id: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    anew: bool = False
    unsent: bool = False


@dataclass(frozen=True, slots=True)
class DocumentEndings:
    """Endings at a moment.

    Attributes:
        now: when the outcome or the look-up came in.
        settle_seconds: how long the books may hide a document whose answer was lost.
    """

    now: datetime
    settle_seconds: float

    def of_outcome(self, item: DocumentItem, outcome: PostOutcome | None) -> DocumentEnding:
        """After a try to post; None when the connector did not speak of this key."""
        match outcome:
            case Posted(entry=entry, request_id=request_id):
                return stands(item, entry, request_id=request_id)
            case Rejected(code=RejectedCode.NUMBER_TAKEN, message=message):
                ending = self.unknown(message)
                return DocumentEnding(
                    state=ending.state,
                    code=RejectedCode.NUMBER_TAKEN.value,
                    message=message,
                    available_at=ending.available_at,
                )
            case Rejected(code=code, message=message):
                return DocumentEnding(state=DocumentState.REFUSED, code=code, message=message)
            case NotSent(message=message, retry_after=wait):
                pause = min(_FIRST_PAUSE * 2 ** min(item.attempts, 10), _LONGEST_PAUSE)
                return DocumentEnding(
                    state=DocumentState.PENDING,
                    message=message,
                    available_at=self.now + timedelta(seconds=max(wait or 0.0, pause)),
                    unsent=True,
                )
            case Unknown(message=message):
                return self.unknown(message)
            case _:
                return self.unknown("the connector gave no outcome for this document")

    def of_lookup(self, item: DocumentItem, found: Sequence[LedgerEntry]) -> DocumentEnding:
        """After a look-up by number and marker."""
        payload = item.payload
        assert payload is not None  # only documents of ours are looked up
        verdict = recognise(
            payload.document,
            payload.totals,
            found,
            number_refused=item.code == RejectedCode.NUMBER_TAKEN,
            delegated=payload.delegated,
        )
        match verdict:
            case Ours(entry=entry):
                return stands(item, entry, message="found in the books after its answer was lost")
            case NotThere() if item.attempts < MOST_SENDS:
                return DocumentEnding(
                    state=DocumentState.PENDING,
                    message="proven absent; it is sent again",
                    available_at=self.now,
                    anew=True,
                )
            case NotThere():
                message = f"{item.number} was sent {item.attempts} times and never arrived"
                return DocumentEnding(
                    state=DocumentState.NEEDS_REVIEW, code=NEVER_ARRIVED, message=message
                )
            case AskAPerson(code=code, message=message, entries=entries):
                return DocumentEnding(
                    state=DocumentState.NEEDS_REVIEW,
                    code=code,
                    message=message,
                    evidence=both_versions(item, entries),
                )

    def of_failed_lookup(self, item: DocumentItem, reason: str, wait: float) -> DocumentEnding:
        """A look-up that could not be made proves nothing, and forgets nothing."""
        ending = self.unknown(f"the look-up failed: {reason}", max(wait, _LOOKUP_PAUSE))
        taken = item.code == RejectedCode.NUMBER_TAKEN
        return DocumentEnding(
            state=ending.state,
            code=RejectedCode.NUMBER_TAKEN.value if taken else ending.code,
            message=ending.message,
            available_at=ending.available_at,
        )

    def not_asked(self, reason: str, retry_after: float | None) -> DocumentEnding:
        """The books could not show what a credit note is for: it waits, and was not sent."""
        return DocumentEnding(
            state=DocumentState.PENDING,
            message=f"what it credits could not be read: {reason}",
            available_at=self.now + timedelta(seconds=max(retry_after or 0.0, _ASKED_AGAIN)),
        )

    def unknown(self, message: str, pause: float = 0.0) -> DocumentEnding:
        """Sent, and the answer not seen: looked up once the books had time to settle."""
        wait = timedelta(seconds=max(pause, self.settle_seconds))
        return DocumentEnding(
            state=DocumentState.UNKNOWN,
            code=OUTCOME_UNKNOWN,
            message=message,
            available_at=self.now + wait,
        )

    def recovered(self) -> DocumentEnding:
        """The process ended between the claim and the answer; it proves nothing of the books."""
        ending = self.unknown("the process ended while the document was on its way")
        return DocumentEnding(
            state=ending.state,
            code=ending.code,
            message=ending.message,
            available_at=ending.available_at,
            unsent=True,
        )


def stands(
    item: DocumentItem, entry: LedgerEntry, *, message: str = "", request_id: str = ""
) -> DocumentEnding:
    """It stands in the books: confirmed if they show what was sent, drifted otherwise."""
    payload = item.payload
    assert payload is not None  # a document that was sent has one
    differences = compare(payload.document, payload.totals, entry, delegated=payload.delegated)
    if not differences:
        return DocumentEnding(
            state=DocumentState.CONFIRMED, message=message, entry=entry, request_id=request_id
        )
    shown = "; ".join(str(one) for one in differences[:5])
    return DocumentEnding(
        state=DocumentState.DRIFTED,
        code="BOOKS_DIFFER",
        message=f"the books took {item.number} and show it otherwise: {shown}",
        entry=entry,
        differences=differences,
        request_id=request_id,
        evidence=both_versions(item, (entry,)),
    )


def both_versions(item: DocumentItem, entries: Sequence[LedgerEntry]) -> dict[str, Any]:
    """What we meant and what the books show, for a person."""
    return {
        "ours": {
            "number": item.number,
            "contact": item.contact,
            "currency": item.currency,
            "dated": item.dated.isoformat(),
            "total": str(item.total),
            "marker": item.marker,
        },
        "books": [
            {
                "remote": one.remote,
                "number": one.number,
                "contact": one.contact_name or one.contact,
                "currency": one.currency,
                "dated": one.dated.isoformat(),
                "total": str(one.total),
                "status": one.status.value,
                "marker": one.marker,
                "url": one.url,
            }
            for one in entries
        ],
    }
