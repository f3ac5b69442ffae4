"""Tokens: one per tenant, fetched over one pool of connections and kept until they end.

Refusals are read by their AADSTS number, so that each tenant's reason has a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from syncd.sdk import waiting
from syncd.sdk.answer import Answer
from syncd.sdk.bearer import BearerAuth
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConnectorError, VendorUnavailable
from syncd.sdk.http import ApiClient
from syncd_entra.proofs import Proof
from syncd_entra.refusals import UNKNOWN_SIGNATURE, Blame, Refusal, SignInRefusal, meaning_of

EARLY: Final = 120.0
"""Seconds before its end in which a token is no longer used."""

SETTLING: Final = (1.0, 2.0, 4.0)
"""Seconds before a new certificate is tried again: the servers learn of it one after another."""


class MicrosoftToken(BearerAuth):
    """A token for one tenant from Microsoft's sign-in service."""

    over_gdap = False

    def __init__(
        self,
        login: ApiClient,
        *,
        connection: str,
        login_url: str,
        tenant: str,
        proof: Proof,
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
            proof: of the application.
            scope: the resource, ending in `/.default`.
            clock: current time in UTC.
            log: receives `token.refreshed` and `token.rejected`.
        """
        path = f"/{tenant}/oauth2/v2.0/token"
        super().__init__(
            connection=connection,
            token_url=login_url + path,
            secret=proof.secret,
            clock=clock,
            early_seconds=EARLY,
            log=log,
        )
        self._login = login
        self._path = path
        self._proof = proof
        self._scope = scope

    async def obtain(self) -> None:
        """Fetch a token, so that a refusal is known before anything else is asked.

        Raises:
            ConnectorError: there is none.
        """
        if self._token is None:
            await self._renewed()

    async def _post(self, form: Mapping[str, str]) -> Answer:
        """The answer to a token request, asked again while a new certificate is getting known."""
        pauses = iter(SETTLING if self._proof.settles else ())
        while True:
            proof = self._proof.fields(self._url, self._clock())
            answer = await self._login.send_form(self._path, {**form, **proof})
            if answer.status < 400 or meaning_of(answer.body)[1] != UNKNOWN_SIGNATURE:
                return answer
            pause = next(pauses, None)
            if pause is None:
                return answer
            await waiting.sleep(pause)

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        meaning, number = meaning_of(answer.body, over_gdap=self.over_gdap)
        detail = f" (AADSTS{number})" if number is not None else f" ({code or answer.status})"
        if meaning.blame is Blame.LATER:
            return VendorUnavailable(
                f"{meaning.code}: {self._connection}: {meaning.what}{detail}{words}",
                remedy=meaning.remedy,
                connection=self._connection,
                http_status=answer.status,
                request_id=answer.request_id,
            )
        kind = SignInRefusal if meaning.blame is Blame.SIGN_IN else Refusal
        return kind(
            meaning,
            self._connection,
            f"{detail}{words}",
            http_status=answer.status,
            request_id=answer.request_id,
        )


class AppToken(MicrosoftToken):
    """Client credentials: the application acts by its own rights in the tenant."""

    async def _ask(self) -> Answer:
        return await self._post({"grant_type": "client_credentials", "scope": self._scope})
