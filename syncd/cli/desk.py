"""Opens what commands of billing need: the PSA, and which connections count."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from syncd.core.service.sources import Sources
from syncd.sdk.errors import PluginError
from syncd.sdk.ports import Psa

if TYPE_CHECKING:
    from syncd.bootstrap import App
    from syncd.core.service.billing_runs import BillingDesk


async def billing_desk(app: App) -> BillingDesk:
    """The desk of this installation.

    Raises:
        ConfigError: there is no PSA, or it is switched off.
        PluginError: its plugin is broken.
    """
    from syncd.core.service.billing_runs import BillingDesk

    name = app.psa_name()

    @asynccontextmanager
    async def open_psa() -> AsyncIterator[Psa]:
        async with app.open(name) as ports:
            if ports.psa is None:
                message = f"connection '{name}' opened no PSA port"
                raise PluginError(message, remedy="report this to the plugin's author")
            yield ports.psa

    return BillingDesk(
        database=app.database,
        open_psa=open_psa,
        psa_connection=await app.connection(name),
        clock=app.clock,
        log=app.log,
        node=app.node,
        report=app.report,
    )


def sources_of(app: App) -> Sources:
    """Which connections count at present; every other one that ever did rests."""
    return Sources(active=app.settings.sources, broken=set(app.settings.unavailable))
