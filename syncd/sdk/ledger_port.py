"""The ports between invoices and books: the PSA's invoices, and the accounting system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from syncd.sdk.invoice_records import DocumentKind, PostedMark, PsaInvoice, PsaPayment
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
from syncd.sdk.psa_records import BatchLimit, Outcome
from syncd.sdk.usage_records import CheckResult


@runtime_checkable
class InvoiceKeeper(Protocol):
    """What a `Psa` offers beside its own methods if its invoices can be carried into books."""

    async def check_invoices(self) -> CheckResult:
        """Try what reading and marking invoices needs, read-only; names each missing right.

        Never raises for refused credentials or missing rights: those are the result.
        """
        ...

    async def bookkeeping(self) -> tuple[str, ...] | None:
        """Titles of the PSA's own bookkeeping modules that are switched on; None if unknown."""
        ...

    def invoices(self, *, since: datetime | None) -> AsyncIterator[Sequence[PsaInvoice]]:
        """Invoices and credit notes changed at or after a moment (None: all), whole, proven.

        Drafts, voided ones and those of other owners are included and say so; recurring ones are
        not. An invoice may come twice.

        Raises:
            ProtocolError: totals and rows read differ; nothing after the watermark is believed.
        """
        ...

    async def read_invoices(self, keys: Collection[str]) -> Mapping[str, PsaInvoice]:
        """Invoices by the PSA's id, as they are now; ids that are gone are absent."""
        ...

    async def mark_posted(self, marks: Sequence[PostedMark]) -> Sequence[Outcome]:
        """Write number, id and posted state back; one outcome per key.

        Writing the same mark again changes nothing, so that an unknown outcome is settled by
        reading the invoice. A document that was reissued may have the number of the one before:
        its own id must be shown afterwards. Never raises for one bad item.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        ...

    async def find_payments(self, invoices: Collection[str]) -> Mapping[str, Sequence[PsaPayment]]:
        """Payments of these invoices; one without payments maps to an empty sequence."""
        ...

    async def record_payments(self, payments: Sequence[PsaPayment]) -> Sequence[Outcome]:
        """Record payments; one outcome per key. Never retries a write whose answer was not seen.

        An amount may be negative where a payment is taken back. One beside more payments of others
        with its amount and day than its `alike` counts may be one of them, and is refused.
        """
        ...


@runtime_checkable
class TaxKeeper(Protocol):
    """What an `InvoiceKeeper` offers beside if it can write tax that books computed themselves."""

    @property
    def writes_tax(self) -> bool:
        """Its settings let it."""
        ...


class Ledger(Protocol):
    """An accounting system, one organisation of it."""

    post_batch: BatchLimit

    async def check(self) -> CheckResult:
        """Try the credentials and each needed right, read-only and cheap.

        Never raises for refused credentials or missing rights: those are the result.
        """
        ...

    async def book(self) -> LedgerBook:
        """The organisation this connection writes to.

        Raises:
            AuthError: the consent does not open the configured organisation, or several are open
                and none is configured. There is never a default one.
        """
        ...

    def references(self) -> AsyncIterator[Sequence[LedgerReference]]:
        """All catalogues, inactive entries and holders of names included, proven whole."""
        ...

    def predict(
        self, document: LedgerDocument, book: LedgerBook, taxes: Mapping[str, LedgerReference]
    ) -> Totals:
        """What the books will make of a document; pure, exact, no call to anybody.

        With delegated tax, the tax of the answer is that of the document, or 0.

        Raises:
            DataError: a tax code is not among `taxes`, or the document cannot be written as it is,
                e.g. a price with more decimals than the books keep.
        """
        ...

    async def find_documents(self, wanted: Sequence[Wanted]) -> Mapping[str, Sequence[LedgerEntry]]:
        """Documents with such a number or such a marker, whole, by our key, any status.

        An empty answer must be proof of absence once `post_batch.settle_seconds` have passed.
        """
        ...

    async def post(self, documents: Sequence[LedgerDocument]) -> Sequence[PostOutcome]:
        """Create at most `post_batch.size` documents; one outcome per key, in any order.

        Creates only, never updates by number. Never raises for one bad item; never retries a write
        whose answer was not seen. What is refused for being known by its number is
        `NUMBER_TAKEN`, whether by us or by others.

        Raises:
            AuthError: credentials or a right are refused, and nothing of the batch was written.
        """
        ...

    async def act(self, actions: Sequence[LedgerAction]) -> Sequence[ActionOutcome]:
        """Do other writes; one outcome per key. Never retries one whose answer was not seen.

        Raises:
            AuthError: credentials or a right are refused, and nothing was written.
        """
        ...

    async def read_back(self, remotes: Mapping[str, DocumentKind]) -> Mapping[str, LedgerEntry]:
        """Documents by the system's id, whole; ids that are gone are absent."""
        ...

    async def changes(self, since: datetime) -> LedgerChanges:
        """What changed in the books at or after a moment; repeats are welcome, gaps are not."""
        ...

    def documents(self, *, first: date, last: date) -> AsyncIterator[Sequence[LedgerEntry]]:
        """Sales invoices and credit notes dated in a span, of anybody, as summaries or whole."""
        ...
