"""One look at one document in the books: what is kept of it, and what a person is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from syncd.core.invoicing.comparison import compare
from syncd.core.invoicing.drift import MATERIAL, Drift, DriftKind, drift_of
from syncd.core.invoicing.recognition import GONE
from syncd.core.service.drift_issues import DRIFTS, close_about, drift_code, tell_drift, told
from syncd.core.store.ledger_actions import actions_of_document
from syncd.core.store.standing_documents import see_document
from syncd.core.store.states import DocumentState, OutboxState
from syncd.sdk.ledger_writes import ActionKind, LedgerAction

if TYPE_CHECKING:
    from syncd.core.service.issue_book import IssueBook
    from syncd.core.store.ledger_documents import DocumentItem
    from syncd.sdk.ledger_records import LedgerEntry

BOOKS_DIFFER: Final = "BOOKS_DIFFER"
"""It differed from what was sent as soon as it was posted; posting tells of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the books show of a document: None is absent; `told` if they said that it is gone."""

    entry: LedgerEntry | None
    told: bool = False


async def look_at(book: IssueBook, name: str, document: DocumentItem, look: Look) -> bool:
    """Compare a document with what was confirmed, keep what was seen, and tell; True for drift.

    What our own void did is none, whether its answer was seen or not; nor is the number that it
    gives a document on the way. What was confirmed is replaced only by a version that says the
    same, so that a drift is told until it is mended or accepted. A document that differed from what
    was sent stays so until it is as it was sent.
    """
    now = look.entry
    gone = now is None or now.status in GONE
    drift = _drift(document, now)
    if drift.material and await _done_by_us(book, document, drift, now):
        return False
    if drift.material and (gone or document.code != BOOKS_DIFFER):
        state, code, detail = DocumentState.DRIFTED, drift_code(drift), told(drift)[:500]
    elif document.code == BOOKS_DIFFER and not _mended(document, now):
        state, code, detail = document.state, document.code, document.detail
    elif document.code in {BOOKS_DIFFER, *DRIFTS} and not gone:
        state = DocumentState.LINKED if document.plan_id is None else DocumentState.CONFIRMED
        code, detail = None, ""
    else:
        state, code, detail = document.state, document.code, document.detail
    kept = code not in DRIFTS or not drift.material
    moved = await see_document(
        book.conn, document, now, at=book.now, state=state, code=code, detail=detail, confirm=kept
    )
    if moved and (code in DRIFTS or document.code in DRIFTS):
        await tell_drift(book, name, document, drift, now)
    if moved and document.code == BOOKS_DIFFER and code != BOOKS_DIFFER:
        await close_about(book, name, document, [BOOKS_DIFFER])
    return drift.material


def _drift(document: DocumentItem, now: LedgerEntry | None) -> Drift:
    """What moved since it was confirmed; what was accepted as gone is no news while it is gone."""
    before = document.seen
    if before is None or (before.status in GONE and (now is None or now.status in GONE)):
        return Drift()
    return drift_of(before, now)


def _mended(document: DocumentItem, now: LedgerEntry | None) -> bool:
    payload = document.payload
    if payload is None or now is None:
        return False
    return not compare(payload.document, payload.totals, now, delegated=payload.delegated)


async def _done_by_us(
    book: IssueBook, document: DocumentItem, drift: Drift, now: LedgerEntry | None
) -> bool:
    """Whether a void of ours that was not refused explains all that moved."""
    renumbered = now is not None and now.status not in GONE
    if renumbered and MATERIAL & set(drift.kinds) != {DriftKind.RENUMBERED}:
        return False
    actions = await actions_of_document(book.conn, document.id)
    voids = [
        one.payload
        for one in actions
        if isinstance(one.payload, LedgerAction)
        and one.payload.kind is ActionKind.VOID
        and one.state is not OutboxState.REJECTED
    ]
    if now is None or not renumbered:
        return bool(voids)
    return any(one.renumber == now.number for one in voids)
