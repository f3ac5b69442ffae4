"""Microsoft Graph for syncd: seats of every SKU, users by rule and devices, tenant by tenant.

Only the description of the connector loads with the plugin; the client loads when a connection is
opened, the simulator when a sandbox is started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Context, Ports, RateLimit, Sandbox
from syncd.sdk.tokens import SignIn
from syncd_entra.config import EntraConfig

EXAMPLE = """\
plugin = "entra"
client_id = "…"                          # Application (client) ID of your multi-tenant app
client_secret = { env = "ENTRA_SECRET" } # by reference only
schedule = "0 */6 * * *"                 # four reads a day; the last one before midnight bills
tenants = [
  # one line each: Tenant ID, and the customer's name
  { id = "00000000-0000-0000-0000-000000000000", name = "…" },
]
# users = "listed"                       # every user is read and is evidence
# devices = ["entra", "intune"]
# subscriptions = true                   # ids, next change and trials of what was bought
# count_free = true                      # count free and trial SKUs, too
"""


@asynccontextmanager
async def open_connection(context: Context[EntraConfig]) -> AsyncIterator[Ports]:
    """Open one connection; its pools and tokens live as long as the context."""
    from syncd_entra.client import GraphClient
    from syncd_entra.source import EntraSource

    async with GraphClient(context) as client:
        yield Ports(usage=EntraSource(client, context))


@asynccontextmanager
async def open_sign_in(context: Context[EntraConfig]) -> AsyncIterator[SignIn]:
    """The partner's sign-in in a browser, for tenants that are entered over GDAP."""
    from syncd_entra.consent import open_sign_in as opened

    async with opened(context) as sign_in:
        yield sign_in


CONNECTOR = Connector(
    name="entra",
    title="Microsoft Entra ID (Graph)",
    config=EntraConfig,
    provides=frozenset({Capability.USAGE}),
    open=open_connection,
    # Graph allows an app 130,000 requests in 10 s over all tenants, and a batch holds up to 20.
    limits=RateLimit(calls=6_500, window_seconds=10.0, concurrency=10),
    urls=("login_url", "graph_url"),
    example=EXAMPLE,
    sign_in=open_sign_in,
)


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_entra.sandbox import SANDBOX

    register(SANDBOX)
