"""What the PSA knows: clients, sites, asset types and suppliers, as last read.

A refresh stores a whole kind at once: what was seen is upserted, what was not is marked inactive
and never deleted, because links and bills name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from syncd.core.store.reference_entries import ReferenceEntry as ReferenceEntry
from syncd.core.store.reference_entries import ReferenceKind as ReferenceKind
from syncd.core.store.tables import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceBook:
    """All entries, by (PSA connection id, kind) and key.

    Attributes:
        entries: inactive ones included.
        seen_at: when each PSA connection was last read, by connection id.
    """

    entries: Mapping[tuple[int, ReferenceKind], Mapping[str, ReferenceEntry]]
    seen_at: Mapping[int, datetime]

    def of(self, psa_connection_id: int, kind: ReferenceKind) -> Mapping[str, ReferenceEntry]:
        """The entries of one kind by key; empty before the first read."""
        return self.entries.get((psa_connection_id, kind), {})

    def name(self, psa_connection_id: int, kind: ReferenceKind, key: str) -> str:
        """The name, or the key where the PSA was not read or does not know it."""
        found = self.of(psa_connection_id, kind).get(key)
        return found.name if found else key

    def named(
        self, psa_connection_id: int, kind: ReferenceKind, name: str, *, parent: str | None = None
    ) -> tuple[ReferenceEntry, ...]:
        """Active entries with this name, ignoring case and outer spaces; several are ambiguous."""
        wanted = name.strip().casefold()
        return tuple(
            entry
            for entry in self.of(psa_connection_id, kind).values()
            if entry.active
            and entry.name.strip().casefold() == wanted
            and parent in {None, entry.parent}
        )


async def load_references(
    conn: AsyncConnection, psa_connection_id: int | None = None
) -> ReferenceBook:
    """Every entry, of one PSA connection or of all."""
    statement = select(Reference).order_by(col(Reference.kind), col(Reference.id))
    if psa_connection_id is not None:
        statement = statement.where(col(Reference.connection_id) == psa_connection_id)
    entries: dict[tuple[int, ReferenceKind], dict[str, ReferenceEntry]] = {}
    seen_at: dict[int, datetime] = {}
    for row in await conn.execute(statement):
        kind = ReferenceKind(row.kind)
        entries.setdefault((row.connection_id, kind), {})[row.key] = _entry(row)
        seen_at[row.connection_id] = max(seen_at.get(row.connection_id, row.seen_at), row.seen_at)
    return ReferenceBook(entries=entries, seen_at=seen_at)


async def store_references(
    conn: AsyncConnection,
    psa_connection_id: int,
    kind: ReferenceKind,
    entries: Sequence[ReferenceEntry],
    *,
    now: datetime,
) -> int:
    """Store all that a complete read of this kind showed.

    Args:
        conn: a writer's connection.
        psa_connection_id: whose list it is.
        kind: which list.
        entries: everything that was seen; what is missing here becomes inactive.
        now: when the read ended.

    Returns:
        how many entries became inactive because they were not seen.
    """
    gone = await active_keys(conn, psa_connection_id, kind) - {entry.key for entry in entries}
    if gone:
        await conn.execute(
            update(Reference)
            .where(
                col(Reference.connection_id) == psa_connection_id,
                col(Reference.kind) == kind.value,
                col(Reference.key) == bindparam("gone"),
            )
            .values(active=False),
            [{"gone": key} for key in gone],
        )
    if entries:
        dialect = sqlite if conn.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(Reference)
        statement = statement.on_conflict_do_update(
            index_elements=["connection_id", "kind", "key"],
            set_={
                name: statement.excluded[name]
                for name in ("name", "parent", "main_site", "active", "foreign_ids", "seen_at")
            },
        )
        await conn.execute(
            statement,
            [_values(psa_connection_id, kind, entry, now) for entry in entries],
        )
    return len(gone)


async def active_keys(
    conn: AsyncConnection, psa_connection_id: int, kind: ReferenceKind
) -> set[str]:
    """Keys of the active entries of this kind."""
    statement = select(col(Reference.key)).where(
        col(Reference.connection_id) == psa_connection_id,
        col(Reference.kind) == kind.value,
        col(Reference.active).is_(True),
    )
    return set((await conn.execute(statement)).scalars())


def _entry(row: Any) -> ReferenceEntry:
    return ReferenceEntry(
        key=row.key,
        name=row.name,
        parent=row.parent,
        main_site=row.main_site,
        active=row.active,
        foreign_ids=msgspec.json.decode(row.foreign_ids, type=dict[str, str]),
    )


def _values(
    connection_id: int, kind: ReferenceKind, entry: ReferenceEntry, now: datetime
) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "kind": kind.value,
        "key": entry.key,
        "name": entry.name,
        "parent": entry.parent,
        "main_site": entry.main_site,
        "active": entry.active,
        "foreign_ids": msgspec.json.encode(entry.foreign_ids, order="sorted").decode(),
        "seen_at": now,
    }
