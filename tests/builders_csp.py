"""Partner Center in answers written by hand, and a connection to it, for tests of one quirk."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import respx
from httpx import Response
from syncd_csp import CONNECTOR
from syncd_csp.config import CspConfig
from syncd_csp.models import Subscription

from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.ports import PurchaseSource, UsageSource
from syncd.sdk.records import Observation, PurchaseLine, ScopeVerdict
from syncd.sdk.testing.fakes import FakeClock, FakeStopwatch, RecordingLog, RecordingSink
from syncd.sdk.tokens import TokenVault

# Addresses of this machine, to which no client loads certificates; nothing is sent anywhere.
LOGIN = "http://127.0.0.1:9"
PARTNER = f"{LOGIN}/partner"
GRAPH = f"{LOGIN}/graph"
STORE = "https://exports.blob.core.windows.net"
TENANT = "11111111-2222-4333-8444-555555555555"
SECRET = "canary-client-secret/+="
KEY = "sv=2023&sig=canary-signature%3D"
ONE, TWO, THREE = (f"{n:08d}-0000-4000-8000-00000000cccc" for n in (1, 2, 3))
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BOM = b"\xef\xbb\xbf"


def config(**more: Any) -> CspConfig:
    known = {"partner_tenant": TENANT, "client_id": "our-app", "client_secret": SECRET}
    known |= {"login_url": LOGIN, "base_url": PARTNER, "graph_url": GRAPH}
    return CspConfig.model_validate({**known, **more})


def row(**more: Any) -> dict[str, Any]:
    """A subscription as Partner Center writes it."""
    return {
        "id": "AAAAAAAA-0000-4000-8000-000000000001",
        "offerId": "CFQ7TTC0LCHC:0002:CFQ7TTC0XXXX",
        "offerName": "Microsoft 365 Business Premium",
        "friendlyName": "M365 BP",
        "quantity": 25,
        "unitType": "Licenses",
        "creationDate": "2026-01-10T09:00:01.1234567Z",
        "effectiveStartDate": "2026-01-10T00:00:00Z",
        "commitmentEndDate": "2027-01-09T00:00:00Z",
        "status": "active",
        "autoRenewEnabled": True,
        "isTrial": False,
        "billingType": "license",
        "billingCycle": "monthly",
        "termDuration": "P1Y",
        **more,
    }


def subscription(**more: Any) -> Subscription:
    """The same, decoded; a key that is None is left out."""
    told = {key: value for key, value in row(**more).items() if value is not None}
    return msgspec.json.decode(json.dumps(told), type=Subscription)


def listing(rows: Sequence[object], *, total: int | None = -1, **more: Any) -> dict[str, Any]:
    """A page; its total is that of the page unless another or none is given."""
    page: dict[str, Any] = {"items": list(rows), **more}
    if total is not None:
        page["totalCount"] = len(rows) if total < 0 else total
    return page


def next_page(token: str, uri: str = "/customers?size=2?seekOperation=Next") -> dict[str, Any]:
    headers = [{"key": "MS-ContinuationToken", "value": token}]
    return {"links": {"next": {"uri": uri, "method": "GET", "headers": headers}}}


def customer(key: str, **more: Any) -> dict[str, Any]:
    return {
        "id": key,
        "companyProfile": {"tenantId": key, "companyName": f"Customer {key[-36:][7]}"},
        "relationshipToPartner": "reseller",
        **more,
    }


def packed(*lines: Mapping[str, Any]) -> bytes:
    """A file of an export."""
    return gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode())


def bill_line(**more: Any) -> dict[str, Any]:
    """A line as the documented file names its columns."""
    return {
        "PartnerId": TENANT,
        "CustomerId": ONE,
        "CustomerName": "Customer 1",
        "InvoiceNumber": "G1",
        "ProductId": "CFQ7TTC0LCHC",
        "SkuId": "0002",
        "ProductName": "Microsoft 365 Business Premium",
        "SkuName": "Microsoft 365 Business Premium",
        "ChargeType": "cycleFee",
        "Quantity": 25,
        "BillableQuantity": 25,
        "Subtotal": 412.5,
        "Currency": "EUR",
        "SubscriptionId": "AAAAAAAA-0000-4000-8000-000000000001",
        "ChargeStartDate": "2026-10-01T00:00:00Z",
        "ChargeEndDate": "2026-10-31T00:00:00Z",
        **more,
    }


class Lines:
    """A sink of lines that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[PurchaseLine] = []

    async def add(self, batch: Sequence[PurchaseLine]) -> None:
        self.lines += batch


@dataclass
class Opened:
    """An open connection, and what it was heard to do."""

    usage: UsageSource
    bill: PurchaseSource
    log: RecordingLog
    stopwatch: FakeStopwatch
    sink: RecordingSink = field(default_factory=RecordingSink)

    async def pull(self) -> dict[str, ScopeVerdict]:
        verdicts = await self.usage.observe(self.sink, None)
        return {verdict.scope: verdict for verdict in verdicts}

    @property
    def units(self) -> list[Observation]:
        return self.sink.observations


@asynccontextmanager
async def opened(
    vault: TokenVault | None = None, limits: RateLimit | None = None, **settings: Any
) -> AsyncIterator[Opened]:
    """A connection named `pc`; no waiting takes time."""
    log, stopwatch = RecordingLog(), FakeStopwatch()
    context = Context(
        connection="pc",
        config=config(**settings),
        limits=limits or CONNECTOR.limits,
        clock=FakeClock(NOW),
        log=log,
        vault=vault,
    )
    with stopwatch.running():
        async with CONNECTOR.open(context) as ports:
            assert ports.usage is not None
            assert ports.purchases is not None
            yield Opened(ports.usage, ports.purchases, log, stopwatch)


def serve_tokens(web: respx.MockRouter, **more: Any) -> respx.Route:
    """The token endpoint of the partner's tenant."""
    return web.post(f"{LOGIN}/{TENANT}/oauth2/v2.0/token").mock(
        return_value=Response(
            200,
            json={"token_type": "Bearer", "access_token": "canary-token", "expires_in": 3599}
            | more,
        )
    )


def serve_customers(web: respx.MockRouter, *keys: str) -> respx.Route:
    return web.get(f"{PARTNER}/v1/customers").mock(
        return_value=Response(200, json=listing([customer(key) for key in keys]))
    )


def serve_subscriptions(web: respx.MockRouter, key: str, *rows: Mapping[str, Any]) -> respx.Route:
    return web.get(f"{PARTNER}/v1/customers/{key}/subscriptions").mock(
        return_value=Response(200, json=listing(rows))
    )
