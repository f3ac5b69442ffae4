"""What payments ask of a person: money that settles nothing, and parts that were not recorded.

Each closes when the books or the PSA say something else, or when a person answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from syncd.core.store.issues import Finding, IssueSeverity
from syncd.core.store.ledger_payments import PartState, StoredPart, parts_in
from syncd.core.store.standing_documents import numbers_of

if TYPE_CHECKING:
    from syncd.core.service.issue_book import IssueBook
    from syncd.core.store.connections import ConnectionRef

OVERPAYMENT: Final = "OVERPAYMENT"
PAYMENT_NOT_RECORDED: Final = "PAYMENT_NOT_RECORDED"
PAYMENT_REFUSED: Final = "PAYMENT_REFUSED"


async def sync_payment_issues(book: IssueBook, ledger: ConnectionRef, book_key: str) -> int:
    """Make the open issues those of the parts that are held now; how many there are."""
    held = await parts_in(book.conn, ledger.id, book_key, [PartState.HELD])
    ids = {part.document_id for part in held if part.document_id is not None}
    numbers = await numbers_of(book.conn, ids)
    loose = {
        _subject(ledger.name, part, "-"): _unallocated(ledger.name, part)
        for part in held
        if part.document_id is None
    }
    unclear = {
        _subject(ledger.name, part, numbers[part.document_id]): _unrecorded(
            ledger.name, part, numbers[part.document_id]
        )
        for part in held
        if part.document_id is not None
    }
    await book.replace(OVERPAYMENT, loose)
    await book.replace(PAYMENT_NOT_RECORDED, unclear)
    return len(held)


def _subject(name: str, part: StoredPart, number: str) -> str:
    return f"{name}/{number}/{part.remote}" + (f"/{part.allocation}" if part.allocation else "")


def _unallocated(name: str, part: StoredPart) -> Finding:
    return Finding(
        message=f"A payment of {part.amount:,.2f} {part.currency} of {part.dated} in {name} "
        "settles no invoice.",
        remedy="Allocate it to invoices in the books, or pay it back there; to leave it as it is: "
        f"`syncd invoices payments --dismiss {part.id} --why TEXT`.",
        severity=IssueSeverity.WARNING,
        evidence=_evidence(part),
    )


def _unrecorded(name: str, part: StoredPart, number: str) -> Finding:
    code, _, why = part.detail.partition(": ")
    verb = "taken back" if part.deleted else "made"
    if part.deleted:
        remedy = (
            "Take it back in the PSA by hand, and it is recognised; or "
            f"`syncd invoices payments --record {part.id} --why TEXT` if syncd shall take it back "
            f"there, or `--dismiss {part.id} --why TEXT` if the PSA shall keep it."
        )
    else:
        remedy = (
            "Enter it in the PSA by hand with the same amount and day, and it is recognised; "
            f"or `syncd invoices payments --record {part.id} --why TEXT` if it is no payment that "
            f"the PSA has, or `--dismiss {part.id} --why TEXT` if it is."
        )
    return Finding(
        message=f"A payment of {part.amount:,.2f} {part.currency}, {verb} in {name} for {number} "
        f"of {part.dated}, is not recorded in the PSA ({code}): {why}.",
        remedy=remedy,
        severity=IssueSeverity.WARNING,
        evidence={**_evidence(part), "number": number, "code": code},
    )


def _evidence(part: StoredPart) -> dict[str, str | int | bool]:
    return {
        "id": part.id,
        "payment": part.remote,
        "amount": str(part.amount),
        "currency": part.currency,
        "dated": part.dated.isoformat(),
        "taken_back": part.deleted,
    }
