"""A connection to QuickBooks for tests: to the simulated company, or to answers written by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import respx
from syncd_quickbooks import CONNECTOR
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.ledger import QuickBooksLedger
from syncd_quickbooks.sandbox import CLIENT_ID, REALM, REFRESH_TOKEN, SECRET
from syncd_quickbooks.sandbox.app import Simulator
from syncd_quickbooks.sandbox.options import Options

from syncd.sandbox.world import SimulatedWorld
from syncd.sdk.connector import Context
from syncd.sdk.invoice_records import DocumentKind
from syncd.sdk.ledger_records import LedgerReference, ReferenceKind
from syncd.sdk.ledger_writes import LedgerDocument, LedgerLine
from syncd.sdk.testing.fakes import FakeClock, FakeStopwatch, RecordingLog
from tests.builders_quickbooks_company import customers
from tests.builders_tokens import MemoryVault

BASE = "http://127.0.0.1:9"
COMPANY = f"{BASE}/v3/company/{REALM}"
TOKENS = f"{BASE}/oauth2/v1/tokens/bearer"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DAY = date(2026, 11, 1)
VERIFIER = "verifier-demo"
MARKER = "syncd-abcdefghijklmnop"

Before = Callable[[httpx.Request], httpx.Response | None]
After = Callable[[httpx.Request, httpx.Response], httpx.Response | Exception]


def config(**more: Any) -> QuickBooksConfig:
    known = {"realm": REALM, "client_id": CLIENT_ID, "client_secret": SECRET}
    known |= {"base_url": BASE, "login_url": f"{BASE}/connect/oauth2", "token_url": TOKENS}
    return QuickBooksConfig.model_validate({**known, "settle_seconds": 0, **more})


def context(
    vault: MemoryVault | None = None, clock: FakeClock | None = None, **settings: Any
) -> Context[QuickBooksConfig]:
    return Context(
        connection="books",
        config=config(**settings),
        limits=CONNECTOR.limits,
        clock=clock or FakeClock(NOW),
        log=RecordingLog(),
        vault=vault or MemoryVault(REFRESH_TOKEN),
    )


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def line(
    quantity: str = "1", price: str = "100", tax: str = "2", item: str = "21", **more: Any
) -> LedgerLine:
    q, p = Decimal(quantity), Decimal(price)
    off = Decimal(more.get("discount_percent", 0))
    return LedgerLine(
        description=more.pop("description", "Managed workstation"),
        quantity=q,
        unit_price=p,
        net=more.pop("net", cents(q * p * (100 - off) / 100)),
        tax_code=tax,
        item=item,
        **more,
    )


def document(
    number: str = "2043", lines: Sequence[LedgerLine] | None = None, **more: Any
) -> LedgerDocument:
    known: dict[str, Any] = {
        "key": f"key-{number}",
        "attempt": hashlib.sha256(number.encode()).hexdigest()[:32],
        "kind": DocumentKind.INVOICE,
        "number": number,
        "marker": MARKER,
        "contact": "101",
        "dated": DAY,
        "due": date(2026, 12, 1),
        "currency": "GBP",
        "lines": tuple(lines if lines is not None else [line("3", "10.00")]),
    }
    return LedgerDocument(**{**known, **more})


def rate(key: str, *percents: str, ids: str = "") -> LedgerReference:
    return LedgerReference(
        kind=ReferenceKind.TAX,
        key=key,
        name=key,
        rates=tuple(Decimal(one) for one in percents),
        detail={"rates": ids} if ids else {},
    )


@dataclass
class Opened:
    """An open connection, its company, and what was sent.

    Attributes:
        before: answers a request in place of the company.
        after: changes or loses the company's answer.
        sent: method, path and query of every call to the company.
    """

    ledger: QuickBooksLedger
    simulator: Simulator
    world: SimulatedWorld
    stopwatch: FakeStopwatch
    vault: MemoryVault
    clock: FakeClock
    before: list[Before] = field(default_factory=list)
    after: list[After] = field(default_factory=list)
    sent: list[httpx.Request] = field(default_factory=list)

    def bodies(self, end: str) -> list[Any]:
        """Bodies of what was sent to paths of this end."""
        return [
            json.loads(one.content, parse_float=Decimal)
            for one in self.sent
            if one.url.path.endswith(end)
        ]

    def rows(self, kind: str) -> list[Any]:
        return list(self.simulator.company.tables[kind].values())

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if "/company/" in request.url.path:
            self.sent.append(request)
        for step in self.before:
            given = step(request)
            if given is not None:
                return given
        transport = httpx.ASGITransport(self.simulator.application())
        given = await transport.handle_async_request(request)
        body = await given.aread()
        given = httpx.Response(given.status_code, headers=given.headers, content=body)
        for change in self.after:
            changed = change(request, given)
            if isinstance(changed, Exception):
                raise changed
            given = changed
        return given


@asynccontextmanager
async def opened(
    options: dict[str, Any] | None = None, world: SimulatedWorld | None = None, **settings: Any
) -> AsyncIterator[Opened]:
    """A connection named `books` to the simulated company; no waiting takes time."""
    stopwatch, here = FakeStopwatch(), world or customers()
    given = {"monotonic": stopwatch.monotonic, "sleep": stopwatch.sleep, **(options or {})}
    vault, clock = MemoryVault(REFRESH_TOKEN), FakeClock(NOW)
    with stopwatch.running(), respx.mock(assert_all_called=False) as web:
        simulator = Simulator(here, Options(**given))
        async with CONNECTOR.open(context(vault, clock, **settings)) as ports:
            assert isinstance(ports.ledger, QuickBooksLedger)
            seen = Opened(ports.ledger, simulator, here, stopwatch, vault, clock)
            web.route(host="127.0.0.1").mock(side_effect=seen.answer)
            yield seen


def once(*, path: str, response: httpx.Response) -> Before:
    """Answers the first call to a path of this end by hand."""
    left = [response]

    def step(request: httpx.Request) -> httpx.Response | None:
        return left.pop() if left and request.url.path.endswith(path) else None

    return step


def lost(*, path: str) -> After:
    """Cuts the connection after the company did what the first call to a path asked."""
    left = [True]

    def change(request: httpx.Request, response: httpx.Response) -> httpx.Response | Exception:
        if left and request.url.path.endswith(path):
            left.pop()
            return httpx.ReadError("cut", request=request)
        return response

    return change


async def all_of(pages: AsyncIterator[Iterable[Any]]) -> list[Any]:
    return [one async for page in pages for one in page]
