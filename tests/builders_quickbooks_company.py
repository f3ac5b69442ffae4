"""The simulated QuickBooks company asked directly, without a network and without a connector."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
from syncd_quickbooks.sandbox import CLIENT_ID, REALM, REFRESH_TOKEN, SECRET
from syncd_quickbooks.sandbox.app import Simulator
from syncd_quickbooks.sandbox.company import Company
from syncd_quickbooks.sandbox.hand import Hand
from syncd_quickbooks.sandbox.options import Options
from syncd_quickbooks.sandbox.service import encode

from syncd.sandbox.clock import WorldClock
from syncd.sandbox.world import SimulatedWorld
from tests.builders_ninjaone import client

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BASE = f"/v3/company/{REALM}"
TOKENS = "/oauth2/v1/tokens/bearer"
CENT = Decimal("0.01")


@dataclass
class Seconds:
    """A clock of seconds that only tests move."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def customers(count: int = 4, *, names: Mapping[int, str] | None = None) -> SimulatedWorld:
    """A world of clients without devices, whose clock can be moved."""
    given = names or {}
    here = [
        client(number, **({"name": given[number]} if number in given else {}))
        for number in range(1, count + 1)
    ]
    return SimulatedWorld(seed=1, clients=here, devices=[], clock=WorldClock(START))


@dataclass
class Asked:
    """An app that speaks to the simulator by itself."""

    simulator: Simulator
    http: httpx.AsyncClient
    world: SimulatedWorld
    clock: Seconds
    token: str = ""

    @property
    def company(self) -> Company:
        return self.simulator.company

    @property
    def hand(self) -> Hand:
        return self.simulator.hand

    async def sign_in(self, refresh: str = REFRESH_TOKEN, **headers: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        answer = await self.http.post(TOKENS, data=form, headers={**basic(), **headers})
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    async def get(self, path: str, **params: str) -> httpx.Response:
        return await self.http.get(BASE + path, params=params, headers=self._headers())

    async def post(self, path: str, body: object, **params: str) -> httpx.Response:
        headers = {**self._headers(), "content-type": "application/json"}
        return await self.http.post(
            BASE + path, content=encode(body), params=params, headers=headers
        )

    async def query(self, text: str) -> Any:
        answer = await self.get("/query", query=text)
        assert answer.status_code == 200, answer.text
        return plain(answer)["QueryResponse"]

    async def batch(self, *items: Mapping[str, Any], key: str = "") -> dict[str, Any]:
        """Answers of a batch by `bId`."""
        params = {"requestid": key} if key else {}
        answer = await self.post("/batch", {"BatchItemRequest": list(items)}, **params)
        assert answer.status_code == 200, answer.text
        return {one["bId"]: one for one in plain(answer)["BatchItemResponse"]}

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", "accept": "application/json"}


@asynccontextmanager
async def asked(world: SimulatedWorld | None = None, **options: Any) -> AsyncIterator[Asked]:
    """A simulator without a network, signed in; its seconds stand still."""
    here, clock = world or customers(), Seconds()
    given = {"monotonic": clock, "sleep": clock.sleep, "app_second": 0, "realm_minute": 0,
             "batch_minute": 0, "batch_realm_minute": 0, "app_minute": 0, **options}  # fmt: skip
    simulator = Simulator(here, Options(**given))
    transport = httpx.ASGITransport(simulator.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        app = Asked(simulator, http, here, clock)
        await app.sign_in()
        yield app


def basic(client_id: str = CLIENT_ID, secret: str = SECRET) -> dict[str, str]:
    encoded = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"authorization": f"Basic {encoded}"}


def plain(answer: httpx.Response) -> Any:
    """JSON with exact fractions."""
    return json.loads(answer.content, parse_float=Decimal)


def line(
    quantity: str | int = 1, price: str | int = 100, code: str = "2", **more: Any
) -> dict[str, Any]:
    """A line of a sale, with its amount to the cent."""
    amount = more.pop("amount", None)
    detail = {
        "ItemRef": {"value": more.pop("item", "21")},
        "Qty": Decimal(str(quantity)),
        "UnitPrice": Decimal(str(price)),
        **({"TaxCodeRef": {"value": code}} if code else {}),
        **more,
    }
    whole = (Decimal(str(quantity)) * Decimal(str(price))).quantize(CENT, "ROUND_HALF_UP")
    return {
        "DetailType": "SalesItemLineDetail",
        "Amount": whole if amount is None else Decimal(str(amount)),
        "Description": "Managed workstation",
        "SalesItemLineDetail": detail,
    }


def invoice(
    number: str | None = "2043", lines: Sequence[Mapping[str, Any]] | None = None, **more: Any
) -> dict[str, Any]:
    """A payload of a British company; a property that is None is left out."""
    row = {
        "DocNumber": number,
        "TxnDate": "2026-11-01",
        "CustomerRef": {"value": "101"},
        "CurrencyRef": {"value": "GBP"},
        "GlobalTaxCalculation": "TaxExcluded",
        "PrivateNote": "syncd-abcdefghijklmnop",
        "Line": list(lines if lines is not None else [line(3, "10.00")]),
        **more,
    }
    return {name: value for name, value in row.items() if value is not None}


def fault(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, in either casing."""
    body = plain(answer)
    errors = body["Fault"]["Error"] if "Fault" in body else body["fault"]["error"]
    return answer.status_code, errors[0]["code"]
