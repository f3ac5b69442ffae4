"""The books of one company behind the port that the host knows.

What the company is, is read once for each opened connection: its preferences decide how every
document is written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime

from syncd.sdk.connector import Context
from syncd.sdk.errors import ProtocolError, TransientError
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import (
    LedgerBook,
    LedgerChanges,
    LedgerEntry,
    LedgerReference,
    TaxMode,
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
from syncd_quickbooks.actions import Actor
from syncd_quickbooks.arithmetic import predict_american, predict_global
from syncd_quickbooks.book import Home, Regime, read_home
from syncd_quickbooks.changes import ChangeFeed
from syncd_quickbooks.client import CompanyClient
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.entries import Reader
from syncd_quickbooks.payload import check_document, check_sign, line_of
from syncd_quickbooks.posting import Poster, not_sent
from syncd_quickbooks.references import read_references
from syncd_quickbooks.searching import Search
from syncd_quickbooks.trial import try_out


class QuickBooksLedger:
    """One company; see `syncd.sdk.ledger_port.Ledger`."""

    def __init__(self, client: CompanyClient, context: Context[QuickBooksConfig]) -> None:
        config = context.config
        self.post_batch = BatchLimit(size=config.batch, settle_seconds=config.settle_seconds)
        self._client = client
        self._context = context
        self._config = config
        self._home: Home | None = None

    async def check(self) -> CheckResult:
        """Try the consent, each needed right and the company's preferences, read-only."""
        return await try_out(self._client, self._context)

    async def book(self) -> LedgerBook:
        """The company as it is now.

        Raises:
            AuthError: the consent does not open the configured company.
            ConfigError: the setting `tax` does not fit the company.
        """
        self._home = await read_home(self._client, self._config)
        return self._home.book

    async def references(self) -> AsyncIterator[Sequence[LedgerReference]]:
        """All catalogues, with inactive entries and names that are taken."""
        home = await self._known()
        async for rows in read_references(self._client, home, classes=self._config.classes):
            yield rows

    def predict(
        self, document: LedgerDocument, book: LedgerBook, taxes: Mapping[str, LedgerReference]
    ) -> Totals:
        """What the company will make of a document.

        Raises:
            DataError: it cannot be written as it is.
        """
        american = book.tax_mode is TaxMode.DELEGATED
        totals = predict_american(document) if american else predict_global(document, taxes)
        check_document(document)
        check_sign(totals.total)
        regime = Regime.DELEGATED if american else Regime.GLOBAL
        for line in document.lines:
            line_of(line, regime, self._config)
        return totals

    async def find_documents(self, wanted: Sequence[Wanted]) -> Mapping[str, Sequence[LedgerEntry]]:
        """Documents with such a number or such a marker, of any status."""
        return await (await self._search()).wanted(wanted)

    async def post(self, documents: Sequence[LedgerDocument]) -> Sequence[PostOutcome]:
        """Create documents; one outcome per key."""
        try:
            home = await self._known()
        except (TransientError, ProtocolError) as error:
            return [not_sent(one.key, error) for one in documents]
        search = await self._search()
        poster = Poster(self._client, search, self._reader(home), home)
        return await poster.post(documents, self._config)

    async def act(self, actions: Sequence[LedgerAction]) -> Sequence[ActionOutcome]:
        """Do other writes; one outcome per key."""
        try:
            home = await self._known()
        except (TransientError, ProtocolError) as error:
            return [not_sent(one.key, error) for one in actions]
        search = await self._search()
        actor = Actor(self._client, search, self._reader(home), home, self._config)
        return await actor.act(actions)

    async def read_back(self, remotes: Mapping[str, DocumentKind]) -> Mapping[str, LedgerEntry]:
        """Documents by id; those that are gone are absent."""
        return await (await self._search()).by_id(remotes)

    async def changes(self, since: datetime) -> LedgerChanges:
        """What changed at or after a moment."""
        home = await self._known()
        feed = ChangeFeed(self._client, self._reader(home), self._context.clock)
        return await feed.since(since)

    async def documents(self, *, first: date, last: date) -> AsyncIterator[Sequence[LedgerEntry]]:
        """Invoices and credit memos dated in a span, of anybody."""
        search = await self._search()
        async for entries in search.between(first, last):
            yield entries

    async def _known(self) -> Home:
        if self._home is None:
            self._home = await read_home(self._client, self._config)
        return self._home

    async def _search(self) -> Search:
        return Search(self._client, self._reader(await self._known()))

    def _reader(self, home: Home) -> Reader:
        return Reader(home.book.currency, self._config.app_url)
