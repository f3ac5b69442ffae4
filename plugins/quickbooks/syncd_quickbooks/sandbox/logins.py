"""The simulated sign-in of Intuit: consent, codes, access tokens and refresh tokens that rotate.

A token opens the one company that the person picked. Access tokens age on the option `monotonic`,
refresh tokens, which live for months, on the world's clock.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from syncd_quickbooks.sandbox.options import Options

SCOPE: Final = "com.intuit.quickbooks.accounting"
DAY: Final = timedelta(days=1)
Reply = tuple[int, dict[str, Any]]


@dataclass(slots=True)
class Refresh:
    """A refresh token.

    Attributes:
        realm: that it opens.
        ends: when it dies, a day and more before that only if it is not used.
        born: when it was handed out.
        consent: which consent it goes back to.
    """

    realm: str
    ends: datetime
    born: datetime
    consent: int


@dataclass(slots=True)
class Bearer:
    """An access token.

    Attributes:
        realm: that it opens.
        ends: on the option `monotonic`.
        consent: which consent it goes back to.
    """

    realm: str
    ends: float
    consent: int


class Logins:
    """Issues and knows tokens.

    Attributes:
        exchanges: refresh tokens that were exchanged.
        reused: attempts with a refresh token that was dead by then.
        issued: every token that was handed out, so that tests can look for them.
    """

    def __init__(self, options: Options, now: Callable[[], datetime]) -> None:
        self._options = options
        self._now = now
        self._refresh: dict[str, Refresh] = {}
        self._bearers: dict[str, Bearer] = {}
        self._codes: dict[str, tuple[str, str]] = {}
        self._consents = 0
        self.exchanges = 0
        self.reused = 0
        self.issued: list[str] = []
        if options.refresh_token:
            realm = options.consents_to or options.realms[0]
            self._refresh[options.refresh_token] = self._fresh(realm, self._consent())

    def authorize(self, asked: Mapping[str, str]) -> Mapping[str, str] | None:
        """A person consents at once: what goes back to the app; None where the app is unknown."""
        known = asked.get("client_id") == self._options.client_id and asked.get("redirect_uri")
        if not known or asked.get("response_type") != "code":
            return None
        back = {"state": asked.get("state", "")}
        if SCOPE not in asked.get("scope", "").split():
            return {**back, "error": "invalid_scope"}
        realm = self._options.consents_to or self._options.realms[0]
        code = self._new("code")
        self._codes[code] = realm, asked["redirect_uri"]
        return {**back, "code": code, "realmId": realm}

    def token(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Status and answer of the token endpoint."""
        if not self._proves(headers.get("authorization", "")):
            return 401, {"error": "invalid_client"}
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        match form.get("grant_type"):
            case "authorization_code":
                given = self._codes.pop(form.get("code", ""), None)
                if given is None or given[1] != form.get("redirect_uri"):
                    return 400, {"error": "invalid_grant"}
                return self._granted(given[0], self._consent(), "", headers)
            case "refresh_token":
                return self._refreshed(form.get("refresh_token", ""), headers)
        return 400, {"error": "unsupported_grant_type"}

    def revoke(self, headers: Mapping[str, str], token: str) -> int:
        """Status of a revocation, which ends the whole consent."""
        if not self._proves(headers.get("authorization", "")):
            return 401
        found = self._refresh.get(token) or self._bearers.get(token)
        if found is None:
            return 400
        self._end(found.consent)
        return 200

    def realm_of(self, authorization: str) -> str | None:
        """The company that a living access token opens."""
        kind, _, token = authorization.partition(" ")
        bearer = self._bearers.get(token)
        living = bearer is not None and self._options.monotonic() < bearer.ends
        return bearer.realm if bearer is not None and living and kind == "Bearer" else None

    def expire_access(self) -> None:
        """End every access token now."""
        self._bearers.clear()

    def end_consents(self) -> None:
        """A person takes the app's access away."""
        self._bearers.clear()
        self._refresh.clear()

    def _refreshed(self, token: str, headers: Mapping[str, str]) -> Reply:
        found, now = self._refresh.get(token), self._now()
        if found is None or found.ends <= now or self._options.consent_revoked:
            self.reused += 1
            return 400, {"error": "invalid_grant"}
        self.exchanges += 1
        rotation = self._options.rotation
        if rotation == "daily" and now < found.born + DAY:
            found.ends = now + timedelta(days=self._options.refresh_days)
            return self._granted(found.realm, found.consent, token, headers)
        if rotation == "at_once":
            del self._refresh[token]
        else:
            found.ends = min(found.ends, now + DAY)
        return self._granted(found.realm, found.consent, "", headers)

    def _granted(self, realm: str, consent: int, same: str, headers: Mapping[str, str]) -> Reply:
        refresh = same or self._new("refresh")
        if not same:
            self._refresh[refresh] = self._fresh(realm, consent)
        access = self._new("access")
        ends = self._options.monotonic() + self._options.token_seconds
        self._bearers[access] = Bearer(realm, ends, consent)
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": self._options.token_seconds,
            "refresh_token": refresh,
            "x_refresh_token_expires_in": self._options.refresh_days * 86_400,
        }
        if headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
            answer["x_refresh_token_hard_expires_in"] = self._options.hard_expiry_seconds
        return 200, answer

    def _proves(self, authorization: str) -> bool:
        kind, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind == "Basic" and given == f"{self._options.client_id}:{self._options.secret}"

    def _fresh(self, realm: str, consent: int) -> Refresh:
        now = self._now()
        return Refresh(realm, now + timedelta(days=self._options.refresh_days), now, consent)

    def _consent(self) -> int:
        self._consents += 1
        return self._consents

    def _end(self, consent: int) -> None:
        self._refresh = {k: one for k, one in self._refresh.items() if one.consent != consent}
        self._bearers = {k: one for k, one in self._bearers.items() if one.consent != consent}

    def _new(self, kind: str) -> str:
        token = f"sandbox-{kind}.{secrets.token_urlsafe(24)}"
        self.issued.append(token)
        return token
