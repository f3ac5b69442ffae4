"""Changes of state of many rows at once: of documents, and of the writes beside them.

Each names the state it expects. Whoever writes is alone on the database, so that a row that was
found in its expected state within the transaction is still in it when it is moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.outbox import chunks
from syncd.core.store.states import DocumentState, OutboxState
from syncd.core.store.tables.ledger import LedgerActionRow, LedgerDocumentRow

_Rows = type[LedgerDocumentRow] | type[LedgerActionRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change.

    Attributes:
        id: of the row.
        expected: the state that it has.
        to: the state that it gets.
        values: further columns.
    """

    id: int
    expected: DocumentState | OutboxState
    to: DocumentState | OutboxState
    values: Mapping[str, Any] = field(default_factory=dict)


async def move_documents(conn: AsyncConnection, moves: Sequence[Move]) -> set[int]:
    """Rows of the documents that were moved; one that somebody else moved is left as it is."""
    return await _moved(conn, LedgerDocumentRow, moves)


async def move_actions(conn: AsyncConnection, moves: Sequence[Move]) -> set[int]:
    """The same of writes beside documents."""
    return await _moved(conn, LedgerActionRow, moves)


async def _moved(conn: AsyncConnection, rows: _Rows, moves: Sequence[Move]) -> set[int]:
    states: dict[int, str] = {}
    for chunk in chunks([move.id for move in moves]):
        statement = select(col(rows.id), col(rows.state)).where(col(rows.id).in_(chunk))
        states.update({row.id: row.state for row in await conn.execute(statement)})
    groups: dict[tuple[str, ...], list[Move]] = {}
    for move in moves:
        if states.get(move.id) == move.expected.value:
            groups.setdefault(tuple(sorted(move.values)), []).append(move)
    for names, group in groups.items():
        await conn.execute(
            update(rows)
            .where(
                col(rows.id) == bindparam("moved_id"),
                col(rows.state) == bindparam("expected_state"),
            )
            .values({name: bindparam(f"new_{name}") for name in ("state", *names)}),
            [
                {
                    "moved_id": move.id,
                    "expected_state": move.expected.value,
                    "new_state": move.to.value,
                    **{f"new_{name}": move.values[name] for name in names},
                }
                for move in group
            ],
        )
    return {move.id for group in groups.values() for move in group}
