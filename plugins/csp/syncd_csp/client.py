"""The open connections to Microsoft: for tokens, for Partner Center, and for Graph's exports.

Every call to Partner Center carries ids that Microsoft's support can find; what comes back may
begin with a byte order mark.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Final, Self, TypeVar

from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.errors import AuthError, ConnectorError, RequestRejected
from syncd.sdk.http import Answer, ApiClient, HttpPolicy
from syncd.sdk.refresh import RefreshExchange, vault_of
from syncd_csp.config import CspConfig
from syncd_csp.refusals import fault_text, graph_text, pause_in, refined
from syncd_csp.token import AppToken, Proof, UserToken
from syncd_csp.values import BOM

T = TypeVar("T")

POLICY: Final = HttpPolicy(read_seconds=180.0, total_seconds=600.0)
"""Microsoft's own client waits for three minutes."""

EXPORTS_AT_ONCE: Final = 4
TOKEN_NAME: Final = "refresh"  # noqa: S105 - a name


class PartnerClient(AbstractAsyncContextManager["PartnerClient"]):
    """One connection; open it before asking.

    Attributes:
        graph: signed calls to Graph, by the application itself.
        proof: of the application.
    """

    def __init__(self, context: Context[CspConfig]) -> None:
        """Describe the connection.

        Raises:
            ConfigError: the certificate cannot be read, or a sign-in has no place to be kept.
        """
        config = context.config
        self._context = context
        self._stack = AsyncExitStack()
        self._pull = str(uuid.uuid4())
        self.proof = Proof(config, connection=context.connection, clock=context.clock)
        self._login = self._client(config.login_url, RateLimit(concurrency=4))
        self._tokens: RefreshExchange | None = None
        auth: AppToken | UserToken
        if config.access == "user":
            self._tokens = RefreshExchange(
                vault_of(context),
                connection=context.connection,
                name=TOKEN_NAME,
                # Microsoft leaves the former token in force, but only one service is asked here.
                reusable=True,
                log=context.log,
            )
            auth = UserToken(
                self._login,
                self.proof,
                self._tokens,
                connection=context.connection,
                resource=config.base_url,
                clock=context.clock,
                log=context.log,
            )
        else:
            auth = self._app(config.base_url)
        self._partner = self._client(
            config.base_url, context.limits, auth=auth, error_text=fault_text, pause_in=pause_in
        )
        self.graph = self._client(
            config.graph_url,
            RateLimit(concurrency=EXPORTS_AT_ONCE),
            auth=self._app(config.graph_url),
            error_text=graph_text,
        )

    @property
    def calls(self) -> int:
        """Calls to Partner Center so far."""
        return self._partner.calls

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._login)
        if self._tokens is not None:
            await self._stack.enter_async_context(self._tokens)
        await self._stack.enter_async_context(self._partner)
        await self._stack.enter_async_context(self.graph)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def read(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One read of Partner Center.

        Raises:
            Refusal: it refuses, for a reason that has a name.
            ConnectorError: it does not serve, or not as it should.
        """
        ours = {"MS-RequestId": str(uuid.uuid4()), "MS-CorrelationId": self._pull}
        try:
            answer = await self._partner.read(path, params, {**ours, **(headers or {})})
        except (AuthError, RequestRejected) as error:
            raise refined(error) from error
        return unmarked(answer)

    def _app(self, resource: str) -> AppToken:
        context = self._context
        return AppToken(
            self._login,
            self.proof,
            connection=context.connection,
            resource=resource,
            clock=context.clock,
            log=context.log,
        )

    def _client(self, url: str, limits: RateLimit, **more: object) -> ApiClient:
        context = self._context
        return ApiClient(
            connection=context.connection,
            base_url=url,
            limits=limits,
            clock=context.clock,
            log=context.log,
            policy=POLICY,
            **{"auth": None, **more},  # type: ignore[arg-type]
        )


def unmarked(answer: Answer) -> Answer:
    """The answer without the byte order mark that may stand before its JSON."""
    answer.body = answer.body.removeprefix(BOM)
    return answer


def number_of(error: ConnectorError) -> str:
    """How Microsoft's support finds the call, as an ending of a sentence; empty if unknown."""
    return f" (request {error.request_id})" if error.request_id else ""
