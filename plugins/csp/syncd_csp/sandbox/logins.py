"""The simulated sign-in service of the partner's tenant: for the app, and for a consenting person.

A token is good for one audience. A refresh token that is used brings another one with it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from syncd_csp.sandbox.assertions import Refused, checked
from syncd_csp.sandbox.names import GRAPH, PARTNER_CENTER, PARTNER_TENANT
from syncd_csp.sandbox.options import Options

ERRORS: Final = {
    7000215: "invalid_client", 7000222: "invalid_client", 700027: "invalid_client",
    7000112: "invalid_client", 700016: "unauthorized_client", 53003: "interaction_required",
    90002: "invalid_request", 900144: "invalid_request", 901002: "invalid_request",
    90033: "temporarily_unavailable", 50196: "temporarily_unavailable",
}  # fmt: skip
"""AADSTS number → OAuth error; the rest is `invalid_grant`."""

ANYTHING: Final = "anything"
"""Audience of a token for the simulator's bare address, which is all services in one."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who holds a token.

    Attributes:
        audience: what it opens.
        user: a person stands behind it.
        mfa: who proved a second factor.
        end: when it dies.
    """

    audience: str
    user: bool
    mfa: bool
    end: float

    def opens(self, service: str) -> bool:
        """Whether the token was made for that service."""
        return self.audience in {service, ANYTHING}


@dataclass(slots=True)
class Logins:
    """Issues and knows tokens.

    Attributes:
        options: of the simulator.
        refresh: living refresh tokens.
        uses: how often a refresh token was exchanged.
        issued: every token that was handed out, so that tests can look for them.
    """

    options: Options
    refresh: set[str] = field(default_factory=set)
    uses: int = 0
    issued: list[str] = field(default_factory=list)
    _alive: dict[str, Bearer] = field(default_factory=dict)
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.refresh.add(self.options.refresh_token)

    def issue(
        self, tenant: str, body: bytes, *, url: str, v1: bool
    ) -> tuple[int, Mapping[str, Any]]:
        """Status and answer of a token request."""
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        number = self._refusal(tenant, form, url=url, v1=v1)
        if number:
            return refusal(number)
        user = form["grant_type"] != "client_credentials"
        wanted = form["resource"] if v1 else form["scope"]
        token = self._new("access")
        life = self.options.token_seconds
        mfa = user and self.options.mfa
        opens = self.options.audience or audience(wanted)
        self._alive[token] = Bearer(opens, user, mfa, self.options.monotonic() + life)
        said: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": token,
        }
        if user:
            said["refresh_token"] = self._rotated(form)
            said["scope"] = wanted
        if v1:
            said |= {"expires_in": str(life), "ext_expires_in": str(life), "resource": wanted}
        return 200, said

    def consent(self, challenge: str) -> str:
        """A code for a person's consent, good for one exchange with what gave the challenge."""
        code = self._new("code")
        self._codes[code] = challenge, self._new("consent")
        return code

    def bearer(self, authorization: str) -> Bearer | None:
        """Whose living token the header holds."""
        kind, _, token = authorization.partition(" ")
        found = self._alive.get(token)
        living = found is not None and self.options.monotonic() < found.end
        return found if living and kind.lower() == "bearer" else None

    def revoke(self) -> None:
        """End every access token."""
        self._alive.clear()

    def _refusal(self, tenant: str, form: Mapping[str, str], *, url: str, v1: bool) -> int:
        """AADSTS number, 0 where nothing is against it."""
        if self.options.login_refusal:
            return self.options.login_refusal
        if tenant.lower() != PARTNER_TENANT:
            return 90002
        if form.get("client_id") != self.options.client_id:
            return 700016
        if not self._proves(form, url):
            return 7000215 if "client_secret" in form else 700027
        if v1 != ("resource" in form) or v1 == ("scope" in form):
            return 900144 if v1 else 901002
        match form.get("grant_type"):
            case "client_credentials":
                return 0 if v1 or form["scope"].endswith("/.default") else 70011
            case "refresh_token":
                return self._refresh_refusal(form.get("refresh_token", ""))
            case "authorization_code":
                return self._code_refusal(form)
        return 70003

    def _proves(self, form: Mapping[str, str], url: str) -> bool:
        if "client_assertion" in form:
            if self.options.certificate is None:
                return False
            try:
                checked(form, self.options.certificate, self.options.client_id, url)
            except Refused:
                return False
            return True
        return form.get("client_secret") == self.options.secret

    def _refresh_refusal(self, token: str) -> int:
        if self.options.refresh_refusal:
            return self.options.refresh_refusal
        return 0 if token in self.refresh else 70008

    def _code_refusal(self, form: Mapping[str, str]) -> int:
        challenge, _ = self._codes.get(form.get("code", ""), ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return 0 if challenge and proof == challenge else 70008

    def _rotated(self, form: Mapping[str, str]) -> str:
        if "code" in form:
            del self._codes[form["code"]]
        else:
            self.uses += 1
            if self.options.refresh_dies:
                self.refresh.discard(form["refresh_token"])
        token = self._new("refresh")
        self.refresh.add(token)
        return token

    def _new(self, kind: str) -> str:
        token = f"sandbox-{kind}.{secrets.token_urlsafe(24)}"
        self.issued.append(token)
        return token


def audience(wanted: str) -> str:
    """What a scope or a resource opens; anything unknown stays as it is and opens nothing."""
    where = urlsplit(wanted.split(" ")[0].removesuffix("/.default"))
    host, path = (where.hostname or "").lower(), where.path.strip("/")
    if host in {"127.0.0.1", "localhost"}:
        return path or ANYTHING
    if PARTNER_CENTER in host:
        return PARTNER_CENTER
    if host.startswith(("graph.microsoft.", "microsoftgraph.")):
        return GRAPH
    return host


def refusal(number: int) -> tuple[int, Mapping[str, Any]]:
    """The token endpoint's answer with an AADSTS number."""
    error = ERRORS.get(number, "invalid_grant")
    trace = str(uuid.uuid5(uuid.NAMESPACE_URL, f"trace:{number}"))
    return 401 if error == "invalid_client" else 400, {
        "error": error,
        "error_description": f"AADSTS{number}: Simulated. Trace ID: {trace}",
        "error_codes": [number],
        "timestamp": "2026-11-20 22:00:00Z",
        "trace_id": trace,
        "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
