"""The open connections to Microsoft: one pool for tokens, one for Graph, one lane per tenant.

Tokens live as long as the connection is open; a lane is signed with its tenant's token alone.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import count
from types import TracebackType
from typing import Final, Self

from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.http import ApiClient, HttpPolicy
from syncd_entra.batch import Batches
from syncd_entra.config import EntraConfig, Tenant
from syncd_entra.refusals import error_text
from syncd_entra.token import TenantToken

POLICY: Final = HttpPolicy()


class Door:
    """The way into one tenant.

    Attributes:
        tenant: as configured.
        shared: entered by the app that other tenants are entered by, too.
        api: signed calls, for further pages.
        batches: several questions at once.
    """

    def __init__(self, tenant: Tenant, api: ApiClient, batches: Batches) -> None:
        self.tenant = tenant
        self.shared = tenant.client_id is None
        self.api = api
        self.batches = batches


class GraphClient(AbstractAsyncContextManager["GraphClient"]):
    """One connection; open it before asking for doors."""

    def __init__(self, context: Context[EntraConfig]) -> None:
        config, limits = context.config, context.limits
        self._context = context
        self._stack = AsyncExitStack()
        self._login = ApiClient(
            connection=context.connection,
            base_url=config.login_url,
            auth=None,
            limits=RateLimit(concurrency=limits.concurrency),
            clock=context.clock,
            log=context.log,
            policy=POLICY,
        )
        self._graph = ApiClient(
            connection=context.connection,
            base_url=config.graph_url,
            auth=None,
            limits=limits,
            clock=context.clock,
            log=context.log,
            policy=POLICY,
            error_text=error_text,
            # Sent with every page, since a next link does not carry it.
            headers={"ConsistencyLevel": "eventual"},
        )
        self._numbers = count(1)
        self.doors = [self._door(tenant) for tenant in config.tenants]

    @property
    def calls(self) -> int:
        """Calls to Graph so far; those for tokens are not among them."""
        return self._graph.calls

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._login)
        await self._stack.enter_async_context(self._graph)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def _door(self, tenant: Tenant) -> Door:
        context, config = self._context, self._context.config
        client_id, secret = config.credentials(tenant)
        token = TenantToken(
            self._login,
            connection=context.connection,
            login_url=config.login_url,
            tenant=tenant.id,
            client_id=client_id,
            client_secret=secret.get_secret_value(),
            scope=f"{config.graph_url}/.default",
            clock=context.clock,
            log=context.log,
        )
        api = self._graph.lane(token)
        batches = Batches(
            api,
            connection=context.connection,
            numbers=self._numbers,
            policy=POLICY,
            clock=context.clock,
            log=context.log,
        )
        return Door(tenant, api, batches)
