"""A person's consent for one company: Intuit's page, and what its code is worth.

Intuit says with the code which company was chosen; consent for another one than the connection's
is refused before anything of it is exchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

import msgspec

from syncd.sdk.connector import Context
from syncd.sdk.errors import AuthError, ProtocolError
from syncd.sdk.tokens import Granted
from syncd_quickbooks.config import QuickBooksConfig
from syncd_quickbooks.token import TOKEN_NAME, consent_ends, denial, token_endpoint

SCOPE: Final = "com.intuit.quickbooks.accounting"


class _Tokens(msgspec.Struct):
    refresh_token: str | None = None


class _Denied(msgspec.Struct):
    error: str | None = None


class CompanySignIn(AbstractAsyncContextManager["CompanySignIn"]):
    """One sign-in; open it before the browser comes back. Intuit documents no PKCE."""

    token_name = TOKEN_NAME
    redirect: str | None

    def __init__(self, context: Context[QuickBooksConfig]) -> None:
        self._context = context
        self._config = context.config
        self.redirect = context.config.redirect_url
        self._login = token_endpoint(context)
        self._chosen = False

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
        """Intuit's page, where the person picks the company."""
        del challenge
        query = {
            "client_id": self._config.client_id,
            "response_type": "code",
            "scope": SCOPE,
            "redirect_uri": redirect,
            "state": state,
        }
        return f"{self._config.login_url}?{urlencode(query)}"

    def came_back(self, parameters: Mapping[str, str]) -> None:
        """Compare the company that was chosen.

        Raises:
            AuthError: it is another one, or Intuit did not say.
        """
        chosen, ours = parameters.get("realmId", ""), self._config.realm
        name = self._context.connection
        if chosen == ours:
            self._chosen = True
            return
        told = f"company {chosen[:30]!r}" if chosen else "no company that is named"
        raise AuthError(
            f"{name}: the consent is for {told}, and the connection is for {ours}; nothing is kept",
            remedy=f"run `syncd login {name}` again and pick the right company, or correct realm",
            connection=name,
        )

    async def redeem(self, code: str, *, redirect: str, verifier: str) -> Granted:
        """Exchange the code.

        Raises:
            AuthError: Intuit refuses the code or the app, or the company was not compared.
            ProtocolError: no refresh token was granted.
        """
        del verifier
        name, realm = self._context.connection, self._config.realm
        if not self._chosen:
            raise AuthError(f"{name}: which company was chosen is not known", connection=name)
        asked_at = self._context.clock()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        answer = await self._login.send_form(self._config.token_url, form)
        if answer.status != 200:
            raise self._refusal(answer.status, denial(name, answer, _code_in(answer.body), ""))
        granted = answer.decode(_Tokens)
        if not granted.refresh_token:
            raise ProtocolError(
                f"{name}: the sign-in granted no token that lasts",
                remedy=f"try again with `syncd login {name}`",
                connection=name,
            )
        return Granted(
            token=granted.refresh_token,
            ends_at=consent_ends(answer, asked_at),
            summary=f"QuickBooks company {realm}",
        )

    def _refusal(self, status: int, error: Exception) -> Exception:
        if status >= 500:
            from syncd.sdk.errors import VendorUnavailable

            name = self._context.connection
            return VendorUnavailable(
                f"{name}: Intuit's token endpoint answered {status}",
                remedy=f"try again with `syncd login {name}`",
                connection=name,
                http_status=status,
            )
        return error


def _code_in(body: bytes) -> str:
    """The OAuth code of a refusal; empty where there is none that is sound."""
    try:
        code = msgspec.json.decode(body, type=_Denied).error or ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return code if len(code) <= 40 and code.replace("_", "").isalnum() else ""
