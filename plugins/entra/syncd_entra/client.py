"""The open connections to Microsoft: one pool for tokens, one for Graph, one lane per tenant.

Tokens live as long as the connection is open; a lane is signed with its tenant's token alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Final, Self, TypedDict

from syncd.sdk.connector import Context, EventLog, RateLimit
from syncd.sdk.errors import ConnectorError, PermissionMissing, TransientError
from syncd.sdk.http import ApiClient, HttpPolicy
from syncd.sdk.refresh import RefreshExchange, vault_of
from syncd.sdk.retry import Budget, persist
from syncd_entra import questions, roster
from syncd_entra.batch import Batches
from syncd_entra.config import EntraConfig, Tenant
from syncd_entra.gdap import REFRESH, UserToken
from syncd_entra.models import Listing, Row
from syncd_entra.proofs import Proof, proof_of
from syncd_entra.refusals import error_text, refined
from syncd_entra.roster import Known
from syncd_entra.token import AppToken, MicrosoftToken

POLICY: Final = HttpPolicy()
OWN: Final = "your own tenant"


class _Described(TypedDict):
    connection: str
    login_url: str
    tenant: str
    proof: Proof
    scope: str
    clock: Callable[[], datetime]
    log: EventLog


class Door:
    """The way into one tenant.

    Attributes:
        tenant: as configured or listed.
        known: what lists say about it.
        shared: entered by the app, or the sign-in, that other tenants are entered by, too.
        token: signs its calls.
        api: signed calls, for further pages.
        batches: several questions at once.
    """

    def __init__(
        self,
        known: Known,
        token: MicrosoftToken,
        api: ApiClient,
        *,
        connection: str,
        numbers: count[int],
        context: Context[EntraConfig],
    ) -> None:
        self.known = known
        self.tenant = known.tenant
        self.shared = not known.tenant.has_own_app
        self.token = token
        self.api = api
        self.batches = Batches(
            api,
            connection=connection,
            numbers=numbers,
            policy=POLICY,
            clock=context.clock,
            log=context.log,
            named=self.named,
        )

    def named(self, error: ConnectorError, needs: str) -> ConnectorError:
        """A refusal of Graph under the name of its reason."""
        token = self.token
        rights = (token.rights or frozenset()) if isinstance(token, UserToken) else None
        return refined(error, needs, rights)

    @property
    def is_shut(self) -> bool:
        """Whether the only way in has ended, so that asking is of no use."""
        return self.token.over_gdap and self.known.ended is not None


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
        self._shared: Proof | None = None
        self._exchange: RefreshExchange | None = None
        self._doors: dict[str, Door] = {}
        self._home: Door | None = None

    @property
    def calls(self) -> int:
        """Calls to Graph so far; those for tokens are not among them."""
        return self._graph.calls

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._login)
        await self._stack.enter_async_context(self._graph)
        context, config = self._context, self._context.config
        if config.is_whole:
            algorithm = config.certificate_algorithm
            self._shared = proof_of(config, algorithm, f"connection '{context.connection}'")
        if config.access == "gdap":
            exchange = RefreshExchange(
                vault_of(context),
                connection=context.connection,
                name=REFRESH,
                reusable=True,
                log=context.log,
            )
            self._exchange = await self._stack.enter_async_context(exchange)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def doors(self) -> list[Door]:
        """The way into each tenant, as the configuration and the partner's lists have them now.

        Raises:
            SignInExpired: the partner's own sign-in is refused.
            ConnectorError: it cannot be tried, or a list cannot be read.
        """
        context = self._context
        if context.config.access == "gdap":
            await self._sign_in()
        known = await roster.read(context.config, self._page, context.clock())
        self._doors = {one.tenant.id: self._door(one) for one in known}
        return list(self._doors.values())

    def _door(self, known: Known) -> Door:
        """A new way in, or the one that is open, whose token is kept."""
        context, tenant = self._context, known.tenant
        former = self._doors.get(tenant.id)
        token = former.token if former is not None else self._token(tenant)
        return Door(
            known,
            token,
            former.api if former is not None else self._graph.lane(token),
            connection=context.connection,
            numbers=self._numbers,
            context=context,
        )

    def _token(self, tenant: Tenant) -> MicrosoftToken:
        context, config = self._context, self._context.config
        proof = self._shared
        if tenant.has_own_app:
            whose = f"connection '{context.connection}', tenant {tenant.name}"
            proof = proof_of(tenant, config.certificate_algorithm, whose)
        assert proof is not None
        known = _Described(
            connection=context.connection,
            login_url=config.login_url,
            tenant=tenant.id,
            proof=proof,
            scope=f"{config.graph_url}/.default",
            clock=context.clock,
            log=context.log,
        )
        if config.by_gdap(tenant):
            assert self._exchange is not None
            return UserToken(self._login, exchange=self._exchange, **known)
        return AppToken(self._login, **known)

    # the partner's own tenant

    async def _sign_in(self) -> None:
        """Try the partner's sign-in at home: what is refused there is refused everywhere."""
        token = self._partner().token

        async def attempt(number: int) -> None:
            del number
            await token.obtain()

        def announce(error: TransientError, seconds: float, number: int) -> None:
            self._context.log(
                "request.retried",
                method="POST",
                path="/oauth2/v2.0/token",
                reason=error.code,
                wait_ms=round(seconds * 1000),
                attempt=number,
            )

        await persist(attempt, Budget(POLICY), announce)

    async def _page(self, link: str, kind: type[Listing[Row]]) -> Listing[Row]:
        door = self._partner()
        try:
            return (await door.api.read(link)).decode(kind)
        except PermissionMissing as error:
            needs = questions.CONTRACTS if "/contracts" in link else questions.RELATIONSHIPS
            raise PermissionMissing(
                f"PERMISSION_MISSING: {needs} is not granted in your own tenant ({error})",
                remedy=f"add the permission {needs} to the app and consent to it in your own"
                " tenant; over GDAP the account that signs in also needs the role Global Reader"
                " there",
                connection=error.connection,
                http_status=error.http_status,
                request_id=error.request_id,
            ) from error

    def _partner(self) -> Door:
        if self._home is None:
            key = self._context.config.partner_tenant
            assert key is not None
            self._home = self._door(Known(Tenant(id=key, name=OWN)))
        return self._home
