"""Tokens: one per tenant, fetched over one pool of connections and kept until they end.

Refusals are read by their AADSTS number, so that each tenant's reason has a name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from syncd.sdk.answer import Answer
from syncd.sdk.bearer import BearerAuth
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConnectorError, VendorUnavailable
from syncd.sdk.http import ApiClient
from syncd_entra.refusals import Blame, Refusal, meaning_of

EARLY: Final = 120.0
"""Seconds before its end in which a token is no longer used."""


class TenantToken(BearerAuth):
    """Client credentials of an application, for one tenant."""

    def __init__(
        self,
        login: ApiClient,
        *,
        connection: str,
        login_url: str,
        tenant: str,
        client_id: str,
        client_secret: str,
        scope: str,
        clock: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        """Describe the credentials; nothing is sent before the first call needs a token.

        Args:
            login: open connections to the sign-in service.
            connection: name in the configuration, for messages.
            login_url: base URL of the sign-in service.
            tenant: id of the tenant; it selects whom the token is for.
            client_id: the application.
            client_secret: its secret.
            scope: the resource, ending in `/.default`.
            clock: current time in UTC.
            log: receives `token.refreshed` and `token.rejected`.
        """
        path = f"/{tenant}/oauth2/v2.0/token"
        super().__init__(
            connection=connection,
            token_url=login_url + path,
            secret=client_secret,
            clock=clock,
            early_seconds=EARLY,
            log=log,
        )
        self._login = login
        self._path = path
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        }

    async def _ask(self) -> Answer:
        return await self._login.send_form(self._path, self._form)

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        meaning, number = meaning_of(answer.body)
        detail = f" (AADSTS{number})" if number is not None else f" ({code or answer.status})"
        if meaning.blame is Blame.LATER:
            return VendorUnavailable(
                f"{meaning.code}: {self._connection}: {meaning.what}{detail}{words}",
                remedy=meaning.remedy,
                connection=self._connection,
                http_status=answer.status,
                request_id=answer.request_id,
            )
        return Refusal(
            meaning,
            self._connection,
            f"{detail}{words}",
            http_status=answer.status,
            request_id=answer.request_id,
        )
