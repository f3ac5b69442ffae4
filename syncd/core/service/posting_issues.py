"""What a person is told when a document on its way into the books needs one.

The subject of each is the book's connection with the document's number, so that whatever settles
the document closes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from syncd.core.service.posting_endings import NEVER_ARRIVED, OUTCOME_UNKNOWN, DocumentEnding
from syncd.core.store.issue_subjects import open_codes_by_subject
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_documents import DocumentItem, documents_of_numbers
from syncd.core.store.states import DocumentState

if TYPE_CHECKING:
    from syncd.core.service.issue_book import IssueBook
    from syncd.core.store.connections import ConnectionRef

_SETTLE: Final = "`syncd invoices settle NUMBER --why TEXT`"
_AGAIN: Final = (
    "then `syncd plan invoices NAME`, and where it is held there "
    "`syncd invoices release PLAN NUMBER --why TEXT`; the other documents were written."
)

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
    "PERIOD_LOCKED": "Open the period in the books, or enter it by hand there and run "
    f"`syncd invoices link NAME`; {_AGAIN}",
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
_QUIET: Final = frozenset({"SOURCE_MOVED", "LINK_ONLY", "ABANDONED"})
"""By a person's word, or planned again as it is by then; the plan tells of a book not live."""

POSTING_CODES: Final = frozenset({*_REMEDIES, "REFUSED"})
"""Codes that the settling of a document closes."""

_DOUBTFUL: Final = (
    DocumentState.REFUSED,
    DocumentState.NEEDS_REVIEW,
    DocumentState.DRIFTED,
    DocumentState.UNKNOWN,
)
"""States in which a document may have an issue of posting."""


def subject(ledger: str, number: str) -> str:
    """The subject of an issue about a document."""
    return f"{ledger}/{number}"


async def sync_posting_issues(
    book: IssueBook,
    ledger: ConnectionRef,
    ended: Sequence[tuple[DocumentItem, DocumentEnding]],
) -> None:
    """Make the open issues about these documents those that their endings leave.

    A document of the same number that still needs a person keeps its issue, or gets it back.
    """
    wanted: dict[tuple[str, str], Finding] = {}
    for item, ending in ended:
        issue = wanted_issue(item, ending, ledger.name)
        if issue is not None:
            wanted[issue[0], subject(ledger.name, item.number)] = issue[1]
    numbers = {subject(ledger.name, item.number): item.number for item, _ in ended}
    open_now = await open_codes_by_subject(book.conn, numbers, POSTING_CODES)
    healed = {
        (code, about)
        for about, codes in open_now.items()
        for code in codes
        if (code, about) not in wanted
    }
    if healed:
        names = {numbers[about] for _, about in healed}
        for other in await documents_of_numbers(book.conn, ledger.id, names, _DOUBTFUL):
            ending = DocumentEnding(state=other.state, code=other.code or "", message=other.detail)
            issue = wanted_issue(other, ending, ledger.name)
            if issue is not None and (issue[0], subject(ledger.name, other.number)) in healed:
                wanted[issue[0], subject(ledger.name, other.number)] = issue[1]
    for code, about in sorted(healed - wanted.keys()):
        await book.close(code, about)
    for (code, about), finding in wanted.items():
        await book.open(code, about, finding)


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
            "key": item.key,
            "number": item.number,
            "plan": item.plan_id,
            "money": str(item.total),
            "currency": item.currency,
            **ending.evidence,
        },
    )
