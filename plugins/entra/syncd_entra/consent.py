"""The partner's sign-in in a browser, whose refresh token opens every tenant with GDAP.

The account needs a second factor: what customers' tenants ask for is decided when it signs in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.errors import AuthError, ConfigError
from syncd.sdk.http import ApiClient
from syncd.sdk.tokens import Granted
from syncd_entra.config import EntraConfig
from syncd_entra.gdap import IDLE, REFRESH
from syncd_entra.proofs import Proof, proof_of
from syncd_entra.token import MicrosoftToken

OFFLINE: Final = "offline_access"


class _Redeemed(msgspec.Struct):
    refresh_token: str | None = None


class CodeToken(MicrosoftToken):
    """What a code is exchanged for, once.

    Attributes:
        refresh_token: that came with it.
    """

    over_gdap = True

    def __init__(self, *args: Any, form: dict[str, str], **known: Any) -> None:
        """As `MicrosoftToken`, with the code's fields of the token request."""
        super().__init__(*args, **known)
        self._form = form
        self.refresh_token: str | None = None

    async def _ask(self) -> Answer:
        answer = await self._post(
            {"grant_type": "authorization_code", "scope": self._scope, **self._form}
        )
        if answer.status == 200:
            self.refresh_token = answer.decode(_Redeemed).refresh_token
        return answer


class PartnerSignIn:
    """Authorization code flow in the partner's own tenant."""

    token_name: str = REFRESH
    redirect: str | None

    def __init__(
        self, context: Context[EntraConfig], login: ApiClient, tenant: str, proof: Proof
    ) -> None:
        self._context = context
        self._login = login
        self._tenant = tenant
        self._proof = proof
        self._scope = f"{context.config.graph_url}/.default {OFFLINE}"
        self.redirect = context.config.redirect_url

    def address(self, *, redirect: str, state: str, challenge: str) -> str:
        query = {
            "client_id": self._proof.client_id,
            "response_type": "code",
            "response_mode": "query",
            "redirect_uri": redirect,
            "scope": self._scope,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            # A session of another account in the same browser is not taken silently.
            "prompt": "select_account",
        }
        base = self._context.config.login_url
        return f"{base}/{self._tenant}/oauth2/v2.0/authorize?{urlencode(query)}"

    async def redeem(self, code: str, *, redirect: str, verifier: str) -> Granted:
        context = self._context
        token = CodeToken(
            self._login,
            connection=context.connection,
            login_url=context.config.login_url,
            tenant=self._tenant,
            proof=self._proof,
            scope=self._scope,
            clock=context.clock,
            log=context.log,
            form={"code": code, "redirect_uri": redirect, "code_verifier": verifier},
        )
        await token.obtain()
        if token.refresh_token is None:
            message = f"{context.connection}: Microsoft gave no refresh token for the sign-in"
            raise AuthError(
                message,
                remedy=f"add the delegated permission {OFFLINE} to the app, consent to it in your"
                f" own tenant, and run `syncd login {context.connection}` again",
                connection=context.connection,
            )
        return Granted(
            token=token.refresh_token,
            ends_at=context.clock() + IDLE,
            summary="Microsoft Graph in every tenant that your account enters over GDAP",
        )


@asynccontextmanager
async def open_sign_in(context: Context[EntraConfig]) -> AsyncIterator[PartnerSignIn]:
    """The sign-in of one connection.

    Raises:
        ConfigError: the connection enters its tenants without anybody's sign-in.
    """
    config, name = context.config, context.connection
    if config.access != "gdap" or config.partner_tenant is None:
        message = f"connection '{name}' enters its tenants by the app's own rights"
        raise ConfigError(message, remedy='nobody signs in for it; write access = "gdap" to change')
    login = ApiClient(
        connection=name,
        base_url=config.login_url,
        auth=None,
        limits=RateLimit(concurrency=1),
        clock=context.clock,
        log=context.log,
    )
    async with login:
        proof = proof_of(config, config.certificate_algorithm, name)
        yield PartnerSignIn(context, login, config.partner_tenant, proof)
