"""Xero for syncd: sales invoices and credit notes in the books of one organisation.

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
from syncd_xero.config import XeroConfig

EXAMPLE = """\
plugin = "xero"
# Tenant ID of the organisation; `syncd check` lists those that are open
organisation = "00000000-0000-0000-0000-000000000000"
client_id = "…"                          # of your own app at developer.xero.com
client_secret = { env = "XERO_SECRET" }  # by reference only
# access = "custom"                      # a custom connection: no `syncd login`
# webhook_key = { env = "XERO_WEBHOOK_KEY" }
# reference = "{reference} {marker}"     # the marker finds a document again
"""


@asynccontextmanager
async def open_connection(context: Context[XeroConfig]) -> AsyncIterator[Ports]:
    """Open one connection; its pools and tokens live as long as the context."""
    from syncd_xero.client import XeroClient
    from syncd_xero.ledger import XeroLedger

    async with XeroClient(context) as client:
        yield Ports(ledger=XeroLedger(client, context))


@asynccontextmanager
async def open_sign_in(context: Context[XeroConfig]) -> AsyncIterator[SignIn]:
    """A person's consent, for `access = "consent"`."""
    from syncd_xero.consent import XeroSignIn

    async with XeroSignIn(context) as sign_in:
        yield sign_in


def _receive(
    config: XeroConfig, headers: Mapping[str, str], body: bytes, now: datetime
) -> WebhookAnswer:
    from syncd_xero.webhooks import receive

    return receive(config, headers, body, now)


def _has_key(config: XeroConfig) -> bool:
    return config.webhook_key is not None


CONNECTOR = Connector(
    name="xero",
    title="Xero",
    config=XeroConfig,
    provides=frozenset({Capability.LEDGER}),
    open=open_connection,
    # Per organisation and app: 60 calls a minute, five in flight.
    limits=RateLimit(calls=60, window_seconds=60.0, concurrency=5),
    urls=("login_url", "token_url", "base_url", "connections_url"),
    example=EXAMPLE,
    sign_in=open_sign_in,
    webhooks=Webhooks(receive=_receive, enabled=_has_key, answer_seconds=5.0),
)


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_xero.sandbox import SANDBOX

    register(SANDBOX)
