"""The two ways in which a service obtains its token: client credentials, and name and password.

Both renew it as `BearerAuth` does; what differs is the request and the words about its refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from syncd.sdk.answer import Answer
from syncd.sdk.bearer import BearerAuth
from syncd.sdk.connector import EventLog
from syncd.sdk.errors import AuthError, ConnectorError, PermissionMissing
from syncd.sdk.http import HttpPolicy, post_form, post_json


class ClientCredentials(BearerAuth):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4), sent as a form."""

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
        super().__init__(
            connection=connection,
            token_url=token_url,
            secret=client_secret,
            clock=clock,
            early_seconds=early_seconds,
            log=log,
            policy=policy,
        )
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        if scope:
            self._form["scope"] = scope
        self._scope = scope
        self._params = dict(params) if params else None

    async def _ask(self) -> Answer:
        return await post_form(
            self._url,
            connection=self._connection,
            form=self._form,
            params=self._params,
            policy=self._policy,
        )

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        status, name = answer.status, self._connection
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


class PasswordLogin(BearerAuth):
    """A login that takes a name and a password as JSON and answers a bearer token."""

    def __init__(
        self,
        *,
        connection: str,
        login_url: str,
        fields: Mapping[str, str],
        password: str,
        settings: str,
        clock: Callable[[], datetime],
        early_seconds: float = 300.0,
        log: EventLog | None = None,
        policy: HttpPolicy = HttpPolicy(),  # noqa: B008 - frozen
    ) -> None:
        """Describe the login; nothing is sent before the first call needs a token.

        Args:
            connection: name in the configuration, for messages.
            login_url: full address of the login.
            fields: body of the login, the password among them.
            password: blotted out of the vendor's words.
            settings: names of the settings that hold the credentials, for the remedy.
            clock: current time in UTC.
            early_seconds: how long before its end a token is renewed.
            log: receives `token.refreshed` and `token.rejected`.
            policy: bounds of the login.

        Raises:
            ValueError: the address is not one that we may speak to.
        """
        super().__init__(
            connection=connection,
            token_url=login_url,
            secret=password,
            clock=clock,
            early_seconds=early_seconds,
            log=log,
            policy=policy,
        )
        self._fields = dict(fields)
        self._settings = settings

    async def _ask(self) -> Answer:
        return await post_json(
            self._url, connection=self._connection, json=self._fields, policy=self._policy
        )

    def _denial(self, answer: Answer, code: str, words: str) -> ConnectorError:
        status, name = answer.status, self._connection
        if status == 404:
            what, where = "the vendor's login is not there (404)", "the base URL"
        else:
            what, where = f"the vendor refuses the login ({code or status})", self._settings
        return AuthError(
            f"{name}: {what}{words}",
            remedy=f"check {where} of connection {name}; credentials that were made anew at the"
            " vendor end the old ones",
            connection=name,
            http_status=status,
            request_id=answer.request_id,
        )
