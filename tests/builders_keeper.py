"""A PSA that takes marks and payments, and loses answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from syncd.sdk.errors import OutcomeUnknown
from syncd.sdk.invoice_records import (
    Ownership,
    PostedMark,
    PsaInvoice,
    PsaPayment,
)
from syncd.sdk.psa_records import (
    Delivered,
    Outcome,
    Receipt,
)
from syncd.sdk.usage_records import CheckResult
from tests.builders_fate import Fate


@dataclass(slots=True)
class FakeKeeper:
    """A PSA that takes marks and payments, and loses answers."""

    fate: Fate
    invoices_by_key: dict[str, PsaInvoice] = field(default_factory=dict)
    marks: dict[str, PostedMark] = field(default_factory=dict)
    payments: list[PsaPayment] = field(default_factory=list)

    async def check_invoices(self) -> CheckResult:
        raise NotImplementedError

    async def bookkeeping(self) -> tuple[str, ...] | None:
        return ()

    async def invoices(self, *, since: datetime | None) -> AsyncIterator[Sequence[PsaInvoice]]:
        yield list(self.invoices_by_key.values())

    async def read_invoices(self, keys: Collection[str]) -> Mapping[str, PsaInvoice]:
        return {key: self.invoices_by_key[key] for key in keys if key in self.invoices_by_key}

    async def mark_posted(self, marks: Sequence[PostedMark]) -> Sequence[Outcome]:
        self.fate.may_die()
        if self.fate.strikes(0.3):
            raise OutcomeUnknown("nothing arrived")
        for mark in marks:
            self.marks[mark.invoice] = mark
            self.invoices_by_key[mark.invoice] = msgspec.structs.replace(
                self.invoices_by_key[mark.invoice],
                owner=Ownership.OURS,
                foreign={"ledger": mark.remote},
            )
        self.fate.may_die()
        if self.fate.strikes(0.4):
            raise OutcomeUnknown("the answer was lost")
        return [Delivered(mark.key, Receipt(mark.key, mark.invoice)) for mark in marks]

    async def find_payments(self, invoices: Collection[str]) -> Mapping[str, Sequence[PsaPayment]]:
        return {key: [p for p in self.payments if p.invoice == key] for key in invoices}

    async def record_payments(self, payments: Sequence[PsaPayment]) -> Sequence[Outcome]:
        self.fate.may_die()
        done: list[Outcome] = []
        for one in payments:
            remote = f"pay-{len(self.payments) + 1}"
            self.payments.append(msgspec.structs.replace(one, remote=remote, key=""))
            done.append(Delivered(one.key, Receipt(one.key, remote)))
        self.fate.may_die()
        if self.fate.strikes(0.6):
            raise OutcomeUnknown("the answer was lost")
        return done
