"""A person's consent for an organisation: the browser's sign-in, and what its code is worth.

One consent may open several organisations, each in the list of connections; the one that is meant
is configured, never chosen by its place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode, urlsplit

import msgspec

from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.errors import AuthError, ConfigError, ProtocolError
from syncd.sdk.http import ApiClient, Auth, Request, Response
from syncd.sdk.tokens import Granted
from syncd_xero.config import XeroConfig
from syncd_xero.models import Tenant
from syncd_xero.tenants import chosen, named
from syncd_xero.token import LIVES, TOKEN_NAME, app_fields, denial, token_client

_CODE_LIVES: Final = "it works once, and for five minutes"


class _Tokens(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None


class _Signed(Auth):
    """One access token, for the one call that tells what it opens."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request


class XeroSignIn(AbstractAsyncContextManager["XeroSignIn"]):
    """One sign-in; open it before the browser comes back."""

    token_name = TOKEN_NAME
    redirect: str | None

    def __init__(self, context: Context[XeroConfig]) -> None:
        """Describe the sign-in.

        Raises:
            ConfigError: the connection needs none.
        """
        config = context.config
        if config.access != "consent":
            message = f"connection '{context.connection}' is a custom connection"
            raise ConfigError(
                message, remedy='nothing to sign in for; or write access = "consent" first'
            )
        self._context = context
        self._config = config
        self.redirect = config.redirect_url
        self._login = token_client(context)

    async def __aenter__(self) -> Self:
        await self._login.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._login.__aexit__(kind, error, trace)

    def address(self, *, redirect: str, state: str, challenge: str) -> str:
        """Xero's page, where the organisation is chosen."""
        config = self._config
        query = {
            "response_type": "code",
            "client_id": config.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(config.wanted_scopes),
            "state": state,
        }
        if config.pkce:
            query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{config.login_url}?{urlencode(query)}"

    async def redeem(self, code: str, *, redirect: str, verifier: str) -> Granted:
        """Exchange the code, and see that the organisation that is meant is open.

        Raises:
            AuthError: Xero refuses the code or the app, or another organisation was opened.
            ProtocolError: no refresh token was granted.
        """
        config, name = self._config, self._context.connection
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            **app_fields(config),
        }
        if config.pkce:
            form["code_verifier"] = verifier
        asked_at = self._context.clock()
        answer = await self._login.send_form(config.token_url, form)
        if answer.status == 400 and b"invalid_grant" in answer.body:
            raise AuthError(
                f"{name}: Xero refuses the sign-in's code; {_CODE_LIVES}",
                remedy=f"run `syncd login {name}` again; redirect_url must be registered on the app"
                " letter by letter",
                connection=name,
                http_status=answer.status,
            )
        if answer.status != 200:
            raise denial(name, answer, "", "")
        tokens = answer.decode(_Tokens)
        if not tokens.refresh_token:
            raise ProtocolError(
                f"{name}: the sign-in granted no token that lasts",
                remedy="the scope offline_access is missing from scopes",
                connection=name,
            )
        tenants = await self._tenants(tokens.access_token)
        tenant = chosen(tenants, config, name)
        return Granted(
            token=tokens.refresh_token, ends_at=asked_at + LIVES, summary=f"Xero: {named(tenant)}"
        )

    async def _tenants(self, token: str) -> list[Tenant]:
        context = self._context
        parts = urlsplit(self._config.connections_url)
        async with ApiClient(
            connection=context.connection,
            base_url=f"{parts.scheme}://{parts.netloc}",
            auth=_Signed(token),
            limits=RateLimit(concurrency=1),
            clock=context.clock,
            log=context.log,
        ) as client:
            return (await client.read(self._config.connections_url)).decode(list[Tenant])
