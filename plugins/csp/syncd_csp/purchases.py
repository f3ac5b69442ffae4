"""What Microsoft charges the partner for a month, line by line as it is exported.

A month's lines are those of all its documents: invoices, and the notes that amend or void them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from syncd.sdk.connector import Context
from syncd.sdk.errors import RequestRejected
from syncd.sdk.period import Period
from syncd.sdk.ports import PurchaseSink
from syncd.sdk.records import CheckResult, PurchaseProof, ScopeState
from syncd_csp.blobs import Files
from syncd_csp.client import PartnerClient
from syncd_csp.config import CspConfig
from syncd_csp.export import Exports, Ready
from syncd_csp.invoices import UTC_DAYS, all_invoices, is_legacy, of_month
from syncd_csp.models import Invoice
from syncd_csp.products import Catalogue
from syncd_csp.values import enum

BILLED: Final = "billed"
UNBILLED: Final = "unbilled"


class CspPurchases:
    """The purchase source of one connection."""

    def __init__(
        self, client: PartnerClient, context: Context[CspConfig], catalogue: Catalogue
    ) -> None:
        self._client = client
        self._context = context
        self._config = context.config
        self._catalogue = catalogue

    async def check(self) -> CheckResult:
        """Try each right that the settings need, once."""
        from syncd_csp.trial import run

        return await run(self._client, self._context)

    async def purchases(self, sink: PurchaseSink, period: Period, *, billed: bool) -> PurchaseProof:
        """Read the lines of a month once.

        Raises:
            AuthError: a right is missing.
            TransientError: Microsoft cannot serve now.
            ProtocolError: the export is not what it announced.
        """
        month = _Month(self._client, self._context, self._catalogue, sink)
        if billed:
            await month.billed(period)
        else:
            await month.unbilled(period)
        return month.proof()


class _Month:
    """One read of one month."""

    def __init__(
        self,
        client: PartnerClient,
        context: Context[CspConfig],
        catalogue: Catalogue,
        sink: PurchaseSink,
    ) -> None:
        self._client = client
        self._context = context
        self._catalogue = catalogue
        self._sink = sink
        self._exports = Exports(client, context)
        self._lines = 0
        self._undated = 0
        self._state = ScopeState.COMPLETE
        self._documents: list[str] = []
        self._versions: list[str] = []
        self._reasons: list[str] = []
        self._notes: list[str] = []

    async def billed(self, period: Period) -> None:
        invoices = await all_invoices(self._client)
        documents = of_month(invoices, period, self._doubt)
        voided = {one.amends for one in documents if enum(one.document) == "void_note"}
        if not documents:
            self._notes.append(f"NO_INVOICE_YET: Microsoft lists no invoice for {period}")
        for invoice in documents:
            if is_legacy(invoice):
                self._left_out(invoice, "LEGACY_INVOICE", "is of the former commerce, whose lines"
                               " are not exported")  # fmt: skip
                continue
            ready = await self._exports.ready(BILLED, {"invoiceId": invoice.id})
            if ready is not None:
                self._documents.append(invoice.id)
                if await self._read(ready, invoice.id):
                    continue
            if invoice.id in voided or enum(invoice.document) not in ("", "none", "invoice"):
                self._notes.append(f"EXPORT_EMPTY: {invoice.id} has no lines")
            else:
                self._left_out(invoice, "EXPORT_EMPTY", "has no lines")

    async def unbilled(self, period: Period) -> None:
        now = Period.containing(self._context.clock(), UTC_DAYS)
        names = {now: "current", now.previous(): "last"}
        name = names.get(period)
        if name is None:
            self._state = ScopeState.UNKNOWN
            self._reasons.append(
                f"PERIOD_NOT_OFFERED: Microsoft tells what is not invoiced of {now} and"
                f" {now.previous()} only"
            )
            return
        body = {"currencyCode": await self._currency(), "billingPeriod": name}
        ready = await self._exports.ready(UNBILLED, body)
        if ready is None:
            self._notes.append(f"EXPORT_EMPTY: nothing of {period} waits for an invoice")
            return
        await self._read(ready, "")

    def proof(self) -> PurchaseProof:
        if self._undated:
            self._doubt(f"UNREADABLE_VALUE: a date, in {self._undated} lines")
        return PurchaseProof(
            state=self._state,
            lines=self._lines,
            documents=tuple(self._documents),
            version=_one(self._versions),
            reasons=tuple(self._reasons),
            notes=tuple(self._notes),
        )

    async def _read(self, ready: Ready, document: str) -> int:
        """Hand the lines of an export on, and say how many there were."""
        files = Files(
            self._exports,
            ready,
            self._context,
            self._sink,
            document=document,
            product_of=lambda subscription: self._catalogue.bought.get(subscription, ""),
        )
        await files.read()
        self._lines += files.lines
        self._undated += files.undated
        self._versions.append(f"{document}={ready.manifest.version}")
        return files.lines

    async def _currency(self) -> str:
        if self._context.config.currency:
            return self._context.config.currency
        invoices = await all_invoices(self._client)
        told = [one for one in invoices.values() if one.currency]
        if not told:
            raise RequestRejected(
                f"{self._context.connection}: there is no invoice yet that tells the currency",
                remedy='write currency into the connection, e.g. "EUR"',
                connection=self._context.connection,
            )
        newest = max(told, key=lambda one: (one.dated or "", one.id))
        return (newest.currency or "").upper()

    def _left_out(self, invoice: Invoice, code: str, why: str) -> None:
        """A document without lines: it proves nothing, unless it charges nothing either."""
        if invoice.total == 0:
            self._notes.append(f"{code}: {invoice.id} {why} and charges nothing")
            return
        self._state = ScopeState.PARTIAL
        self._reasons.append(f"{code}: {invoice.id} {why}")

    def _doubt(self, what: str) -> None:
        self._notes.append(what)


def _one(versions: Sequence[str]) -> str:
    """One version of several documents; each with its own, in their order."""
    if not any(version.partition("=")[2] for version in versions):
        return ""
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()[:32]
