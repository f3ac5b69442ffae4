"""The invoices of a HaloPSA connection as the project's `InvoiceKeeper`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from syncd.sdk.connector import Context
from syncd.sdk.invoice_records import PostedMark, PsaInvoice, PsaPayment
from syncd.sdk.psa_records import Outcome
from syncd.sdk.usage_records import CheckResult
from syncd_halopsa.bookkeeping import modules_on
from syncd_halopsa.client import HaloApi
from syncd_halopsa.config import HaloPsaConfig
from syncd_halopsa.invoice_trial import InvoiceTrial
from syncd_halopsa.invoice_writer import InvoiceWriter
from syncd_halopsa.invoices import InvoiceReader
from syncd_halopsa.payments import PaymentBook


class InvoiceKeeping:
    """The part of one opened connection that is about finished invoices."""

    def __init__(self, api: HaloApi, context: Context[HaloPsaConfig]) -> None:
        self._api = api
        self._context = context
        self._invoices = InvoiceReader(api, context.config, context.clock, context.zone)
        self._marks = InvoiceWriter(api, context.config, self._invoices)
        self._payments = PaymentBook(api, context.config)

    @property
    def writes_tax(self) -> bool:
        return self._context.config.write_tax

    async def check_invoices(self) -> CheckResult:
        return await InvoiceTrial(self._api, self._context).result()

    async def bookkeeping(self) -> tuple[str, ...] | None:
        return await modules_on(self._api)

    async def invoices(self, *, since: datetime | None) -> AsyncIterator[Sequence[PsaInvoice]]:
        async for batch in self._invoices.changed(since):
            yield batch

    async def read_invoices(self, keys: Collection[str]) -> Mapping[str, PsaInvoice]:
        return await self._invoices.read(keys)

    async def mark_posted(self, marks: Sequence[PostedMark]) -> Sequence[Outcome]:
        return await self._marks.mark(marks)

    async def find_payments(self, invoices: Collection[str]) -> Mapping[str, Sequence[PsaPayment]]:
        return await self._payments.find(invoices)

    async def record_payments(self, payments: Sequence[PsaPayment]) -> Sequence[Outcome]:
        return await self._payments.record(payments)
