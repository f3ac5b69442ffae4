"""Marks and payments for finished invoices of the simulated HaloPSA."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from syncd_halopsa.config import SCOPE

from syncd.sdk.invoice_records import PostedMark, PsaPayment
from tests.builders_halopsa import Bench

RIGHTS: dict[str, Any] = {
    "scope": f"{SCOPE} edit:invoices",
    "credit_types": [1],
    "settle_seconds": 1,
}
SAVE, PAY = "POST /api/Invoice", "POST /api/InvoicePayment"


def mark(invoice: int, **changed: Any) -> PostedMark:
    fields: dict[str, Any] = {
        "key": f"k{invoice}",
        "invoice": str(invoice),
        "number": f"INV-{invoice}",
        "remote": f"doc-{invoice}",
        "system": "xero",
        "posted_on": datetime(2026, 12, 1, tzinfo=UTC),
        **changed,
    }
    return PostedMark(**fields)


def payment(invoice: int, amount: str = "10.05", marker: str = "syncd-a") -> PsaPayment:
    return PsaPayment(
        key=f"p-{marker}",
        invoice=str(invoice),
        amount=Decimal(amount),
        dated=date(2026, 12, 1),
        reference=marker,
    )


def finished(bench: Bench, count: int = 1) -> list[int]:
    found = [bench.sim.hand.finish(1001) for _ in range(count)]
    bench.wire.calls.clear()
    return found


def row(bench: Bench, number: int) -> dict[str, Any]:
    found: dict[str, Any] = bench.sim.state.tables["invoice"][number]
    return found


def saves(bench: Bench, name: str = SAVE) -> int:
    return bench.wire.names.count(name)
