"""Payments of books as a list: the last version of each part, and where it stands in the PSA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from syncd.core.store.ledger_payments import StoredPart, parts_of_ledger
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
            found += [
                ListedPayment(
                    id=one.id,
                    book=ledger.name,
                    remote=one.remote,
                    number="" if one.document_id is None else numbers[one.document_id],
                    dated=one.dated,
                    amount=one.amount,
                    currency=one.currency,
                    taken_back=one.deleted,
                    state="waiting" if one.action_id and one.state == "new" else one.state.value,
                    detail=one.detail,
                    psa_remote=one.psa_remote,
                )
                for one in newest.values()
            ]
    found.sort(key=lambda one: (one.dated, one.id), reverse=True)
    return found
