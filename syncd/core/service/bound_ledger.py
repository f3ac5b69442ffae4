"""A book that is one organisation for as long as anything rests on it.

A connection is one organisation for life: another one behind the same name, by an edit of the
configuration or by a wrong sign-in, is refused before anything is read, sent or stored, because
the ids of one organisation name strangers in another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, ClassVar

from syncd.core.store.book_binding import bound_organisations
from syncd.sdk.errors import AuthError

if TYPE_CHECKING:
    from syncd.core.store.connections import ConnectionRef
    from syncd.core.store.database import Database
    from syncd.sdk.invoice_records import DocumentKind
    from syncd.sdk.ledger_port import Ledger
    from syncd.sdk.ledger_records import (
        LedgerBook,
        LedgerChanges,
        LedgerEntry,
        LedgerReference,
        Totals,
    )
    from syncd.sdk.ledger_writes import (
        ActionOutcome,
        LedgerAction,
        LedgerDocument,
        PostOutcome,
        Wanted,
    )
    from syncd.sdk.usage_records import CheckResult


class OtherOrganisation(AuthError):
    """The connection opens another organisation than the one its decisions are about."""

    code: ClassVar[str] = "OTHER_ORGANISATION"


class BoundLedger:
    """A `Ledger` that asks once which organisation it is, and is no other than before.

    Every call raises `OtherOrganisation` where the organisation is not the one that mappings,
    documents or a go-live of the connection rest on; nothing but the organisation was read then.
    """

    def __init__(self, ledger: Ledger, database: Database, connection: ConnectionRef) -> None:
        self._ledger = ledger
        self._database = database
        self._connection = connection
        self._asking = asyncio.Lock()
        self._book: LedgerBook | None = None
        self.post_batch = ledger.post_batch

    async def check(self) -> CheckResult:
        """As the connector's; credentials are tried whatever organisation they open."""
        return await self._ledger.check()

    async def book(self) -> LedgerBook:
        """The organisation, as it was when it was first asked for since the book was opened."""
        async with self._asking:
            if self._book is None:
                book = await self._ledger.book()
                await require_bound(self._database, self._connection, book)
                self._book = book
            return self._book

    async def references(self) -> AsyncIterator[Sequence[LedgerReference]]:
        """As the connector's."""
        await self.book()
        async for batch in self._ledger.references():
            yield batch

    def predict(
        self, document: LedgerDocument, book: LedgerBook, taxes: Mapping[str, LedgerReference]
    ) -> Totals:
        """As the connector's; it calls nobody."""
        return self._ledger.predict(document, book, taxes)

    async def find_documents(self, wanted: Sequence[Wanted]) -> Mapping[str, Sequence[LedgerEntry]]:
        """As the connector's."""
        await self.book()
        return await self._ledger.find_documents(wanted)

    async def post(self, documents: Sequence[LedgerDocument]) -> Sequence[PostOutcome]:
        """As the connector's."""
        await self.book()
        return await self._ledger.post(documents)

    async def act(self, actions: Sequence[LedgerAction]) -> Sequence[ActionOutcome]:
        """As the connector's."""
        await self.book()
        return await self._ledger.act(actions)

    async def read_back(self, remotes: Mapping[str, DocumentKind]) -> Mapping[str, LedgerEntry]:
        """As the connector's."""
        await self.book()
        return await self._ledger.read_back(remotes)

    async def changes(self, since: datetime) -> LedgerChanges:
        """As the connector's."""
        await self.book()
        return await self._ledger.changes(since)

    async def documents(self, *, first: date, last: date) -> AsyncIterator[Sequence[LedgerEntry]]:
        """As the connector's."""
        await self.book()
        async for batch in self._ledger.documents(first=first, last=last):
            yield batch


async def require_bound(database: Database, connection: ConnectionRef, book: LedgerBook) -> None:
    """Refuse an organisation that is not the one that something of the connection rests on.

    Raises:
        OtherOrganisation: it is another one.
    """
    async with database.reader() as conn:
        bound = await bound_organisations(conn, connection.id)
    others = {key: name for key, name in bound.items() if key != book.key}
    if not others:
        return
    told = " and ".join(f"{name} ({key})" if name else key for key, name in others.items())
    message = (
        f"{connection.name} is {told}, and {book.name} ({book.key}) is open; nothing was read or "
        "written"
    )
    raise OtherOrganisation(
        message,
        connection=connection.name,
        remedy=f"put the former organisation back, in the configuration or with `syncd login "
        f"{connection.name}`, and give the other one a connection of its own",
    )
