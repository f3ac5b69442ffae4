"""Describes the connector: settings, ports, quota, and how a connection is opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from syncd.sdk.connector import Capability, Connector, Context, Ports, RateLimit
from syncd_halopsa.config import HaloPsaConfig

LIMITS = RateLimit(calls=300, window_seconds=300.0, concurrency=5)
"""What hosted instances state in their own 429; all integrations of a tenant share it."""

EXAMPLE = """\
base_url = "https://yourname.halopsa.com"
tenant = "yourname"                        # hosted instances ask for it
client_id = "00000000-0000-0000-0000-000000000000"
client_secret = { env = "HALOPSA_SECRET" }
# key_field = "product_sku"                # carries our key; must be free on your subscriptions
# asset_type_field = "third_party_product" # or manufacturer, notes, CFname, none
# asset_key_field = "third_party_id_string" # carries our key on exported assets
# finalised = "sent"                       # or approved, posted, dated; when an invoice is no draft
# agreement_field = "contract_id"          # to write the agreement that an account names
# write_batch = 20                         # subscriptions in one POST
"""


@asynccontextmanager
async def open_connection(context: Context[HaloPsaConfig]) -> AsyncIterator[Ports]:
    """The `Psa` port; nothing is called before the first method needs it."""
    # Imported here: describing the connector must not load an HTTP client.
    from syncd_halopsa.client import open_api
    from syncd_halopsa.psa import HaloPsa

    async with open_api(context) as api:
        yield Ports(psa=HaloPsa(api, context))


CONNECTOR = Connector(
    name="halopsa",
    title="HaloPSA",
    config=HaloPsaConfig,
    provides=frozenset({Capability.PSA}),
    open=open_connection,
    limits=LIMITS,
    urls=("base_url", "auth_url"),
    example=EXAMPLE,
)
