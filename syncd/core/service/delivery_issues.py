"""What a person is told when a write needs one: codes, sentences and remedies of delivery.

The subject of each is the PSA connection with the external key, so that the delivery of the same
line closes it.
"""

from __future__ import annotations

from typing import Final

from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.outbox import OutboxItem

DELIVERY_CODES: Final = frozenset(
    {
        "OUTCOME_UNKNOWN",
        "DELIVERY_REJECTED",
        "PSA_RECORD_GONE",
        "PSA_DRIFT",
        "DUPLICATE_IN_PSA",
        "RECORD_VANISHED",
        "READBACK_DIFFERS",
    }
)
"""Codes that the delivery of a line closes."""

_REMEDIES: Final = {
    "OUTCOME_UNKNOWN": "Nothing to do while it is looked up by itself; once it is parked, look the "
    "record up in the PSA, then run `syncd plans settle KEY --reason TEXT`.",
    "DELIVERY_REJECTED": "Mend what the PSA names, then plan and apply the month again; the other "
    "lines were sent.",
    "PSA_RECORD_GONE": "Restore the record in the PSA and plan again: `syncd plan billing`; or, if "
    "it was removed on purpose, release the bill of that plan, which makes a new record that a "
    "recurring line must be pointed at.",
    "PSA_DRIFT": "Decide which value is right: set it in the PSA, then run "
    "`syncd plans settle KEY --reason TEXT`; the month is planned again after that.",
    "DUPLICATE_IN_PSA": "Keep the record that a recurring line bills and remove our key from the "
    "other, then run `syncd plans settle KEY --reason TEXT`.",
    "RECORD_VANISHED": "Look in the PSA who removed it, then run "
    "`syncd plans settle KEY --reason TEXT`.",
    "READBACK_DIFFERS": "Look whether the PSA rounds or replaces this field; the next plan looks "
    "again and holds the line if it still differs.",
}


def subject(psa_connection: str, key: str) -> str:
    """The subject of an issue about an external key."""
    return f"{psa_connection}/{key}"


def finding(item: OutboxItem, code: str, message: str, **evidence: object) -> Finding:
    """An issue about one write, with the money that waits for it."""
    money = item.intent.money
    return Finding(
        message=f"{message}." if not message.endswith(".") else message,
        remedy=_REMEDIES.get(code, _REMEDIES["DELIVERY_REJECTED"]).replace("KEY", item.key),
        severity=IssueSeverity.WARNING
        if code in {"OUTCOME_UNKNOWN", "READBACK_DIFFERS"}
        else IssueSeverity.ERROR,
        evidence={
            "client": item.intent.client_name,
            "period": item.intent.period,
            "line": item.intent.line_name,
            "plan": item.plan_id,
            "money": None if money is None else str(money),
            "currency": item.intent.currency,
            **evidence,
        },
    )
