"""The open connections to Xero: for tokens, and for the books of one organisation.

Every call names the organisation and wants JSON; what is left of the day's calls is watched on
every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Final, Self

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing
from syncd.sdk.http import Answer, ApiClient, HttpPolicy
from syncd.sdk.limits import shared, shared_window
from syncd.sdk.refresh import RefreshExchange, vault_of
from syncd_xero.config import LONGEST_CALL, XeroConfig
from syncd_xero.models import Envelope, Tenant
from syncd_xero.quota import ESSENTIAL, CountedAuth, DayBudget, DayCount
from syncd_xero.refusals import error_text
from syncd_xero.tenants import chosen
from syncd_xero.token import TOKEN_NAME, ConsentToken, CustomToken, token_client
from syncd_xero.values import identifier

POLICY: Final = HttpPolicy(read_seconds=LONGEST_CALL, total_seconds=300.0)

Params = Mapping[str, str | int]


class XeroClient(AbstractAsyncContextManager["XeroClient"]):
    """One organisation; open it before asking.

    Attributes:
        budget: the day's calls.
        owner: names the app and the organisation whose quota is used.
        token: signs; tells the rights that it has.
    """

    def __init__(self, context: Context[XeroConfig]) -> None:
        """Describe the connection.

        Raises:
            ConfigError: a sign-in has no place to be kept.
        """
        config = context.config
        self._context = context
        self._config = config
        self._stack = AsyncExitStack()
        self._login = token_client(context)
        self._tokens: RefreshExchange | None = None
        self.token: CustomToken | ConsentToken
        if config.access == "consent":
            self._tokens = RefreshExchange(
                vault_of(context),
                connection=context.connection,
                name=TOKEN_NAME,
                reusable=False,
                log=context.log,
            )
            self.token = ConsentToken(self._login, self._tokens, context)
        else:
            self.token = CustomToken(self._login, context)
        # Xero counts for each app and organisation, whoever of us asks: so do all clients together.
        self.owner = f"{config.base_url} {config.client_id} {config.organisation}"
        count = shared(("xero day", self.owner), DayCount)
        self.budget = DayBudget(context.connection, config.day_reserve, count)
        limits = context.limits
        self._books = ApiClient(
            connection=context.connection,
            base_url=config.base_url,
            auth=CountedAuth(self.token, self.budget),
            limits=shared_window(
                self.owner, limits.calls, limits.window_seconds, limits.concurrency
            ),
            clock=context.clock,
            log=context.log,
            policy=POLICY,
            error_text=error_text,
        )
        self._tenant = config.organisation

    @property
    def calls(self) -> int:
        """Calls to the books so far, tokens apart."""
        return self._books.calls

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._login)
        if self._tokens is not None:
            await self._stack.enter_async_context(self._tokens)
        await self._stack.enter_async_context(self._books)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def tenants(self) -> list[Tenant]:
        """The organisations that the consent opens; Xero counts this call for none of them."""
        answer = await self._books.read(self._config.connections_url, headers={ESSENTIAL: "1"})
        return answer.decode(list[Tenant])

    async def tenant(self) -> str:
        """Id of the organisation that is meant; empty for a custom connection without one.

        Raises:
            AuthError: it is not open, or several are and none is configured.
        """
        if not self._tenant and self._config.access == "consent":
            tenants = await self.tenants()
            one = chosen(tenants, self._config, self._context.connection)
            self._tenant = identifier(one.tenant_id)
        return self._tenant

    async def read(
        self,
        path: str,
        params: Params | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        essential: bool = False,
    ) -> Envelope:
        """One read of the books.

        Args:
            path: below the base URL.
            params: query.
            headers: of this call alone.
            essential: it proves a write, so that it may use the day's reserve.

        Raises:
            AuthError: the organisation is not connected any more, or a right is missing.
            ConnectorError: Xero does not serve, or not as it should.
        """
        more = {ESSENTIAL: "1"} if essential else {}
        fields = {**await self._named(), **(headers or {}), **more}
        try:
            answer = await self._books.read(path, params, fields)
        except PermissionMissing as error:
            raise self._refined(error) from error
        return answer.decode(Envelope)

    async def write(
        self,
        method: str,
        path: str,
        *,
        json: object,
        key: str,
        params: Params | None = None,
    ) -> Answer:
        """One write to the books; never repeated unless it was surely not carried out.

        Args:
            method: PUT creates only; POST names what it changes by id.
            path: below the base URL.
            json: the body.
            key: by which Xero carries out repetitions once, for six minutes.
            params: query.

        Raises:
            AuthError: the organisation is not connected any more, or a right is missing.
            ConnectorError: see `ApiClient.write`.
        """
        fields = {**await self._named(), "idempotency-key": key}
        try:
            return await self._books.write(method, path, json=json, params=params, headers=fields)
        except PermissionMissing as error:
            raise self._refined(error) from error

    async def _named(self) -> dict[str, str]:
        if self._config.access == "custom":
            return {}
        return {"xero-tenant-id": await self.tenant()}

    def _refined(self, error: PermissionMissing) -> ConnectorError:
        name, text = self._context.connection, str(error).lower()
        if "authenticationunsuccessful" in text.replace(" ", ""):
            remedy = f"run `syncd login {name}` and choose the organisation again"
            if self._config.access == "custom":
                remedy = "authorise the custom connection again at developer.xero.com"
            return AuthError(
                f"{name}: the organisation has disconnected the app: the token works and its books"
                " are closed to it",
                remedy=remedy,
                connection=name,
                http_status=error.http_status,
                request_id=error.request_id,
            )
        return error
