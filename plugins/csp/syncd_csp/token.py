"""Tokens of the partner tenant: the application's own, or one that a person's sign-in stands for.

Both prove the application by its secret or its certificate; refusals are read by their AADSTS
number, so that each has a name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from syncd.sdk.answer import Answer
from syncd.sdk.assertion import ASSERTION_TYPE, Certificate, client_assertion
from syncd.sdk.bearer import BearerAuth
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import ConfigError, ConnectorError, SignInExpired, VendorUnavailable
from syncd.sdk.http import ApiClient
from syncd.sdk.refresh import RefreshExchange
from syncd.sdk.refresh_bearer import RefreshAuth
from syncd_csp.config import CspConfig
from syncd_csp.refusals import CERTIFICATE, Blame, Refusal, advice, meaning_of

EARLY: Final = 120.0
"""Seconds before its end in which a token is no longer used."""

LIVES: Final = timedelta(days=90)
"""How long a refresh token lives unless it is exchanged, as Microsoft documents."""


SETTLING: Final = 3
"""How often a certificate may be refused before it is believed."""


class Proof:
    """How the application proves itself: by its secret, or by its certificate.

    Attributes:
        certificate: with its end, None where a secret is used.
        secret: blotted out of messages; empty with a certificate.
    """

    def __init__(
        self, config: CspConfig, *, connection: str, clock: Callable[[], datetime]
    ) -> None:
        """Read the certificate, if there is one.

        Raises:
            ConfigError: it cannot be read.
        """
        self._client_id = config.client_id
        self._clock = clock
        self.url = f"{config.login_url}/{config.partner_tenant}/oauth2/v2.0/token"
        self.secret = config.client_secret.get_secret_value() if config.client_secret else ""
        self.certificate: Certificate | None = None
        self._algorithm = config.certificate_algorithm
        self._refused = 0
        if config.certificate is not None:
            password = config.certificate_password
            try:
                self.certificate = Certificate.load(
                    config.certificate.get_secret_value(),
                    password.get_secret_value() if password else None,
                )
            except ValueError as error:
                message = f"certificate of connection '{connection}': {error}"
                raise ConfigError(message, remedy="mend the file that certificate names") from None

    def fields(self) -> dict[str, str]:
        """The fields of a token request that say who asks."""
        if self.certificate is None:
            return {"client_id": self._client_id, "client_secret": self.secret}
        return {
            "client_id": self._client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(
                certificate=self.certificate,
                client_id=self._client_id,
                audience=self.url,
                now=self._clock(),
                algorithm=self._algorithm,
            ),
        }

    def settles(self) -> bool:
        """Whether a refusal of the certificate may heal: sign-in nodes learn of a new one late."""
        self._refused += 1
        return self.certificate is not None and self._refused <= SETTLING


class AppToken(BearerAuth):
    """Client credentials of the application in the partner tenant."""

    def __init__(
        self,
        login: ApiClient,
        proof: Proof,
        *,
        connection: str,
        resource: str,
        clock: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        """Describe the credentials; nothing is sent before the first call needs a token.

        Args:
            login: open connections to the sign-in service.
            proof: of the application.
            connection: name in the configuration, for messages.
            resource: address of the service that the token is for.
            clock: current time in UTC.
            log: receives `token.refreshed` and `token.rejected`.
        """
        super().__init__(
            connection=connection,
            token_url=proof.url,
            secret=proof.secret,
            clock=clock,
            early_seconds=EARLY,
            log=log,
        )
        self._login = login
        self._proof = proof
        self._scope = f"{resource}/.default"

    async def _ask(self) -> Answer:
        form = {"grant_type": "client_credentials", "scope": self._scope, **self._proof.fields()}
        return await self._login.send_form(self._proof.url, form)

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        return denial(self._connection, answer, code, words, self._proof)


class UserToken(RefreshAuth):
    """What a person's refresh token is exchanged for, at the partner's own tenant."""

    def __init__(
        self,
        login: ApiClient,
        proof: Proof,
        tokens: RefreshExchange,
        *,
        connection: str,
        resource: str,
        clock: Callable[[], datetime],
        log: EventLog,
    ) -> None:
        """Describe the exchange; everything but `tokens` as with `AppToken`."""
        super().__init__(
            tokens,
            connection=connection,
            token_url=proof.url,
            secret=proof.secret,
            clock=clock,
            lives=LIVES,
            early_seconds=EARLY,
            log=log,
        )
        self._login = login
        self._proof = proof
        self._scope = f"{resource}/.default offline_access"

    async def _ask_with(self, refresh_token: str) -> Answer:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "scope": self._scope,
            **self._proof.fields(),
        }
        return await self._login.send_form(self._proof.url, form)

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        return denial(self._connection, answer, code, words, self._proof)


def denial(connection: str, answer: Answer, code: str, words: str, proof: Proof) -> ConnectorError:
    """The error for a token that is not given, by its AADSTS number."""
    meaning, number = meaning_of(answer.body)
    detail = f" (AADSTS{number})" if number is not None else f" ({code or answer.status})"
    if meaning.blame is Blame.LATER or (meaning is CERTIFICATE and proof.settles()):
        return VendorUnavailable(
            f"{meaning.code}: {connection}: {meaning.what}{detail}{words}",
            remedy=meaning.remedy,
            connection=connection,
            http_status=answer.status,
            request_id=answer.request_id,
        )
    if meaning.blame is Blame.SIGN_IN:
        return SignInExpired(
            f"{meaning.code}: {connection}: {meaning.what}{detail}{words}",
            remedy=advice(meaning, connection),
            connection=connection,
            http_status=answer.status,
            request_id=answer.request_id,
        )
    return Refusal(
        meaning,
        connection,
        f"{detail}{words}",
        http_status=answer.status,
        request_id=answer.request_id,
    )
