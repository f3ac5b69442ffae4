"""QuickBooks Online for syncd: invoices and credit notes in the books of one company.

Only the description of the connector loads with the plugin; the client loads when a connection is
opened, the simulator when a sandbox is started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Context, Ports, RateLimit, Sandbox
from syncd.sdk.tokens import SignIn
from syncd.sdk.webhooks import WebhookAnswer, Webhooks
from syncd_quickbooks.config import QuickBooksConfig

EXAMPLE = """\
plugin = "quickbooks"
# Company ID of the books, from the company's settings under Billing & Subscription
realm = "0000000000000000"
client_id = "…"                                # of your app's production keys
client_secret = { env = "QUICKBOOKS_SECRET" }  # by reference only
redirect_url = "https://www.example.com/syncd" # as registered; it need not open anything
# webhook_verifier = { env = "QUICKBOOKS_VERIFIER" }
# tax = "auto"                                 # US companies: us_delegated or us_own_total
"""


@asynccontextmanager
async def open_connection(context: Context[QuickBooksConfig]) -> AsyncIterator[Ports]:
    """Open one connection; its pools and tokens live as long as the context."""
    from syncd_quickbooks.client import CompanyClient
    from syncd_quickbooks.ledger import QuickBooksLedger

    async with CompanyClient(context) as client:
        yield Ports(ledger=QuickBooksLedger(client, context))


@asynccontextmanager
async def open_sign_in(context: Context[QuickBooksConfig]) -> AsyncIterator[SignIn]:
    """A person's consent for the company."""
    from syncd_quickbooks.consent import CompanySignIn

    async with CompanySignIn(context) as sign_in:
        yield sign_in


def receive(
    config: QuickBooksConfig, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookAnswer:
    """Judge one call of Intuit's webhooks."""
    from syncd_quickbooks import webhooks

    return webhooks.receive(config, headers, body, now)


CONNECTOR = Connector(
    name="quickbooks",
    title="QuickBooks Online",
    config=QuickBooksConfig,
    provides=frozenset({Capability.LEDGER}),
    open=open_connection,
    # 500 requests a minute and company; the 10 a second and 40 batches a minute are kept besides.
    limits=RateLimit(calls=500, window_seconds=60.0, concurrency=8),
    urls=("base_url", "login_url", "token_url"),
    example=EXAMPLE,
    sign_in=open_sign_in,
    webhooks=Webhooks(
        receive=receive,
        enabled=lambda config: config.webhook_verifier is not None,
        answer_seconds=3.0,
    ),
)


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_quickbooks.sandbox import SANDBOX

    register(SANDBOX)
