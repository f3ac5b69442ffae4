"""Signs requests with access tokens for which one rotating refresh token is exchanged.

Each such signature is for one tenant and one set of rights; they share a `RefreshExchange`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import quote, quote_plus

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.bearer import BearerAuth
from syncd.sdk.connector import EventLog
from syncd.sdk.http import HttpPolicy
from syncd.sdk.refresh import Exchanged, RefreshExchange


class _Rotated(msgspec.Struct):
    refresh_token: str | None = None


class RefreshAuth(BearerAuth):
    """A bearer token that a refresh token is exchanged for, whenever one is needed.

    A subclass says how the exchange is sent. Its `_denial` returns SignInExpired when the refresh
    token itself is refused, and another error for everything else; see `refresh.Ask`.
    """

    def __init__(
        self,
        tokens: RefreshExchange,
        *,
        connection: str,
        token_url: str,
        secret: str,
        clock: Callable[[], datetime],
        lives: timedelta | None = None,
        early_seconds: float = 60.0,
        log: EventLog | None = None,
        policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
    ) -> None:
        """Describe the endpoint; nothing is sent before the first call needs a token.

        Args:
            tokens: the shared refresh token.
            connection: name in the configuration, for messages.
            token_url: full address of the token endpoint; its host may differ from the API's.
            secret: blotted out of the vendor's words, as the refresh token is; may be empty.
            clock: current time in UTC.
            lives: how long a refresh token lives unless it is exchanged; None if unknown.
            early_seconds: how long before its end an access token is renewed.
            log: receives `token.refreshed` and `token.rejected`.
            policy: bounds of the token request.

        Raises:
            ValueError: the token URL is not an address that we may speak to.
        """
        super().__init__(
            connection=connection,
            token_url=token_url,
            secret=secret,
            clock=clock,
            early_seconds=early_seconds,
            log=log,
            policy=policy,
        )
        self._tokens = tokens
        self._lives = lives
        self._lasting = list(self._secrets) if secret else []

    @abstractmethod
    async def _ask_with(self, refresh_token: str) -> Answer:
        """Send the token request with this refresh token; the answer may have any status."""

    def _consent_ends(
        self,
        answer: Answer,  # noqa: ARG002 - for those that replace it
        now: datetime,
    ) -> datetime | None:
        """When a person must consent again; to be replaced where the vendor says so itself.

        Args:
            answer: a successful one.
            now: when it was asked for, UTC.
        """
        return None if self._lives is None else now + self._lives

    async def _ask(self) -> Answer:
        return await self._tokens.run(self._exchange)

    async def _exchange(self, refresh_token: str) -> Exchanged[Answer]:
        now = self._clock()
        self._secrets = [
            *self._lasting,
            *(form(refresh_token) for form in (str, quote, quote_plus)),
        ]
        answer = await self._ask_with(refresh_token)
        if answer.status != 200:
            raise self._refusal(answer)
        # The access token is read by whom it is for, after this: should it be unusable, the
        # refresh token that came with it is stored nevertheless.
        return Exchanged(
            payload=answer,
            refresh_token=answer.decode(_Rotated).refresh_token or None,
            ends_at=self._consent_ends(answer, now),
        )
