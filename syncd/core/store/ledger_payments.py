"""Parts of payments as the books hold them, each version a row, and what became of them in the PSA.

A part is what one payment settles of one document; a later version never changes an earlier row's
facts, so that what was recorded when can be told.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.states import OutboxState
from syncd.core.store.tables.ledger import LedgerActionRow, LedgerDocumentRow, LedgerPaymentRow
from syncd.sdk.ledger_records import LedgerPayment


class PartState(StrEnum):
    """Where a part of a payment stands.

    `new` waits, for a look at the PSA or for the end of its write; `recorded` was written by us,
    `echo` was in the PSA already, `reversed` is taken back on both sides, `held` waits for a
    person, `ignored` is none of ours to record.
    """

    NEW = "new"
    RECORDED = "recorded"
    ECHO = "echo"
    HELD = "held"
    REVERSED = "reversed"
    IGNORED = "ignored"


SETTLED = (PartState.RECORDED, PartState.ECHO, PartState.REVERSED)
OPEN = (PartState.NEW, PartState.HELD)

PAYMENT_SUPERSEDED: Final = "PAYMENT_SUPERSEDED"
PAYMENT_LEFT: Final = "PAYMENT_LEFT"
PAYMENT_DISMISSED: Final = "PAYMENT_DISMISSED"
"""Why a version is ignored; the code stands before its sentence."""

WITHDRAWN: Final = "withdrawn"
"""Ends the version of a part that its payment names no more, though nobody said that it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """One version of a part.

    Attributes:
        id: row id; ascending in the order in which versions were seen.
        book_key: the organisation.
        remote: the books' id of the payment.
        allocation: tells the parts of one payment apart.
        version: as the books name it, made unique.
        document_id: ledger row it settles; None for money that settles nothing.
        amount: positive.
        currency: ISO code.
        dated: when it was paid.
        reference: free text of the books.
        deleted: taken back, or moved to something else.
        state: see `PartState`.
        action_id: the write that records it, or None.
        psa_remote: the PSA's id of the payment, where it is known.
        detail: one sentence, or a code with a sentence behind a colon for what is held.
        seen_at: when this version was read.
    """

    id: int
    book_key: str
    remote: str
    allocation: str
    version: str
    document_id: int | None
    amount: Decimal
    currency: str
    dated: date
    reference: str
    deleted: bool
    state: PartState
    action_id: int | None
    psa_remote: str
    detail: str
    seen_at: datetime

    @property
    def left(self) -> bool:
        """It was left to others: nobody of us knows whether the PSA has it."""
        return self.state is PartState.IGNORED and not self.detail.startswith(PAYMENT_SUPERSEDED)

    @property
    def withdrawn(self) -> bool:
        """Its payment is still there and names it no more."""
        return self.deleted and self.version.endswith(WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWrite:
    """The write of a part to the PSA as it stands.

    Attributes:
        state: of it.
        remote: what came of it, or None.
        code: why it stands there, or None.
        detail: one sentence.
    """

    state: OutboxState
    remote: str | None
    code: str | None
    detail: str


_Row = LedgerPaymentRow


async def parts_of(
    conn: AsyncConnection, ledger_id: int, book_key: str, remotes: Collection[str]
) -> list[StoredPart]:
    """Every version of the parts of these payments, the oldest first."""
    return await _parts(
        conn,
        col(_Row.ledger_connection_id) == ledger_id,
        col(_Row.book_key) == book_key,
        col(_Row.remote).in_(sorted(remotes)),
    )


async def parts_in(
    conn: AsyncConnection, ledger_id: int, book_key: str, states: Collection[PartState]
) -> list[StoredPart]:
    """Versions in these states, the oldest first."""
    return await _parts(
        conn,
        col(_Row.ledger_connection_id) == ledger_id,
        col(_Row.book_key) == book_key,
        col(_Row.state).in_([state.value for state in states]),
    )


async def parts_of_documents(
    conn: AsyncConnection, document_ids: Collection[int]
) -> list[StoredPart]:
    """Every version of the parts that settle these documents, the oldest first."""
    return await _parts(conn, col(_Row.document_id).in_(sorted(document_ids)))


async def parts_of_ledger(conn: AsyncConnection, ledger_id: int) -> list[StoredPart]:
    """Every version of every part of a ledger connection, the oldest first."""
    return await _parts(conn, col(_Row.ledger_connection_id) == ledger_id)


async def writes_of(conn: AsyncConnection, parts: Collection[StoredPart]) -> dict[int, PartWrite]:
    """Writes of parts, by the row of the write; a part without one has none."""
    action = LedgerActionRow
    found: dict[int, PartWrite] = {}
    for chunk in chunks(sorted({one.action_id for one in parts if one.action_id is not None})):
        statement = select(
            col(action.id),
            col(action.state),
            col(action.remote),
            col(action.code),
            col(action.detail),
        ).where(col(action.id).in_(chunk))
        for row in await conn.execute(statement):
            found[row.id] = PartWrite(
                state=OutboxState(row.state), remote=row.remote, code=row.code, detail=row.detail
            )
    return found


async def settled_by(
    conn: AsyncConnection, ledger_id: int, book_key: str, payments: Collection[str]
) -> set[str]:
    """The books' ids of documents of ours that these payments settle, or settled once."""
    document = LedgerDocumentRow
    found: set[str] = set()
    for chunk in chunks(sorted(payments)):
        statement = (
            select(col(document.remote))
            .join(_Row, col(_Row.document_id) == col(document.id))
            .where(
                col(_Row.ledger_connection_id) == ledger_id,
                col(_Row.book_key) == book_key,
                col(_Row.remote).in_(chunk),
                col(document.remote).is_not(None),
            )
            .distinct()
        )
        found |= {one for one in (await conn.execute(statement)).scalars() if one}
    return found


async def part_of_id(conn: AsyncConnection, ledger_id: int, part_id: int) -> StoredPart | None:
    """One version, or None where the ledger has none of this id."""
    found = await _parts(conn, col(_Row.ledger_connection_id) == ledger_id, col(_Row.id) == part_id)
    return found[0] if found else None


async def add_part(
    conn: AsyncConnection,
    ledger_id: int,
    book_key: str,
    part: LedgerPayment,
    *,
    version: str,
    document_id: int | None,
    state: PartState,
    detail: str,
    now: datetime,
) -> int:
    """Add a version; returns its row's id."""
    done = await conn.execute(
        insert(_Row).returning(col(_Row.id)),
        {
            "ledger_connection_id": ledger_id,
            "book_key": book_key,
            "remote": part.remote,
            "allocation": part.allocation,
            "version": version,
            "document_id": document_id,
            "amount": part.amount,
            "currency": part.currency,
            "dated": part.dated.isoformat(),
            "reference": part.reference,
            "deleted": part.deleted,
            "state": state.value,
            "psa_remote": "",
            "detail": detail,
            "seen_at": now,
        },
    )
    row_id = done.scalar_one()
    assert row_id is not None
    return row_id


async def move_part(conn: AsyncConnection, part: StoredPart, to: PartState, **values: Any) -> bool:
    """Change the state if it is still the one that was read; False if somebody else moved it."""
    statement = (
        update(_Row)
        .where(col(_Row.id) == part.id, col(_Row.state) == part.state.value)
        .values(state=to.value, **values)
    )
    return bool((await conn.execute(statement)).rowcount)


async def _parts(conn: AsyncConnection, *conditions: Any) -> list[StoredPart]:
    statement = select(_Row).where(*conditions).order_by(col(_Row.id))
    return [_part(row) for row in (await conn.execute(statement)).all()]


def _part(row: Any) -> StoredPart:
    return StoredPart(
        id=row.id,
        book_key=row.book_key,
        remote=row.remote,
        allocation=row.allocation,
        version=row.version,
        document_id=row.document_id,
        amount=row.amount,
        currency=row.currency,
        dated=date.fromisoformat(row.dated),
        reference=row.reference,
        deleted=row.deleted,
        state=PartState(row.state),
        action_id=row.action_id,
        psa_remote=row.psa_remote,
        detail=row.detail,
        seen_at=row.seen_at,
    )
