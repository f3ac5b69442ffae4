"""A person's consent for Partner Center: the browser's sign-in, and what its code is worth.

The sign-in must have a second factor: without one Partner Center refuses whatever comes of it.
"""

from __future__ import annotations

import base64
import binascii
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

import msgspec

from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.errors import ConfigError, ProtocolError
from syncd.sdk.http import ApiClient, HttpPolicy
from syncd.sdk.tokens import Granted
from syncd_csp.client import TOKEN_NAME
from syncd_csp.config import CspConfig
from syncd_csp.refusals import MFA, Refusal
from syncd_csp.token import LIVES, Proof, denial

_REMEDY: Final = "try again with `syncd login`"


class _Tokens(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None


class _Claims(msgspec.Struct):
    factors: list[str] | None = msgspec.field(name="amr", default=None)


class PartnerSignIn(AbstractAsyncContextManager["PartnerSignIn"]):
    """One sign-in; open it before the browser comes back."""

    token_name = TOKEN_NAME
    redirect: str | None

    def __init__(self, context: Context[CspConfig]) -> None:
        """Describe the sign-in.

        Raises:
            ConfigError: the connection needs none.
        """
        config = context.config
        if config.access != "user":
            message = f"connection '{context.connection}' works by the application's own rights"
            raise ConfigError(
                message, remedy='nothing to sign in for; or write access = "user" first'
            )
        self._context = context
        self._config = config
        self.redirect = config.redirect_url
        self._proof = Proof(config, connection=context.connection, clock=context.clock)
        self._login = ApiClient(
            connection=context.connection,
            base_url=config.login_url,
            auth=None,
            limits=RateLimit(concurrency=1),
            clock=context.clock,
            log=context.log,
            policy=HttpPolicy(),
        )

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

    @property
    def _scope(self) -> str:
        return f"{self._config.base_url}/user_impersonation offline_access openid"

    def address(self, *, redirect: str, state: str, challenge: str) -> str:
        """Microsoft's page for a sign-in with an account of the partner tenant."""
        config = self._config
        query = {
            "client_id": config.client_id,
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
        return (
            f"{config.login_url}/{config.partner_tenant}/oauth2/v2.0/authorize?{urlencode(query)}"
        )

    async def redeem(self, code: str, *, redirect: str, verifier: str) -> Granted:
        """Exchange the code; a sign-in that says it had no second factor is refused.

        Raises:
            AuthError: Microsoft refuses the code or the application.
            ProtocolError: no refresh token was granted.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
            "scope": self._scope,
            **self._proof.fields(),
        }
        asked_at = self._context.clock()
        answer = await self._login.send_form(self._proof.url, form)
        name = self._context.connection
        if answer.status != 200:
            raise denial(name, answer, "", "", self._proof)
        tokens = answer.decode(_Tokens)
        if not tokens.refresh_token:
            raise ProtocolError(
                f"{name}: the sign-in granted no token that lasts",
                remedy="allow the delegated permission offline_access, then sign in again",
                connection=name,
            )
        factors = _factors(tokens.access_token)
        if factors is not None and "mfa" not in factors:
            raise Refusal(MFA, name)
        return Granted(
            token=tokens.refresh_token,
            ends_at=asked_at + LIVES,
            summary=f"Partner Center of {self._config.partner_tenant}",
        )


def _factors(token: str) -> list[str] | None:
    """How the person signed in, where the token tells: it is Microsoft's to read, not ours."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(claims, type=_Claims).factors
    except (binascii.Error, ValueError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
