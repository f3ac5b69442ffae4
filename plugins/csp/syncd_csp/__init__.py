"""Microsoft Partner Center for syncd: subscriptions that are bought, and what they cost.

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
from syncd_csp.config import CspConfig

EXAMPLE = """\
plugin = "csp"
# For direct-bill partners and indirect providers; indirect resellers use "entra".
# Tenant ID of your own partner tenant
partner_tenant = "00000000-0000-0000-0000-000000000000"
client_id = "…"                         # Application (client) ID of the app registered there
client_secret = { env = "CSP_SECRET" }  # by reference only; or certificate = { file = "…" }
schedule = "30 */6 * * *"
# access = "user"                       # with `syncd login`; only licence_usage needs it
# not_monthly = "count"                 # what is charged once a year bills every month, too
"""


@asynccontextmanager
async def open_connection(context: Context[CspConfig]) -> AsyncIterator[Ports]:
    """Open one connection; its pools and tokens live as long as the context."""
    from syncd_csp.client import PartnerClient
    from syncd_csp.products import Catalogue
    from syncd_csp.purchases import CspPurchases
    from syncd_csp.source import CspSource

    catalogue = Catalogue()
    async with PartnerClient(context) as client:
        yield Ports(
            usage=CspSource(client, context, catalogue),
            purchases=CspPurchases(client, context, catalogue),
        )


@asynccontextmanager
async def open_sign_in(context: Context[CspConfig]) -> AsyncIterator[SignIn]:
    """A person's consent, for `access = "user"`."""
    from syncd_csp.consent import PartnerSignIn

    async with PartnerSignIn(context) as sign_in:
        yield sign_in


CONNECTOR = Connector(
    name="csp",
    title="Microsoft CSP (Partner Center)",
    config=CspConfig,
    provides=frozenset({Capability.USAGE, Capability.PURCHASES}),
    open=open_connection,
    # 500 requests a minute for subscriptions; other clients keep to five connections.
    limits=RateLimit(calls=500, window_seconds=60.0, concurrency=5),
    urls=("login_url", "base_url", "graph_url"),
    example=EXAMPLE,
    sign_in=open_sign_in,
)


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_csp.sandbox import SANDBOX

    register(SANDBOX)
