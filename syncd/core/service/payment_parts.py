"""Takes in payments of the books: every version of each part that settles a document of ours.

Nobody is asked and nothing is written outside; what is known already is not kept again, so that
reading the same changes twice changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from syncd.core.service.payment_issues import OVERPAYMENT
from syncd.core.store.ledger_payments import (
    OPEN,
    PAYMENT_LEFT,
    PAYMENT_SUPERSEDED,
    WITHDRAWN,
    PartState,
    StoredPart,
    add_part,
    move_part,
    parts_of,
)
from syncd.sdk.ledger_records import LedgerPayment

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.store.ledger_documents import DocumentItem

_FOLLOWED: Final = f"{PAYMENT_SUPERSEDED}: a newer version followed"


async def take_in(
    conn: AsyncConnection,
    payments: Sequence[LedgerPayment],
    *,
    ledger_id: int,
    book_key: str,
    documents: Mapping[str, DocumentItem],
    contacts: Collection[str],
    why_off: str,
    now: datetime,
) -> int:
    """Keep what is new about payments of documents of ours; others are none of ours.

    Args:
        conn: of a writer.
        payments: every part of each payment that is among them.
        ledger_id: row id of the book's connection.
        book_key: the organisation.
        documents: those of ours that parts name, by the books' id.
        contacts: the books' ids of our clients, whose unallocated money is told.
        why_off: why payments are not recorded in the PSA, empty if they are.
        now: UTC.

    Returns:
        versions that were added.
    """
    together: dict[str, list[LedgerPayment]] = defaultdict(list)
    for part in payments:
        together[part.remote].append(part)
    stored = by_part(await parts_of(conn, ledger_id, book_key, together))
    added = 0
    for remote, parts in together.items():
        shown = {
            (remote, part.allocation, None if document is None else document.id): part
            for part in parts
            if (document := documents.get(part.document)) is not None
            or (not part.document and part.contact in contacts)
        }
        for about, part in shown.items():
            history = stored.get(about, ())
            if _says_the_same(history, part):
                continue
            await _add(conn, ledger_id, book_key, about, part, history, why_off, now)
            added += 1
        # A payment that is gone as a whole need not name what it settled.
        gone = any(part.deleted and not part.document for part in parts)
        for about, history in stored.items():
            newest = history[-1]
            if about[0] == remote and about not in shown and not newest.deleted:
                part = _withdrawn(newest, parts[0].version if gone else WITHDRAWN)
                await _add(conn, ledger_id, book_key, about, part, history, why_off, now)
                added += 1
    return added


About = tuple[str, str, int | None]
"""Payment, allocation and document: one part through all of its versions."""


def by_part(rows: Sequence[StoredPart]) -> dict[About, list[StoredPart]]:
    """Versions of each part, the oldest first."""
    found: dict[About, list[StoredPart]] = defaultdict(list)
    for row in rows:
        found[row.remote, row.allocation, row.document_id].append(row)
    return found


def _says_the_same(history: Sequence[StoredPart], part: LedgerPayment) -> bool:
    if not history:
        return part.deleted
    newest = history[-1]
    return newest.deleted == part.deleted and (
        part.deleted or (newest.amount, newest.currency) == (part.amount, part.currency)
    )


def _withdrawn(newest: StoredPart, version: str) -> LedgerPayment:
    """A part that the payment no longer has: its document is settled by something else."""
    return LedgerPayment(
        remote=newest.remote,
        allocation=newest.allocation,
        amount=newest.amount,
        currency=newest.currency,
        dated=newest.dated,
        reference=newest.reference,
        deleted=True,
        version=version,
    )


async def _add(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str,
    about: About,
    part: LedgerPayment,
    history: Sequence[StoredPart],
    why_off: str,
    now: datetime,
) -> None:
    for row in history:
        # The write of one that is held was refused; one that is new with a write is on its way.
        if row.state is PartState.HELD or (row.state in OPEN and row.action_id is None):
            await move_part(conn, row, PartState.IGNORED, detail=_FOLLOWED)
    state, detail = PartState.NEW, ""
    if why_off:
        state, detail = PartState.IGNORED, f"{PAYMENT_LEFT}: {why_off}"
    elif about[2] is None:
        state, detail = PartState.HELD, f"{OVERPAYMENT}: it settles no invoice"
        if part.deleted:
            state, detail = PartState.REVERSED, "it settles something by now, or was taken back"
    document = "" if about[2] is None else f"/{about[2]}"
    await add_part(
        conn,
        ledger_id,
        book_key,
        part,
        version=f"{len(history) + 1}{document}:{part.version}",
        document_id=about[2],
        state=state,
        detail=detail,
        now=now,
    )
