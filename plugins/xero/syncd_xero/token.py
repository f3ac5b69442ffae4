"""Tokens of Xero: a custom connection's own, or those that a person's sign-in stands for.

The refresh token changes at each exchange; the one before is taken for 30 minutes more, and the
newest ends after 60 days without use.
"""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.bearer import BearerAuth
from syncd.sdk.connector import Context, RateLimit
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing, SignInExpired
from syncd.sdk.http import ApiClient
from syncd.sdk.refresh import RefreshExchange
from syncd.sdk.refresh_bearer import RefreshAuth
from syncd_xero.config import XeroConfig

TOKEN_NAME: Final = "refresh"  # noqa: S105 - a name

LIVES: Final = timedelta(days=60)
"""How long a refresh token lives unless it is exchanged, as Xero documents."""

EARLY: Final = 120.0
"""Seconds before its end in which a token is no longer used."""


class _Claims(msgspec.Struct):
    scope: list[str] | str | None = None


class _Told(msgspec.Struct):
    access_token: str = ""
    scope: str | None = None


def token_client(context: Context[XeroConfig]) -> ApiClient:
    """The way to the token endpoint; the app proves itself by a header where it has a secret."""
    config = context.config
    headers = {}
    if config.client_secret is not None:
        pair = f"{config.client_id}:{config.client_secret.get_secret_value()}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    parts = urlsplit(config.token_url)
    return ApiClient(
        connection=context.connection,
        base_url=f"{parts.scheme}://{parts.netloc}",
        auth=None,
        limits=RateLimit(concurrency=2),
        clock=context.clock,
        log=context.log,
        headers=headers,
    )


def app_fields(config: XeroConfig) -> dict[str, str]:
    """The fields of a token request that say who asks, for an app without a secret."""
    return {} if config.client_secret is not None else {"client_id": config.client_id}


def secret_of(config: XeroConfig) -> str:
    return config.client_secret.get_secret_value() if config.client_secret else ""


class CustomToken(BearerAuth):
    """Client credentials of a custom connection, which opens one organisation.

    Attributes:
        scopes: rights of the newest token, None if neither it nor its answer tells.
    """

    def __init__(self, login: ApiClient, context: Context[XeroConfig]) -> None:
        """Describe the credentials; nothing is sent before the first call needs a token."""
        config = context.config
        super().__init__(
            connection=context.connection,
            token_url=config.token_url,
            secret=secret_of(config),
            clock=context.clock,
            early_seconds=EARLY,
            log=context.log,
        )
        self._login = login
        self.scopes: frozenset[str] | None = None
        self._scope = " ".join(config.wanted_scopes)

    async def _ask(self) -> Answer:
        form = {"grant_type": "client_credentials", "scope": self._scope}
        answer = await self._login.send_form(self._url, form)
        self.scopes = scopes_in(answer)
        return answer

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        return denial(self._connection, answer, code, words)


class ConsentToken(RefreshAuth):
    """What a person's refresh token is exchanged for.

    Attributes:
        scopes: rights of the newest token, None if neither it nor its answer tells.
    """

    def __init__(
        self, login: ApiClient, tokens: RefreshExchange, context: Context[XeroConfig]
    ) -> None:
        """Describe the exchange.

        Args:
            login: open way to the token endpoint.
            tokens: the refresh token in the vault.
            context: of the connection.
        """
        config = context.config
        super().__init__(
            tokens,
            connection=context.connection,
            token_url=config.token_url,
            secret=secret_of(config),
            clock=context.clock,
            lives=LIVES,
            early_seconds=EARLY,
            log=context.log,
        )
        self._login = login
        self.scopes: frozenset[str] | None = None
        self._fields = app_fields(config)

    async def _ask_with(self, refresh_token: str) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **self._fields}
        answer = await self._login.send_form(self._url, form)
        self.scopes = scopes_in(answer)
        return answer

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        return denial(self._connection, answer, code, words)


def denial(connection: str, answer: Answer, code: str, words: str) -> ConnectorError:
    """The error for a token that is not given."""
    status = answer.status
    if code == "invalid_grant":
        return SignInExpired(
            f"{connection}: Xero takes the stored sign-in no longer{words}",
            remedy=f"run `syncd login {connection}`; somebody disconnected the app, or it was not"
            " used for 60 days",
            connection=connection,
            http_status=status,
            request_id=answer.request_id,
        )
    if code == "invalid_scope":
        return PermissionMissing(
            f"{connection}: Xero grants the app not all the scopes asked for{words}",
            remedy="allow them on the app at developer.xero.com; an app made before 2026-03-02 may"
            " need the broad ones: write scopes",
            connection=connection,
            http_status=status,
            request_id=answer.request_id,
        )
    if code == "unauthorized_client":
        what = "the app is not of the kind that access names"
        remedy = (
            'write access = "custom" for a custom connection only, and authorise it once by the'
            " e-mail that Xero sends; consent for every other app"
        )
    else:
        what = f"the client id and secret are refused ({code or status})"
        remedy = f"check client_id and client_secret of connection {connection}"
    return AuthError(
        f"{connection}: {what}{words}",
        remedy=remedy,
        connection=connection,
        http_status=status,
        request_id=answer.request_id,
    )


def scopes_in(answer: Answer) -> frozenset[str] | None:
    """The scopes that a token's answer or the token itself names, where one of them tells."""
    if answer.status != 200:
        return None
    try:
        told = msgspec.json.decode(answer.body, type=_Told)
        scope: list[str] | str | None = told.scope
        parts = told.access_token.split(".")
        if not scope and len(parts) == 3:
            claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
            scope = msgspec.json.decode(claims, type=_Claims).scope
    except (binascii.Error, ValueError, msgspec.MsgspecError, UnicodeDecodeError):
        return None  # what it opens is tried by reading, too
    if not scope:
        return None
    return frozenset(scope.split() if isinstance(scope, str) else scope)
