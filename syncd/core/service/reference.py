"""Reads what the PSA knows: clients, sites, asset types and suppliers, each list whole.

Everything is read before anything is stored, so that a vendor that fails in the middle leaves the
lists of one moment behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

from syncd.core.service.connection_health import (
    connection_worked,
    failures_recorded,
    one_error,
)
from syncd.core.service.issue_book import IssueBook
from syncd.core.service.reference_issues import write_reference_issues
from syncd.core.store.references import (
    ReferenceEntry,
    ReferenceKind,
    active_keys,
    store_references,
)
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ProtocolError
from syncd.sdk.ports import Psa

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.core.service.runs import RunHandle
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database

KIND: Final = "reference"
"""Kind of the run rows of refreshes."""

_NEVER_EMPTY: Final = (ReferenceKind.CLIENT, ReferenceKind.SITE, ReferenceKind.ASSET_TYPE)
_WORDS: Final = {
    ReferenceKind.CLIENT: "clients",
    ReferenceKind.SITE: "sites",
    ReferenceKind.ASSET_TYPE: "asset types",
    ReferenceKind.SUPPLIER: "suppliers",
}

_ItemT = TypeVar("_ItemT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh read.

    Attributes:
        seen: entries by kind.
        gone: how many of each kind are no longer there and became inactive.
    """

    seen: Mapping[ReferenceKind, int]
    gone: Mapping[ReferenceKind, int]


async def refresh_reference(
    database: Database,
    connection: ConnectionRef,
    psa: Psa,
    *,
    clock: Callable[[], datetime],
    log: EventLog,
    run: RunHandle | None = None,
) -> Refreshed:
    """Read all four lists and store them in one transaction.

    Raises:
        ConnectorError: the PSA could not be read; the connection has an issue that says why.
        ProtocolError: a list that had entries is suddenly empty; nothing was stored.
        PluginError: the connector failed in a way it should not.
    """
    async with failures_recorded(database, connection, clock, log):
        lists = await _read(psa, connection)
        now = clock()
        async with database.writer() as conn:
            gone: dict[ReferenceKind, int] = {}
            for kind, entries in lists.items():
                await _refuse_sudden_emptiness(conn, connection, kind, entries)
                gone[kind] = await store_references(conn, connection.id, kind, entries, now=now)
            book = IssueBook(conn, connection.name, now)
            await connection_worked(book, connection)
            await write_reference_issues(book, connection)
    book.speak(log)
    seen = {kind: len(entries) for kind, entries in lists.items()}
    if run is not None:
        for kind, count in seen.items():
            run.count(_WORDS[kind].replace(" ", "_"), count)
    return Refreshed(seen=seen, gone=gone)


async def _read(
    psa: Psa, connection: ConnectionRef
) -> dict[ReferenceKind, Sequence[ReferenceEntry]]:
    try:
        return {
            ReferenceKind.CLIENT: [
                ReferenceEntry(
                    key=client.key,
                    name=client.name,
                    main_site=client.main_site or "",
                    active=client.active,
                    foreign_ids=client.foreign_ids,
                )
                for client in await _all(psa.clients())
            ],
            ReferenceKind.SITE: [
                ReferenceEntry(key=site.key, name=site.name, parent=site.client, active=site.active)
                for site in await _all(psa.sites())
            ],
            ReferenceKind.ASSET_TYPE: [
                ReferenceEntry(key=asset_type.key, name=asset_type.name)
                for asset_type in await _all(psa.asset_types())
            ],
            ReferenceKind.SUPPLIER: [
                ReferenceEntry(key=supplier.key, name=supplier.name)
                for supplier in await _all(psa.suppliers())
            ],
        }
    except Exception as error:
        told = one_error(error, connection)
        if told is error:
            raise
        raise told from error


async def _all(batches: AsyncIterator[Sequence[_ItemT]]) -> list[_ItemT]:
    return [item async for batch in batches for item in batch]


async def _refuse_sudden_emptiness(
    conn: AsyncConnection,
    connection: ConnectionRef,
    kind: ReferenceKind,
    entries: Sequence[ReferenceEntry],
) -> None:
    """An empty list where there were entries is a failed read until somebody proves otherwise."""
    if entries or kind not in _NEVER_EMPTY:
        return
    before = len(await active_keys(conn, connection.id, kind))
    if before:
        message = (
            f"{connection.name} returned no {_WORDS[kind]} where it had {before:,}; "
            "nothing was stored"
        )
        raise ProtocolError(
            message,
            connection=connection.name,
            remedy=f"check what the credentials may see: `syncd check {connection.name}`",
        )
