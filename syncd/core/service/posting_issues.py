"""What a person is told when a document on its way into the books needs one.

The subject of each is the book's connection with the document's number, so that whatever settles
the document closes it.
"""

from __future__ import annotations

from typing import Final

from syncd.core.service.posting_endings import NEVER_ARRIVED, OUTCOME_UNKNOWN, DocumentEnding
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_documents import DocumentItem
from syncd.core.store.states import DocumentState

_SETTLE: Final = "`syncd invoices settle NUMBER --why TEXT`"
_AGAIN: Final = "then `syncd plan invoices NAME`; the other documents were written."

_REMEDIES: Final = {
    OUTCOME_UNKNOWN: "Nothing to do: it is looked up by itself before anything is sent again.",
    NEVER_ARRIVED: f"Look in the books whether it is there, then {_SETTLE}.",
    "BOOKS_DIFFER": "Compare both versions in the books; mend the document there, or void it; "
    "`syncd invoices show NUMBER` shows them side by side.",
    "FOREIGN_DOCUMENT": "Two documents cannot share the number: rename or void the other one in "
    f"the books, then {_SETTLE}; if it is the same invoice, add --adopt REMOTE.",
    "DUPLICATE_IN_BOOKS": f"Void all but one of them in the books, then {_SETTLE}.",
    "VOIDED_IN_BOOKS": "If it was voided on purpose, add --give-up to "
    f"{_SETTLE}; it is not posted again by itself.",
    "NUMBER_TAKEN": "Find in the books what has the number, perhaps a deleted document, then "
    f"{_SETTLE}.",
    "PERIOD_LOCKED": f"Open the period in the books, or enter it by hand there; {_AGAIN}",
    "CONTACT_UNUSABLE": f"Restore the contact or map the client to another one; {_AGAIN}",
    "ITEM_UNUSABLE": f"Restore the item or map to another one; {_AGAIN}",
    "ACCOUNT_UNUSABLE": f"Restore the account or map to another one; {_AGAIN}",
    "TAX_UNUSABLE": f"Map the tax to a code that is in use; {_AGAIN}",
    "CURRENCY_UNUSABLE": "Let the books use the currency, or map the client to a contact of it; "
    f"{_AGAIN}",
    "SOURCE_MOVED": "Nothing to do: the invoice changed in the PSA after it was planned and was "
    "not sent; the next plan has it as it is now.",
    "LINK_ONLY": "Nothing was sent: let the book go live with `syncd golive NAME --from DATE`.",
}
_REFUSED: Final = f"Mend what the books name; {_AGAIN}"
_QUIET: Final = frozenset({"SOURCE_MOVED", "ABANDONED"})

POSTING_CODES: Final = frozenset({*_REMEDIES, "REFUSED"})
"""Codes that the settling of a document closes."""


def subject(ledger: str, number: str) -> str:
    """The subject of an issue about a document."""
    return f"{ledger}/{number}"


def wanted_issue(
    item: DocumentItem, ending: DocumentEnding, ledger: str
) -> tuple[str, Finding] | None:
    """The issue that an ending leaves open, or None."""
    match ending.state:
        case DocumentState.UNKNOWN:
            # An answer that was lost heals by itself; only a taken number may need a person.
            return OUTCOME_UNKNOWN, _finding(item, OUTCOME_UNKNOWN, ending, ledger)
        case DocumentState.REFUSED if ending.code in _QUIET:
            return None
        case DocumentState.REFUSED | DocumentState.NEEDS_REVIEW | DocumentState.DRIFTED:
            code = ending.code if ending.code in POSTING_CODES else "REFUSED"
            return code, _finding(item, code, ending, ledger)
        case _:
            return None


def _finding(item: DocumentItem, code: str, ending: DocumentEnding, ledger: str) -> Finding:
    remedy = _REMEDIES.get(code, _REFUSED).replace("NUMBER", item.number).replace("NAME", ledger)
    about = f"{item.number} of {item.client_name}"
    message = f"{about}: {ending.message}" if ending.message else f"{about}: {code}"
    return Finding(
        message=message if message.endswith(".") else f"{message}.",
        remedy=remedy,
        severity=IssueSeverity.WARNING if code == OUTCOME_UNKNOWN else IssueSeverity.ERROR,
        evidence={
            "client": item.client_name,
            "number": item.number,
            "plan": item.plan_id,
            "money": str(item.total),
            "currency": item.currency,
            **ending.evidence,
        },
    )
