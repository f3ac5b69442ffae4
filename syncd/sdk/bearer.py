"""Signs requests with a bearer token that is fetched when first needed and renewed in time.

However many calls need a token at once, one request fetches it, and a cancelled caller does not
lose it for the others. How a token is asked for is said by a subclass.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConnectorError, ProtocolError
from syncd.sdk.http import Auth, HttpPolicy, Request, Response, check_base_url
from syncd.sdk.verdict import Exchange, cleaned, refused

LONGEST_LIFE = 365 * 86_400.0
"""Seconds; a token that claims to live longer is renewed after a year."""

LONGEST_DESCRIPTION = 200
"""Characters of a vendor's explanation in a message."""


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    value: str
    renew_at: datetime | None


class _Granted(msgspec.Struct):
    access_token: str
    token_type: str = "bearer"  # noqa: S105 - a kind, no secret
    expires_in: float | str | None = None


class _Refused(msgspec.Struct):
    error: Any = None
    error_description: Any = None


class BearerAuth(Auth, ABC):
    """A token from an endpoint that answers `access_token`, `token_type` and `expires_in`.

    A token is renewed `early_seconds` before the end that the vendor stated with it, or after half
    of its life where that is shorter. A 401 renews it once, unless another call has done so
    meanwhile, and the refused request is sent once more. The secret and the token are in no
    message, event or representation.

    Attributes:
        fetches: token requests sent.
    """

    def __init__(
        self,
        *,
        connection: str,
        token_url: str,
        secret: str,
        clock: Callable[[], datetime],
        early_seconds: float = 60.0,
        log: EventLog | None = None,
        policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
    ) -> None:
        """Describe the endpoint; nothing is sent before the first call needs a token.

        Args:
            connection: name in the configuration, for messages.
            token_url: full address of the token endpoint; its host may differ from the API's.
            secret: blotted out of the vendor's words.
            clock: current time in UTC.
            early_seconds: how long before its end a token is renewed.
            log: receives `token.refreshed` and `token.rejected`.
            policy: bounds of the token request.

        Raises:
            ValueError: the token URL is not an address that we may speak to.
        """
        self.fetches = 0
        self._connection = connection
        check_base_url(token_url)
        self._url = token_url
        self._secrets = [form(secret) for form in (str, quote, quote_plus)]
        self._clock = clock
        self._early = early_seconds
        self._log = log
        self._policy = policy
        self._token: _Token | None = None
        self._fetching: asyncio.Task[_Token] | None = None

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"<{kind} of {self._connection} at {urlsplit(self._url).hostname}>"

    @abstractmethod
    async def _ask(self) -> Answer:
        """Send the token request; the answer may have any status."""

    @abstractmethod
    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        """The error for a 4xx other than 429.

        Args:
            answer: of the endpoint.
            code: the OAuth error code it names, empty where there is none.
            words: its explanation after a colon, cleaned, or empty.
        """

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Sign; on a 401 renew and sign once more.

        Raises:
            AuthError: the vendor refuses the credentials.
            PermissionMissing: it refuses the rights asked for.
            TransientError: the token endpoint cannot serve now; the request was not sent.
            ProtocolError: the token endpoint's answer is not a token.
        """
        token = self._token
        if token is None or (token.renew_at is not None and self._clock() >= token.renew_at):
            token = await self._renewed()
        request.headers["authorization"] = f"Bearer {token.value}"
        response = yield request
        if response.status_code == 401:
            if self._token is None or self._token is token:
                token = await self._renewed()
            else:
                token = self._token
            request.headers["authorization"] = f"Bearer {token.value}"
            yield request

    async def _renewed(self) -> _Token:
        """A new token, fetched once for all who wait for it."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    def _fetched(self, task: asyncio.Task[_Token]) -> None:
        self._fetching = None
        if not task.cancelled() and task.exception() is None:
            self._token = task.result()

    async def _fetch(self) -> _Token:
        asked_at = self._clock()
        self.fetches += 1
        answer = await self._ask()
        if answer.status != 200:
            raise self._refusal(answer)
        granted = answer.decode(_Granted)
        value = granted.access_token
        if granted.token_type.lower() != "bearer" or not _is_credential(value):
            raise ProtocolError(
                f"{self._connection}: the token endpoint answered something that is not a bearer"
                " token",
                remedy=f"check the token URL of connection {self._connection}",
                connection=self._connection,
                http_status=answer.status,
                request_id=answer.request_id,
            )
        life = _seconds(granted.expires_in)
        if self._log is not None:
            self._log("token.refreshed", expires_in_s=life)
        if life is None:
            return _Token(value, None)
        kept = life - min(self._early, life / 2)
        return _Token(value, asked_at + timedelta(seconds=kept))

    def _refusal(self, answer: Answer) -> ConnectorError:
        status, name = answer.status, self._connection
        if status < 400 or status == 429 or status >= 500:
            call = Exchange(name, f"the token request to {urlsplit(self._url).hostname}")
            return refused(call, answer, self._policy, now=self._clock())
        code, words = self._explanation(answer.body)
        if self._log is not None:
            self._log("token.rejected", code=code or str(status))
        return self._denial(answer, code, words)

    def _explanation(self, body: bytes) -> tuple[str, str]:
        """The OAuth error code, and the vendor's words after a colon; empty where there is none."""
        try:
            refused = msgspec.json.decode(body, type=_Refused)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return "", ""
        code = refused.error if isinstance(refused.error, str) else ""
        text = refused.error_description if isinstance(refused.error_description, str) else ""
        words = cleaned(text, self._secrets, LONGEST_DESCRIPTION)
        return cleaned(code, self._secrets, 60), f": {words}" if words else ""


def _is_credential(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and " " not in value


def _seconds(value: float | str | None) -> float | None:
    """A token's life; None when the vendor did not state a usable one."""
    try:
        seconds = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return min(seconds, LONGEST_LIFE) if seconds > 0 else None
