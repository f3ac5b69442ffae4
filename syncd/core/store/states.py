"""The words in which the store tells how far a plan, a bill of it, and a write have come.

Separate from the tables, so that a command that only reads these words loads none.
"""

from __future__ import annotations

from enum import StrEnum

from syncd.core.billing.bill_life import BillKind


class PlanKind(StrEnum):
    """What a plan is for, and with it what its bills become.

    `billing` was asked for by a person, `automatic` by the automatic run; `running` is of a month
    that goes on. `adoption`, `wiring` and `assets` change no bill.
    """

    BILLING = "billing"
    AUTOMATIC = "automatic"
    RUNNING = "running"
    ADOPTION = "adoption"
    WIRING = "wiring"
    ASSETS = "assets"

    @property
    def makes(self) -> BillKind:
        """Kind of its bills once all of them was acknowledged.

        Raises:
            KeyError: a plan of this kind makes no bill.
        """
        return _MAKES[self]


_MAKES = {
    PlanKind.BILLING: BillKind.MANUAL,
    PlanKind.AUTOMATIC: BillKind.AUTOMATIC,
    PlanKind.RUNNING: BillKind.TEMPORARY,
}

MAKES_BILLS = tuple(kind.value for kind in _MAKES)
"""Kinds of the plans whose bills are bills; the others only use the same rows."""


class PlanBillState(StrEnum):
    """The fate of a bill of a plan.

    `ready` and `released` can be applied; `held` waits for a person; `unchanged` needs no write and
    is recorded by apply; `error` and `frozen` have nothing to apply; `stale` was refused because
    its target moved; `superseded` gave way to a newer plan; `applied` is consumed; `shadow` was
    computed and compared for a client that is not live, and cannot be applied.
    """

    READY = "ready"
    HELD = "held"
    RELEASED = "released"
    ERROR = "error"
    FROZEN = "frozen"
    UNCHANGED = "unchanged"
    APPLIED = "applied"
    STALE = "stale"
    SUPERSEDED = "superseded"
    SHADOW = "shadow"


class OutboxState(StrEnum):
    """Where an intended write stands; `delivered` and `rejected` are final."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    NEEDS_REVIEW = "needs_review"
    DELIVERED = "delivered"
    REJECTED = "rejected"


class DocumentState(StrEnum):
    """Where a document on its way into the books stands.

    pending -> sending, committed before the call -> confirmed | drifted | refused | unknown ->
    look-up -> confirmed | drifted | pending | needs_review. `linked` was there before us. All but
    `refused` and `voided` may stand in the books.
    """

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    NEEDS_REVIEW = "needs_review"
    CONFIRMED = "confirmed"
    DRIFTED = "drifted"
    LINKED = "linked"
    REFUSED = "refused"
    VOIDED = "voided"
