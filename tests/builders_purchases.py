"""A vendor that charges: scripted lines in batches, with a proof that may be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.sdk.connector import EventLog
from syncd.sdk.period import Period
from syncd.sdk.ports import PurchaseSink
from syncd.sdk.records import CheckResult, PurchaseLine, PurchaseProof, ScopeState

OCTOBER = Period(2026, 10)


def line(
    account: str = "t1",
    sku: str = "OFFER:0001",
    subscription: str = "s1",
    *,
    quantity: str = "10",
    cost: str = "100.00",
    currency: str = "GBP",
    charge: str = "cyclefee",
    product: str = "",
    name: str = "Business Suite",
) -> PurchaseLine:
    return PurchaseLine(
        account=account,
        account_name=f"Tenant {account}" if account else "",
        product=product,
        sku=sku,
        name=name,
        subscription=subscription,
        charge=charge,
        quantity=Decimal(quantity),
        cost=Decimal(cost),
        currency=currency,
    )


@dataclass
class Vendor:
    """What `purchases` reads; `batch` lines at a time."""

    lines: Iterable[PurchaseLine] = ()
    batch: int = 3
    proof: PurchaseProof | None = None
    error: BaseException | None = None
    documents: tuple[str, ...] = ("G1",)
    notes: tuple[str, ...] = ()
    asked: list[tuple[str, bool]] = field(default_factory=list)

    async def check(self) -> CheckResult:
        return CheckResult(ok=True, summary="scripted")

    async def purchases(self, sink: PurchaseSink, period: Period, *, billed: bool) -> PurchaseProof:
        self.asked.append((str(period), billed))
        added, batch = 0, list[PurchaseLine]()
        for one in self.lines:
            batch.append(one)
            if len(batch) == self.batch:
                await sink.add(batch)
                added, batch = added + len(batch), []
        await sink.add(batch)
        added += len(batch)
        if self.error is not None:
            raise self.error
        if self.proof is not None:
            return self.proof
        return PurchaseProof(
            ScopeState.COMPLETE, added, documents=self.documents, version="1", notes=self.notes
        )

    @asynccontextmanager
    async def opened(self, _log: EventLog) -> AsyncIterator[Vendor]:
        yield self


def proof(state: ScopeState, lines: int, *reasons: str) -> PurchaseProof:
    return PurchaseProof(state, lines, reasons=tuple(reasons))


def added_up(lines: Sequence[PurchaseLine]) -> dict[tuple[str, ...], tuple[Decimal, Decimal, int]]:
    """The same sums, the slow way."""
    found: dict[tuple[str, ...], tuple[Decimal, Decimal, int]] = {}
    for one in lines:
        key = (one.account, one.sku, one.subscription, one.charge, one.currency)
        quantity, cost, number = found.get(key, (Decimal(0), Decimal(0), 0))
        found[key] = (quantity + one.quantity, cost + one.cost, number + 1)
    return found
