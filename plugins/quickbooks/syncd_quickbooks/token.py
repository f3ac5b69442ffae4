"""Access tokens of Intuit, for which the stored refresh token is exchanged.

Every answer carries a refresh token, most days the same one: the newest is stored before anything
that came with it is used. It lives for a hundred days unless it is used, and five years at most.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.connector import Context, EventLog, RateLimit
from syncd.sdk.errors import AuthError, ConnectorError, SignInExpired
from syncd.sdk.http import ApiClient
from syncd.sdk.refresh import RefreshExchange
from syncd.sdk.refresh_bearer import RefreshAuth
from syncd_quickbooks.config import QuickBooksConfig

TOKEN_NAME: Final = "refresh"  # noqa: S105 - a name
EARLY: Final = 120.0
"""Seconds before its end in which an access token is no longer used."""

LIVES: Final = timedelta(days=100)
"""How long a refresh token lives unless it is exchanged, where the answer does not say."""

LONGEST: Final = timedelta(days=5 * 365)
"""How long a consent lasts however often its token is exchanged, at the most."""

TELL_HARD_END: Final = "x-include-refresh-token-hard-expires-in"


class _Lives(msgspec.Struct):
    """How long the refresh token of an answer lives, in seconds."""

    rolling: int | None = msgspec.field(default=None, name="x_refresh_token_expires_in")
    hard: int | None = msgspec.field(default=None, name="x_refresh_token_hard_expires_in")


def consent_ends(answer: Answer, now: datetime) -> datetime:
    """When a person must consent again unless the token is exchanged before."""
    lives = answer.decode(_Lives)
    rolling = LIVES if lives.rolling is None else timedelta(seconds=max(lives.rolling, 0))
    hard = LONGEST if lives.hard is None else timedelta(seconds=max(lives.hard, 0))
    return now + min(rolling, hard, LONGEST)


def token_endpoint(context: Context[QuickBooksConfig]) -> ApiClient:
    """The way to the token endpoint, which the app proves itself to by its id and secret."""
    config = context.config
    pair = f"{config.client_id}:{config.client_secret.get_secret_value()}"
    return ApiClient(
        connection=context.connection,
        base_url=config.token_url,
        auth=None,
        limits=RateLimit(concurrency=1),
        clock=context.clock,
        log=context.log,
        headers={
            "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
            TELL_HARD_END: "true",
        },
    )


class CompanyToken(RefreshAuth):
    """What a person's consent is exchanged for: access to the one company."""

    def __init__(
        self,
        login: ApiClient,
        tokens: RefreshExchange,
        config: QuickBooksConfig,
        *,
        connection: str,
        clock: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        """Describe the exchange; nothing is sent before the first call needs a token.

        Args:
            login: open connections to the token endpoint.
            tokens: the stored refresh token.
            config: names the endpoint and the app's secret, which is blotted out of messages.
            connection: name in the configuration, for messages.
            clock: current time in UTC.
            log: receives `token.refreshed` and `token.rejected`.
        """
        super().__init__(
            tokens,
            connection=connection,
            token_url=config.token_url,
            secret=config.client_secret.get_secret_value(),
            clock=clock,
            early_seconds=EARLY,
            log=log,
        )
        self._login = login

    async def _ask_with(self, refresh_token: str) -> Answer:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._login.send_form(self._url, form)

    def _consent_ends(self, answer: Answer, now: datetime) -> datetime:
        return consent_ends(answer, now)

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        return denial(self._connection, answer, code, words)


def denial(connection: str, answer: Answer, code: str, words: str) -> ConnectorError:
    """The error for a token that is not given, by its OAuth code."""
    kind: type[AuthError] = AuthError
    if code == "invalid_grant":
        kind = SignInExpired
        what = "the consent has ended, was taken back, or another program used up its token"
        remedy = (
            f"run `syncd login {connection}`; use the consent of an app in one installation only"
        )
    elif code == "invalid_client" or answer.status == 401:
        what = "Intuit does not know the app by this id and secret"
        remedy = "check client_id and client_secret: both of the same set of keys"
    else:
        what, remedy = "Intuit gives no token", "mend what it says, then try again"
    return kind(
        f"{connection}: {what} ({code or answer.status}){words}",
        remedy=remedy,
        connection=connection,
        http_status=answer.status,
        request_id=answer.request_id,
    )
