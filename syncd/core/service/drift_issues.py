"""Drift as a person is told of it: both versions of the document, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from syncd.core.invoicing.drift import Drift, DriftKind
from syncd.core.service.posting_issues import subject
from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.standing_documents import standing_documents
from syncd.core.store.states import DocumentState
from syncd.sdk.invoice_records import DocumentKind

if TYPE_CHECKING:
    from syncd.core.service.issue_book import IssueBook
    from syncd.core.store.ledger_documents import DocumentItem
    from syncd.sdk.ledger_records import LedgerEntry

BOOKS_EDITED: Final = "BOOKS_EDITED"
BOOKS_RENUMBERED: Final = "BOOKS_RENUMBERED"
BOOKS_VOIDED: Final = "BOOKS_VOIDED"
BOOKS_DELETED: Final = "BOOKS_DELETED"
BOOKS_COPIED: Final = "BOOKS_COPIED"
READ_BACK_DOUBTED: Final = "READ_BACK_DOUBTED"

_CODES: Final = {
    DriftKind.DELETED: BOOKS_DELETED,
    DriftKind.VOIDED: BOOKS_VOIDED,
    DriftKind.EDITED: BOOKS_EDITED,
    DriftKind.RENUMBERED: BOOKS_RENUMBERED,
}
"""The gravest first: a document that is gone is not told as an edited one."""

DRIFTS: Final = frozenset(_CODES.values())

_SHOWN: Final = 4
_HAPPENED: Final = {
    BOOKS_EDITED: "was changed in",
    BOOKS_RENUMBERED: "was given another number in",
    BOOKS_VOIDED: "was voided in",
    BOOKS_DELETED: "was deleted in",
}


def drift_code(drift: Drift) -> str:
    """Code of what happened; empty where nothing did."""
    return next((code for kind, code in _CODES.items() if kind in drift.kinds), "")


def told(drift: Drift) -> str:
    """Both versions in a few words."""
    shown = [str(one) for one in drift.differences[:_SHOWN]]
    more = len(drift.differences) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def title(document: DocumentItem) -> str:
    """`invoice INV-7`."""
    kind = "credit note" if document.kind is DocumentKind.CREDIT else "invoice"
    return f"{kind} {document.number}"


async def tell_drift(
    book: IssueBook, name: str, document: DocumentItem, drift: Drift, now: LedgerEntry | None
) -> None:
    """Open the issue of what happened, and close those of what did not."""
    happened = drift_code(drift)
    await close_about(book, name, document, [one for one in _CODES.values() if one != happened])
    if happened:
        evidence = {
            "url": "" if now is None else now.url,
            "confirmed": {one.field: one.sent for one in drift.differences},
            "now": {one.field: one.shown for one in drift.differences},
        }
        finding = _finding(name, document, happened, told(drift), evidence)
        await book.open(happened, subject(name, document.number), finding)


async def close_about(
    book: IssueBook, name: str, document: DocumentItem, codes: Sequence[str]
) -> None:
    """Close issues about a document.

    An invoice and a credit note may have one number: what the other one needs stays, and speaks of
    that one.
    """
    about = subject(name, document.number)
    alike = await standing_documents(
        book.conn, document.ledger_id, document.book_key, number=document.number
    )
    needed = {
        one.code: one
        for one in alike
        if one.id != document.id and one.state is DocumentState.DRIFTED
    }
    for code in codes:
        other = needed.get(code)
        if other is None:
            await book.close(code, about)
        elif code in DRIFTS:
            await book.open(code, about, _finding(name, other, code, other.detail, {}))


def _finding(
    name: str, document: DocumentItem, code: str, happened: str, evidence: dict[str, Any]
) -> Finding:
    keep = f"`syncd invoices drift --keep {document.number} --why TEXT`"
    if code in (BOOKS_VOIDED, BOOKS_DELETED):
        remedy = (
            f"If it shall stay so: {keep}; to have it posted again: "
            f"`syncd invoices drift --again {document.number} --why TEXT`, then "
            "`syncd plan invoices`."
        )
    else:
        remedy = f"Put it right in the books, or accept it as it is there: {keep}."
    shown = title(document)
    return Finding(
        message=f"{shown[0].upper()}{shown[1:]} {_HAPPENED[code]} {name}: {happened}.",
        remedy=remedy,
        severity=IssueSeverity.WARNING if code == BOOKS_RENUMBERED else IssueSeverity.ERROR,
        evidence={
            "number": document.number,
            "invoice": document.invoice,
            "client": document.client_name or document.client,
            "remote": document.remote,
            **evidence,
        },
    )


async def tell_copy(book: IssueBook, name: str, copy: LedgerEntry, original: str) -> None:
    """A second document bears our mark: whoever copies a document in the books copies it too."""
    kind = "credit note" if copy.kind.value == "credit" else "invoice"
    await book.open(
        BOOKS_COPIED,
        f"{name}/{copy.kind.value} {copy.remote}",
        Finding(
            message=f"{kind} {copy.number or 'without a number'} in {name} bears the mark of a "
            f"document of ours, and is none ({copy.total:,.2f} {copy.currency}).",
            remedy="If it is a copy made by mistake, void it in the books; otherwise clear the "
            "mark from its reference or note there. `syncd invoices drift` shows what is left.",
            severity=IssueSeverity.WARNING,
            evidence={"remote": copy.remote, "original": original, "url": copy.url},
        ),
    )


async def forget_copy(book: IssueBook, name: str, copy: LedgerEntry) -> None:
    """It is gone, or does not bear our mark any more."""
    await book.close(BOOKS_COPIED, f"{name}/{copy.kind.value} {copy.remote}")


async def tell_doubt(book: IssueBook, name: str, asked: int) -> None:
    """The books showed none of the documents they were asked for: that is not believed."""
    what = "a document of ours that was" if asked == 1 else f"any of {asked:,} of ours that were"
    await book.open(
        READ_BACK_DOUBTED,
        f"{name}/documents",
        Finding(
            message=f"{name} does not show {what} there, nor another one beside, which is not "
            "believed; nothing was changed.",
            remedy=f"Look whether `syncd check {name}` still reaches the right organisation with "
            "all rights; if the documents are gone in truth, restore the organisation.",
            evidence={"asked": asked},
        ),
    )


async def forget_doubt(book: IssueBook, name: str) -> None:
    """Documents were shown again."""
    await book.close(READ_BACK_DOUBTED, f"{name}/documents")
