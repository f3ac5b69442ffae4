"""Signs requests with an OAuth 2.0 client-credentials token that it fetches and renews itself.

However many calls need a token at once, one request fetches it, and a cancelled caller does not
lose it for the others.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import msgspec

from syncd.sdk.answer import Answer
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import (
    AuthError,
    ConnectorError,
    PermissionMissing,
    ProtocolError,
)
from syncd.sdk.http import Auth, HttpPolicy, Request, Response, check_base_url, post_form
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


class ClientCredentials(Auth):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4), sent as a form.

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
        client_id: str,
        client_secret: str,
        scope: str,
        clock: Callable[[], datetime],
        params: Mapping[str, str] | None = None,
        early_seconds: float = 60.0,
        log: EventLog | None = None,
        policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
    ) -> None:
        """Describe the credentials; nothing is sent before the first call needs a token.

        Args:
            connection: name in the configuration, for messages.
            token_url: full address of the token endpoint; its host may differ from the API's.
            client_id: the application's id.
            client_secret: its secret.
            scope: rights asked for, separated by spaces; empty leaves the field out.
            clock: current time in UTC.
            params: query of the token request, e.g. a tenant.
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
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        if scope:
            self._form["scope"] = scope
        self._scope = scope
        self._secrets = [form(client_secret) for form in (str, quote, quote_plus)]
        self._params = dict(params) if params else None
        self._clock = clock
        self._early = early_seconds
        self._log = log
        self._policy = policy
        self._token: _Token | None = None
        self._fetching: asyncio.Task[_Token] | None = None

    def __repr__(self) -> str:
        return f"<ClientCredentials of {self._connection} at {urlsplit(self._url).hostname}>"

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """Sign; on a 401 renew and sign once more.

        Raises:
            AuthError: the vendor refuses the credentials.
            PermissionMissing: it refuses the scope.
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
        answer = await post_form(
            self._url,
            connection=self._connection,
            form=self._form,
            params=self._params,
            policy=self._policy,
        )
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
        if code == "invalid_scope":
            return PermissionMissing(
                f"{name}: the vendor does not grant the scope {self._scope!r}{words}",
                remedy="allow this scope on the API application at the vendor",
                connection=name,
                http_status=status,
                request_id=answer.request_id,
            )
        if status == 404:
            what, where = "is not there (404)", "base URL, token URL, region and tenant"
        else:
            what = f"refuses the client id and secret ({code or status})"
            where = "client_id and client_secret, and that they belong to this region and tenant"
        return AuthError(
            f"{name}: the token endpoint {what}{words}",
            remedy=f"check {where} of connection {name}",
            connection=name,
            http_status=status,
            request_id=answer.request_id,
        )

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
