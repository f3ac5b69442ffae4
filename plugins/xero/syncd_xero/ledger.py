"""Xero as an accounting system of `syncd`: the port, over its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime

from syncd.sdk.connector import Context
from syncd.sdk.invoice_records import DocumentKind
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
from syncd.sdk.psa_records import BatchLimit
from syncd.sdk.usage_records import CheckResult
from syncd_xero.actions import Actions
from syncd_xero.arithmetic import totals
from syncd_xero.changes import Changes
from syncd_xero.client import XeroClient
from syncd_xero.config import XeroConfig
from syncd_xero.lookup import Lookup
from syncd_xero.organisation import book_of
from syncd_xero.payload import require_writable
from syncd_xero.posting import Posting
from syncd_xero.references import References


class XeroLedger:
    """One organisation of Xero."""

    def __init__(self, client: XeroClient, context: Context[XeroConfig]) -> None:
        config, name = context.config, context.connection
        self._client = client
        self._context = context
        self._lookup = Lookup(client, config, name)
        self._posting = Posting(client, config, name)
        self._actions = Actions(client, config, name)
        self.post_batch = BatchLimit(size=config.batch, settle_seconds=config.settle_seconds)

    async def check(self) -> CheckResult:
        """Try each right, once."""
        # Imported here: no other command pays for it.
        from syncd_xero.trial import run

        return await run(self._client, self._context)

    async def book(self) -> LedgerBook:
        """The organisation that is configured.

        Raises:
            AuthError: see `book_of`.
        """
        context = self._context
        return await book_of(self._client, context.config, context.connection)

    async def references(self) -> AsyncIterator[Sequence[LedgerReference]]:
        """All catalogues, archived entries included."""
        context = self._context
        catalogues = References(self._client, context.config, context.connection)
        async for rows in catalogues.read():
            yield rows

    def predict(
        self,
        document: LedgerDocument,
        book: LedgerBook,  # noqa: ARG002 - tax is per line in every organisation
        taxes: Mapping[str, LedgerReference],
    ) -> Totals:
        """What Xero will show.

        Raises:
            DataError: Xero cannot hold the document as it is.
        """
        require_writable(document, self._context.config)
        return totals(document, taxes)

    async def find_documents(self, wanted: Sequence[Wanted]) -> Mapping[str, Sequence[LedgerEntry]]:
        """Documents with such a number or such a marker."""
        return await self._lookup.find(wanted)

    async def post(self, documents: Sequence[LedgerDocument]) -> Sequence[PostOutcome]:
        """Create documents; see `Posting`."""
        return await self._posting.post(documents)

    async def act(self, actions: Sequence[LedgerAction]) -> Sequence[ActionOutcome]:
        """Approve, void, allocate, create; see `Actions`."""
        return await self._actions.act(actions)

    async def read_back(self, remotes: Mapping[str, DocumentKind]) -> Mapping[str, LedgerEntry]:
        """Documents by id; those that are gone are absent."""
        return await self._lookup.by_remote(remotes)

    async def changes(self, since: datetime) -> LedgerChanges:
        """What changed since a moment; see `Changes`."""
        context = self._context
        now = context.clock()
        return await Changes(self._client, context.config, context.connection, now).read(since)

    async def documents(self, *, first: date, last: date) -> AsyncIterator[Sequence[LedgerEntry]]:
        """Sales invoices and credit notes dated in a span."""
        for kind in DocumentKind:
            async for rows in self._lookup.dated(kind, first, last):
                yield rows
