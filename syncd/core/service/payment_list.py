"""Payments of books as a list: the last version of each part, and where it stands in the PSA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.core.service.ledger_payments import ended
from syncd.core.store.ledger_payments import (
    PartState,
    PartWrite,
    StoredPart,
    parts_of_ledger,
    writes_of,
)
from syncd.core.store.standing_documents import numbers_of

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPayment:
    """One part of a payment.

    Attributes:
        id: for a person's answer.
        book: connection.
        remote: the books' id of the payment.
        number: of the document that it settles, empty for money that settles nothing.
        dated: when it was paid.
        amount: positive.
        currency: ISO code.
        taken_back: it was taken back, or settles something else now.
        state: see `PartState`; `waiting` where its write to the PSA is on its way.
        detail: why it stands there.
        psa_remote: the PSA's id of it.
    """

    id: int
    book: str
    remote: str
    number: str
    dated: date
    amount: Decimal
    currency: str
    taken_back: bool
    state: str
    detail: str
    psa_remote: str


async def list_payments(
    database: Database, ledgers: Sequence[ConnectionRef]
) -> list[ListedPayment]:
    """Every part by its last version, the newest first."""
    found: list[ListedPayment] = []
    async with database.reader() as conn:
        for ledger in ledgers:
            newest: dict[tuple[str, str, int | None], StoredPart] = {}
            for part in await parts_of_ledger(conn, ledger.id):
                newest[part.remote, part.allocation, part.document_id] = part
            ids = {one.document_id for one in newest.values() if one.document_id is not None}
            numbers = await numbers_of(conn, ids)
            written = await writes_of(conn, newest.values())
            for one in newest.values():
                number = "" if one.document_id is None else numbers[one.document_id]
                found.append(_listed(one, ledger.name, number, written.get(one.action_id or 0)))
    found.sort(key=lambda one: (one.dated, one.id), reverse=True)
    return found


def _listed(one: StoredPart, book: str, number: str, write: PartWrite | None) -> ListedPayment:
    """A part; one whose write ended since payments were settled shows what became of it."""
    state, detail, psa_remote = one.state.value, one.detail, one.psa_remote
    if one.state is PartState.NEW and write is not None:
        end = ended(one, write)
        state = "waiting" if end is None else end.state.value
        detail, psa_remote = (detail, psa_remote) if end is None else (end.detail, end.psa_remote)
    return ListedPayment(
        id=one.id,
        book=book,
        remote=one.remote,
        number=number,
        dated=one.dated,
        amount=one.amount,
        currency=one.currency,
        taken_back=one.deleted,
        state=state,
        detail=detail,
        psa_remote=psa_remote,
    )
