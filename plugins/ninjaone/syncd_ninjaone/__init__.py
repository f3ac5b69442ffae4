"""NinjaOne for syncd: counts devices by class and says why each excluded one is not counted.

Only the description of the connector loads with the plugin; the client loads when a connection is
opened, the simulator when a sandbox is started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Context, Ports, RateLimit, Sandbox
from syncd_ninjaone.config import NinjaOneConfig

EXAMPLE = """\
plugin = "ninjaone"
region = "eu"                            # us, us2, eu, oc, ca or fed; or base_url = "https://…"
client_id = "…"                          # Administration > Apps > API > Client app IDs
client_secret = { env = "NINJA_SECRET" } # by reference only
schedule = "0 */6 * * *"                 # four reads a day; the last one before midnight bills
# stale_days = 30                        # silent for longer is not counted; 0 switches it off
# exclude_tags = ["spare"]
# internal_organisations = ["Our own company"]
# psa_id_pattern = 'HPSA:(\\d+)'          # the PSA's client id in an organisation's description
"""


@asynccontextmanager
async def open_connection(context: Context[NinjaOneConfig]) -> AsyncIterator[Ports]:
    """Open one connection; the HTTP client lives as long as the context."""
    from syncd_ninjaone.client import NinjaOneClient
    from syncd_ninjaone.source import NinjaOneSource

    async with NinjaOneClient.of(context) as client:
        yield Ports(usage=NinjaOneSource(client, context))


CONNECTOR = Connector(
    name="ninjaone",
    title="NinjaOne",
    config=NinjaOneConfig,
    provides=frozenset({Capability.USAGE}),
    open=open_connection,
    # No quota is published; 429 and Retry-After are obeyed.
    limits=RateLimit(calls=0, concurrency=10),
    urls=("base_url",),
    example=EXAMPLE,
)


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_ninjaone.sandbox import SANDBOX

    register(SANDBOX)
