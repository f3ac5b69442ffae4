"""The simulated sign-in: a consent page, rotating refresh tokens with a grace, custom connections.

Times are on the option `monotonic`.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import NAMESPACE_URL, uuid5

from syncd_xero.sandbox.options import Options


@dataclass(slots=True)
class Consent:
    """What one person agreed to; it lives on in all tokens that descend from it.

    Attributes:
        key: `authEventId` of its connections.
        tenants: organisations that it opens.
        scopes: rights.
        offline: refresh tokens are given.
        revoked: it is over.
    """

    key: str
    tenants: set[str]
    scopes: frozenset[str]
    offline: bool = True
    revoked: bool = False


@dataclass(slots=True)
class _Refresh:
    consent: Consent
    dies: float


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who holds an access token; `tenant` is set for a custom connection."""

    consent: Consent
    end: float
    tenant: str = ""


@dataclass(slots=True)
class Logins:
    """Issues and knows tokens.

    Attributes:
        issued: everything secret that was handed out, so that tests can look for it.
        refreshes: good exchanges of refresh tokens.
        reused: dead refresh tokens that came again.
        custom_ended: the custom connection was taken away.
        disconnected: organisations that were disconnected, until somebody consents again.
    """

    options: Options
    tenants: tuple[str, ...]
    issued: list[str] = field(default_factory=list)
    refreshes: int = 0
    reused: int = 0
    custom_ended: bool = False
    disconnected: set[str] = field(default_factory=set)
    consents: list[Consent] = field(default_factory=list)
    _bearers: dict[str, Bearer] = field(default_factory=dict)
    _refresh: dict[str, _Refresh] = field(default_factory=dict)
    _codes: dict[str, tuple[Consent, str, str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        token = self.options.refresh_token
        if token:
            consent = self._consent(frozenset(self.options.scopes))
            self._refresh[token] = _Refresh(consent, self._now() + self.options.refresh_seconds)

    def authorize(self, asked: Mapping[str, str]) -> str | None:
        """Where the browser is sent; None where nobody can tell to whom."""
        back = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.options.client_id or not back:
            return None
        state = asked.get("state", "")
        scopes = frozenset(asked.get("scope", "").split())
        if not scopes or not scopes <= set(self.options.scopes):
            return f"{back}?{urlencode({'error': 'invalid_scope', 'state': state})}"
        self.disconnected.clear()
        consent = self._consent(scopes)
        code = self._new("code")
        ends = self._now() + self.options.code_seconds
        self._codes[code] = (consent, back, asked.get("code_challenge", ""), ends)
        return f"{back}?{urlencode({'code': code, 'state': state})}"

    def issue(self, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and answer of a token request."""
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        client = self._client(authorization, form)
        if not client:
            return 400, {"error": "invalid_client"}
        custom = client == self.options.custom_client_id
        match form.get("grant_type"):
            case "client_credentials" if custom:
                return self._custom(form)
            case "authorization_code" if not custom:
                return self._exchange(form, with_secret=authorization != "")
            case "refresh_token" if not custom:
                return self._rotate(form.get("refresh_token", ""))
            case _:
                return 400, {"error": "unauthorized_client"}

    def bearer(self, authorization: str) -> Bearer | None:
        """Whose living token the header holds."""
        kind, _, token = authorization.partition(" ")
        found = self._bearers.get(token)
        living = found is not None and self._now() < found.end
        return found if living and kind.lower() == "bearer" else None

    def revoke(self, body: bytes) -> None:
        """Give a consent back by its refresh token."""
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        found = self._refresh.get(form.get("token", ""))
        if found is not None:
            end(found.consent)

    def withdraw(self) -> None:
        """A person disconnects the app from everything: refreshing and calling fail."""
        self.custom_ended = True
        for consent in self.consents:
            end(consent)

    def disconnect(self, tenant: str) -> None:
        """A person disconnects one organisation: refreshing works, calls do not."""
        self.disconnected.add(tenant)
        for consent in self.consents:
            consent.tenants.discard(tenant)

    def expire(self) -> None:
        """End every access token."""
        self._bearers.clear()

    def _client(self, authorization: str, form: Mapping[str, str]) -> str:
        """Client id of who asks, empty where the proof is wrong."""
        if not authorization:
            return self.options.client_id if form.get("client_id") == self.options.client_id else ""
        kind, _, packed = authorization.partition(" ")
        try:
            client, _, secret = base64.b64decode(packed).decode().partition(":")
        except ValueError:
            return ""
        known = {self.options.client_id, self.options.custom_client_id}
        good = kind.lower() == "basic" and client in known and secret == self.options.secret
        return client if good else ""

    def _custom(self, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        if self.custom_ended:
            return 400, {"error": "unauthorized_client"}
        scopes = frozenset(form.get("scope", "").split()) or frozenset(self.options.custom_scopes)
        if not scopes <= set(self.options.custom_scopes):
            return 400, {"error": "invalid_scope"}
        consent = self._consent(scopes, tenants=self.tenants[:1])
        return 200, self._access(consent, tenant=self.tenants[0])

    def _exchange(
        self, form: Mapping[str, str], *, with_secret: bool
    ) -> tuple[int, dict[str, Any]]:
        consent, back, challenge, ends = self._codes.pop(form.get("code", ""), (None, "", "", 0.0))
        if consent is None or self._now() >= ends or form.get("redirect_uri") != back:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if proof != challenge if challenge else not with_secret:
            return 400, {"error": "invalid_grant"}
        return 200, self._pair(consent)

    def _rotate(self, token: str) -> tuple[int, dict[str, Any]]:
        found, now = self._refresh.get(token), self._now()
        if found is None:
            return 400, {"error": "invalid_grant"}
        if now >= found.dies or found.consent.revoked:
            self.reused += 1
            if self.options.reuse_revokes:
                end(found.consent)
            return 400, {"error": "invalid_grant"}
        self.refreshes += 1
        found.dies = min(found.dies, now + self.options.grace_seconds)
        return 200, self._pair(found.consent)

    def _pair(self, consent: Consent) -> dict[str, Any]:
        said = self._access(consent)
        if consent.offline:
            refresh = self._new("refresh")
            dies = self._now() + self.options.refresh_seconds
            self._refresh[refresh] = _Refresh(consent, dies)
            said["refresh_token"] = refresh
        return said

    def _access(self, consent: Consent, tenant: str = "") -> dict[str, Any]:
        token, life = self._new("access"), self.options.token_seconds
        self._bearers[token] = Bearer(consent, self._now() + life, tenant)
        return {
            "access_token": token,
            "expires_in": life,
            "token_type": "Bearer",
            "scope": " ".join(sorted(consent.scopes)),
        }

    def _consent(self, scopes: frozenset[str], tenants: tuple[str, ...] | None = None) -> Consent:
        key = str(uuid5(NAMESPACE_URL, f"sandbox:xero:consent:{len(self.consents)}"))
        opens = set(self.tenants if tenants is None else tenants) - self.disconnected
        consent = Consent(key, opens, scopes, offline="offline_access" in scopes)
        self.consents.append(consent)
        return consent

    def _new(self, kind: str) -> str:
        token = f"sandbox-{kind}.{secrets.token_urlsafe(24)}"
        self.issued.append(token)
        return token

    def _now(self) -> float:
        return self.options.monotonic()


def end(consent: Consent) -> None:
    """Nothing that descends from it works any more."""
    consent.revoked = True
    consent.tenants.clear()
