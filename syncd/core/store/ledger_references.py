"""The catalogues of accounting systems as last read, one connection at a time.

A read stores all of them at once: what was seen is upserted, what was not is marked gone and never
deleted, because mappings and documents name it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.tables.books import LedgerReferenceRow
from syncd.sdk.ledger_records import LedgerBook, LedgerReference, ReferenceKind

References = Mapping[tuple[ReferenceKind, str], LedgerReference]
"""Entries by kind and key; one that is gone is inactive, and its detail `gone` says since when."""

_BOOK = "book"
"""Kind of the row that keeps the organisation itself, which no mapping points to."""

_COLUMNS = ("code", "name", "active", "content", "seen_at", "gone_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencesStored:
    """What a read changed.

    Attributes:
        seen: entries by kind.
        gone: how many of each kind were there before and are no more.
    """

    seen: Mapping[ReferenceKind, int]
    gone: Mapping[ReferenceKind, int]


async def load_ledger_references(conn: AsyncConnection, connection_id: int) -> References:
    """Every entry that was ever read from a connection, in the order of its kind and name."""
    table = LedgerReferenceRow
    statement = (
        select(col(table.content), col(table.gone_at))
        .where(col(table.connection_id) == connection_id, col(table.kind) != _BOOK)
        .order_by(col(table.kind), col(table.name), col(table.key))
    )
    found: dict[tuple[ReferenceKind, str], LedgerReference] = {}
    for row in await conn.execute(statement):
        entry = msgspec.json.decode(row.content, type=LedgerReference)
        if row.gone_at is not None:
            detail = {**entry.detail, "gone": row.gone_at.date().isoformat()}
            entry = msgspec.structs.replace(entry, active=False, detail=detail)
        found[entry.kind, entry.key] = entry
    return found


async def references_read_at(conn: AsyncConnection, connection_id: int) -> datetime | None:
    """When the catalogues of a connection were last read whole; None before the first time."""
    statement = (
        select(col(LedgerReferenceRow.seen_at))
        .where(
            col(LedgerReferenceRow.connection_id) == connection_id,
            col(LedgerReferenceRow.kind) != _BOOK,
        )
        .order_by(col(LedgerReferenceRow.seen_at).desc())
        .limit(1)
    )
    return (await conn.execute(statement)).scalars().first()


async def load_book(conn: AsyncConnection, connection_id: int) -> LedgerBook | None:
    """The organisation as it was last read, or None before the first time."""
    table = LedgerReferenceRow
    statement = select(col(table.content)).where(
        col(table.connection_id) == connection_id,
        col(table.kind) == _BOOK,
        col(table.gone_at).is_(None),
    )
    found = (await conn.execute(statement)).scalars().first()
    return None if found is None else msgspec.json.decode(found, type=LedgerBook)


async def store_book(
    conn: AsyncConnection, connection_id: int, book: LedgerBook, *, now: datetime
) -> None:
    """Keep the organisation as it was read.

    Where another one was behind the connection before, the catalogues of that one are gone, too.
    """
    table = LedgerReferenceRow
    there = update(table).where(
        col(table.connection_id) == connection_id, col(table.gone_at).is_(None)
    )
    others = there.where(col(table.kind) == _BOOK, col(table.key) != book.key)
    if (await conn.execute(others.values(gone_at=now))).rowcount:
        await conn.execute(there.where(col(table.kind) != _BOOK).values(gone_at=now))
    values = {
        "connection_id": connection_id,
        "kind": _BOOK,
        "key": book.key,
        "code": book.currency,
        "name": book.name,
        "active": True,
        "content": msgspec.json.encode(book, order="deterministic").decode(),
        "seen_at": now,
        "gone_at": None,
    }
    await _keep(conn, [values])


async def present_kinds(conn: AsyncConnection, connection_id: int) -> dict[ReferenceKind, int]:
    """How many entries of each kind are there, those that are gone left out."""
    found: dict[ReferenceKind, int] = {}
    for kind, _ in await _present(conn, connection_id):
        found[kind] = found.get(kind, 0) + 1
    return found


async def add_ledger_reference(
    conn: AsyncConnection, connection_id: int, entry: LedgerReference, *, now: datetime
) -> None:
    """Store one entry that was just made, without a read of the others."""
    await _upsert(conn, connection_id, [entry], now)


async def store_ledger_references(
    conn: AsyncConnection,
    connection_id: int,
    entries: Sequence[LedgerReference],
    *,
    now: datetime,
) -> ReferencesStored:
    """Store all that a complete read showed.

    Args:
        conn: a writer's connection.
        connection_id: whose catalogues.
        entries: everything that was seen; what is missing here becomes gone.
        now: when the read ended.
    """
    seen = {(entry.kind, entry.key): entry for entry in entries}
    lost = await _present(conn, connection_id) - set(seen)
    await _mark_gone(conn, connection_id, lost, now)
    await _upsert(conn, connection_id, list(seen.values()), now)
    return ReferencesStored(seen=_by_kind(seen), gone=_by_kind(lost))


async def _upsert(
    conn: AsyncConnection, connection_id: int, entries: Sequence[LedgerReference], now: datetime
) -> None:
    await _keep(conn, [_values(connection_id, entry, now) for entry in entries])


async def _keep(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(LedgerReferenceRow)
    statement = statement.on_conflict_do_update(
        index_elements=["connection_id", "kind", "key"],
        set_={name: statement.excluded[name] for name in _COLUMNS},
    )
    await conn.execute(statement, rows)


async def _present(conn: AsyncConnection, connection_id: int) -> set[tuple[ReferenceKind, str]]:
    table = LedgerReferenceRow
    statement = select(col(table.kind), col(table.key)).where(
        col(table.connection_id) == connection_id,
        col(table.kind) != _BOOK,
        col(table.gone_at).is_(None),
    )
    return {(ReferenceKind(row.kind), row.key) for row in await conn.execute(statement)}


async def _mark_gone(
    conn: AsyncConnection,
    connection_id: int,
    lost: Collection[tuple[ReferenceKind, str]],
    now: datetime,
) -> None:
    if not lost:
        return
    table = LedgerReferenceRow
    statement = (
        update(table)
        .where(
            col(table.connection_id) == connection_id,
            col(table.kind) == bindparam("lost_kind"),
            col(table.key) == bindparam("lost_key"),
        )
        .values(gone_at=now)
    )
    await conn.execute(
        statement, [{"lost_kind": kind.value, "lost_key": key} for kind, key in sorted(lost)]
    )


def _by_kind(keys: Collection[tuple[ReferenceKind, str]]) -> dict[ReferenceKind, int]:
    counts = {kind: sum(1 for one, _ in keys if one is kind) for kind in ReferenceKind}
    return {kind: count for kind, count in counts.items() if count}


def _values(connection_id: int, entry: LedgerReference, now: datetime) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "kind": entry.kind.value,
        "key": entry.key,
        "code": entry.code,
        "name": entry.name,
        "active": entry.active,
        "content": msgspec.json.encode(entry, order="deterministic").decode(),
        "seen_at": now,
        "gone_at": None,
    }
