"""The simulated Xero asked directly, and documents that its books take."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
from syncd_xero.sandbox import (
    API,
    CLIENT_ID,
    CUSTOM_CLIENT_ID,
    REFRESH_TOKEN,
    SANDBOX,
    SECRET,
    contact_id,
)
from syncd_xero.sandbox.app import Simulator

from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from tests.builders_partner import market

WANTED = "accounting.invoices accounting.payments accounting.contacts accounting.settings.read"
ONE, TWO, THREE = (contact_id(number) for number in (1, 2, 3))


class Seconds:
    """A stopwatch that stands until it is pushed."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bookkeeping:
    """The simulator, and an app that speaks to it."""

    http: httpx.AsyncClient
    simulator: Simulator
    watch: Seconds
    token: str = ""
    more: dict[str, str] = field(default_factory=dict)

    async def custom(self, scope: str = WANTED) -> httpx.Response:
        return await self._token({"grant_type": "client_credentials", "scope": scope}, custom=True)

    async def refresh(self, token: str = REFRESH_TOKEN) -> httpx.Response:
        return await self._token({"grant_type": "refresh_token", "refresh_token": token})

    async def _token(self, form: dict[str, str], *, custom: bool = False) -> httpx.Response:
        client = CUSTOM_CLIENT_ID if custom else CLIENT_ID
        proof = base64.b64encode(f"{client}:{SECRET}".encode()).decode()
        headers = {"authorization": f"Basic {proof}"}
        return await self.http.post("/connect/token", data=form, headers=headers)

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        if not self.token:
            self.token = (await self.custom()).json()["access_token"]
        headers = {"accept": "application/json", "authorization": f"Bearer {self.token}"}
        headers |= self.more | more.pop("headers", {})
        return await self.http.request(method, f"{API}/{path}", headers=headers, **more)

    async def put(
        self, *documents: Mapping[str, Any], key: str = "", name: str = "Invoices", **more: Any
    ) -> httpx.Response:
        query = "summarizeErrors=false&unitdp=4"
        headers = {"idempotency-key": key} if key else {}
        path = f"{name}?{more.pop('query', query)}"
        body = {name: list(documents)}
        return await self.ask(more.pop("method", "PUT"), path, json=body, headers=headers)

    async def get(self, path: str, **more: Any) -> Any:
        answer = await self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def books(world: SimulatedWorld | None = None, **options: Any) -> AsyncIterator[Bookkeeping]:
    watch = Seconds()
    app = SANDBOX.build(world or market(), {"monotonic": watch, **options})
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://xero") as http:
        yield Bookkeeping(http, app.state.simulator, watch)


def line(quantity: Any = 1, price: Any = 10, tax: str = "OUTPUT2", **more: Any) -> dict[str, Any]:
    row = {"Description": "Backup", "Quantity": quantity, "UnitAmount": price}
    return row | {"AccountCode": "200", "TaxType": tax, **more}


def invoice(number: str, *lines: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Type": "ACCREC",
        "InvoiceNumber": number,
        "Contact": {"ContactID": ONE},
        "Date": "2026-11-01",
        "DueDate": "2026-12-01",
        "LineAmountTypes": "Exclusive",
        "LineItems": list(lines) or [line()],
        **more,
    }


def credit(number: str, *lines: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    told = invoice(number, *lines, Type="ACCRECCREDIT", CreditNoteNumber=number, **more)
    del told["InvoiceNumber"], told["DueDate"]
    return told


def reasons(row: Mapping[str, Any]) -> list[str]:
    return [one["Message"] for one in row["ValidationErrors"]]


def ledger_line(
    quantity: str = "1", price: str = "10", tax: str = "OUTPUT2", **more: Any
) -> LedgerLine:
    net = (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    told: dict[str, Any] = {"description": "Backup", "account": "200", "net": net, **more}
    amounts = {"quantity": Decimal(quantity), "unit_price": Decimal(price)}
    return LedgerLine(tax_code=tax, **amounts, **told)


def ledger_document(
    number: str, *lines: LedgerLine, kind: DocumentKind = DocumentKind.INVOICE, **more: Any
) -> LedgerDocument:
    digest = base64.b32encode(hashlib.sha256(number.encode()).digest()).decode().lower()
    marker = f"syncd-{digest[:16]}"
    told: dict[str, Any] = {
        "key": f"key:{number}",
        "attempt": f"attempt-{number.lower()}",
        "marker": marker,
        "contact": ONE,
        "dated": date(2026, 11, 2),
        "due": date(2026, 12, 2),
        "currency": "GBP",
        "lines": lines or (ledger_line(),),
        **more,
    }
    return LedgerDocument(number=number, kind=kind, **told)


def documents(count: int = 3) -> Sequence[LedgerDocument]:
    """Invoices whose totals tell arithmetics apart."""
    fractions = ledger_line("137", "0.0625")
    thirds = [ledger_line("1", "3.33") for _ in range(3)]
    mixed = [ledger_line("2", "12.345", "RROUTPUT"), ledger_line("1", "7.5", "ZERORATEDOUTPUT")]
    kinds = [(fractions,), tuple(thirds), tuple(mixed)]
    return [ledger_document(f"SI-{n + 1:05d}", *kinds[n % 3]) for n in range(count)]
