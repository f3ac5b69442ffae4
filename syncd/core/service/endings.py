"""What becomes of a row of the outbox: from an outcome or a look-up to its next state. Pure.

An outcome that was not seen is unknown; an unknown write moves on only when a look-up proves what
happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from syncd.core.service.lookup import Absent, Doubtful, Gone, Stands, Verdict, differences
from syncd.core.store.outbox import OutboxItem, OutboxState
from syncd.sdk.records import ChangeKind, Delivered, NotSent, Outcome, Receipt, Rejected, Unknown

MOST_SENDS = 3
"""A write that was sent so often and never arrived is parked: something is wrong with it."""

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
_LOOKUP_PAUSE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What becomes of a row.

    Attributes:
        state: where it goes.
        code: stable name of the reason, empty for a delivery.
        message: one sentence.
        available_at: not touched before; for rows that wait.
        remote: the PSA's id, for a delivery.
        request_id: the vendor's name for the exchange.
        evidence: both sides, for the issue.
        gone: the PSA no longer has the record.
        differs: fields that the PSA shows otherwise than they were sent.
    """

    state: OutboxState
    code: str = ""
    message: str = ""
    available_at: datetime | None = None
    remote: str | None = None
    request_id: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    gone: bool = False
    differs: tuple[str, ...] = ()

    @classmethod
    def of_doubt(cls, doubt: Doubtful) -> Ending:
        """A person must look."""
        return cls(
            state=OutboxState.NEEDS_REVIEW,
            code=doubt.code,
            message=doubt.message,
            evidence=doubt.evidence,
        )


@dataclass(frozen=True, slots=True)
class Endings:
    """Endings at a moment.

    Attributes:
        now: when the outcome or the look-up came in.
        settle_seconds: how long the vendor may hide a write whose answer was lost.
    """

    now: datetime
    settle_seconds: float

    def of_outcome(self, item: OutboxItem, outcome: Outcome | None) -> Ending:
        """After a try to send; None when the connector did not speak of this key."""
        match outcome:
            case Delivered(receipt=receipt) if item.change.remote in {None, receipt.remote}:
                return _delivered(item, receipt)
            case Delivered(receipt=receipt):
                return self.unknown(f"the receipt names record {receipt.remote}, which is not ours")
            case Rejected(gone=True, message=message):
                return _gone(item, message)
            case Rejected(code=code, message=message):
                return Ending(state=OutboxState.REJECTED, code=code, message=message)
            case NotSent(message=message, retry_after=wait):
                pause = min(_FIRST_PAUSE * 2 ** min(item.attempts, 10), _LONGEST_PAUSE)
                return self.again(message, max(wait or 0.0, pause))
            case Unknown(message=message):
                return self.unknown(message)
            case _:
                return self.unknown("the connector gave no outcome for this write")

    def of_verdict(self, item: OutboxItem, verdict: Verdict, *, absences: int) -> Ending:
        """After a look-up.

        Args:
            item: the unknown write.
            verdict: what the look-up proved.
            absences: how often earlier look-ups proved that it had not arrived.
        """
        match verdict:
            case Stands(remote=remote, request_id=request_id):
                return Ending(
                    state=OutboxState.DELIVERED,
                    message="found by its key after the answer was lost",
                    remote=remote,
                    request_id=request_id,
                )
            case Absent() if absences + 1 < MOST_SENDS:
                return self.again("proven absent; it is sent again", 0.0)
            case Absent():
                message = (
                    f"'{item.intent.line_name}' of {item.intent.client_name} was sent {MOST_SENDS} "
                    "times without an answer and never arrived"
                )
                return Ending(
                    state=OutboxState.NEEDS_REVIEW, code="OUTCOME_UNKNOWN", message=message
                )
            case Gone(remote=remote):
                return _gone(item, f"record {remote} no longer exists in the PSA")
            case Doubtful():
                return Ending.of_doubt(verdict)

    def of_failed_lookup(self, reason: str, retry_after: float | None) -> Ending:
        """A look-up that could not be made proves nothing."""
        return self.unknown(f"the look-up failed: {reason}", retry_after or _LOOKUP_PAUSE)

    def unknown(self, message: str, pause: float = 0.0) -> Ending:
        """Sent, and the answer not seen: looked up once the vendor had time to settle."""
        wait = timedelta(seconds=max(pause, self.settle_seconds))
        return Ending(
            state=OutboxState.UNKNOWN,
            code="OUTCOME_UNKNOWN",
            message=message,
            available_at=self.now + wait,
        )

    def checked_first(self, item: OutboxItem) -> Ending:
        """Queued long ago and not sent: looked up first, since its target may have moved."""
        return Ending(
            state=OutboxState.UNKNOWN,
            code="OUTCOME_UNKNOWN",
            message="it was queued long ago and is looked up before it is sent",
            available_at=max(self.now, item.available_at),
        )

    def again(self, message: str, pause: float) -> Ending:
        """Surely not there: to be sent again after a pause."""
        return Ending(
            state=OutboxState.PENDING,
            message=message,
            available_at=self.now + timedelta(seconds=pause),
        )


def _delivered(item: OutboxItem, receipt: Receipt) -> Ending:
    record = receipt.record
    adopts = item.change.kind is ChangeKind.ADOPT  # nothing of its fields is ours yet
    return Ending(
        state=OutboxState.DELIVERED,
        remote=receipt.remote,
        request_id=receipt.request_id,
        differs=() if record is None or adopts else differences(record, item.change.fields),
    )


def _gone(item: OutboxItem, message: str) -> Ending:
    return Ending(
        state=OutboxState.REJECTED,
        code="PSA_RECORD_GONE",
        message=f"{message} ('{item.intent.line_name}' of {item.intent.client_name})",
        gone=True,
    )
