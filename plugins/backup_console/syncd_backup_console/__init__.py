"""The MSP360 backup console for syncd: licences as of now, storage, restores and limits by month.

Only the description of the connector loads with the plugin; the client loads when a connection is
opened, the simulator when a sandbox is started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from syncd.hookspecs import hookimpl
from syncd.sdk.connector import Capability, Connector, Context, Ports, RateLimit, Sandbox
from syncd_backup_console.config import BackupConsoleConfig

EXAMPLE = """\
plugin = "backup_console"
user_name = "…"                          # Settings > General > API credentials
password = { env = "BACKUP_PASSWORD" }   # by reference only
schedule = "0 */6 * * *"                 # four reads a day; the last one before midnight bills
# timezone = "Europe/London"             # of dates that the console writes without a zone
# storage = "accounts"                   # a product per storage account; one call per user more
# currency = "GBP"                       # of the console's money; needed to count storage limits
# internal_companies = ["Our own company"]
"""


@asynccontextmanager
async def open_connection(context: Context[BackupConsoleConfig]) -> AsyncIterator[Ports]:
    """Open one connection; the HTTP client lives as long as the context."""
    from syncd_backup_console.client import ConsoleClient
    from syncd_backup_console.source import BackupConsoleSource

    async with ConsoleClient.of(context) as client:
        yield Ports(usage=BackupConsoleSource(client, context))


CONNECTOR = Connector(
    name="backup_console",
    title="MSP360 backup console",
    config=BackupConsoleConfig,
    provides=frozenset({Capability.USAGE}),
    open=open_connection,
    # No quota is published; 429 and Retry-After are obeyed.
    limits=RateLimit(calls=0, concurrency=4),
    urls=("base_url",),
    example=EXAMPLE,
)


@hookimpl
def register_connectors(register: Callable[[Connector[Any]], None]) -> None:
    register(CONNECTOR)


@hookimpl
def register_sandboxes(register: Callable[[Sandbox], None]) -> None:
    from syncd_backup_console.sandbox import SANDBOX

    register(SANDBOX)
