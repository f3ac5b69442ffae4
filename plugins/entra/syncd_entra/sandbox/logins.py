"""The simulated sign-in service: tokens per tenant, and refusals with their AADSTS numbers."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

ERRORS: Final = {
    7000215: "invalid_client", 7000222: "invalid_client", 700027: "invalid_client",
    7000112: "invalid_client", 700016: "unauthorized_client", 7000229: "unauthorized_client",
    500011: "invalid_resource", 90099: "invalid_request", 53003: "interaction_required",
    530032: "interaction_required", 53000: "interaction_required", 90002: "invalid_request",
    900023: "invalid_request", 50196: "temporarily_unavailable", 90033: "temporarily_unavailable",
    90055: "temporarily_unavailable", 90024: "temporarily_unavailable",
    90090: "temporarily_unavailable",
}  # fmt: skip
"""Number → OAuth error; the rest is `invalid_grant`."""

LATER: Final = frozenset({50196, 90033, 90055, 90024, 90090})
UNKNOWN_TENANT: Final = 90002


@dataclass(slots=True)
class Logins:
    """Issues and knows bearer tokens.

    Attributes:
        client_id: of the one application.
        secret: its secret.
        lifetime: seconds a token lives.
        monotonic: the clock by which it dies.
        known: ids of the tenants there are.
        refusals: tenant → AADSTS number that it answers with.
        once: tenants whose refusal ends after one answer.
    """

    client_id: str
    secret: str
    lifetime: int
    monotonic: Callable[[], float]
    known: Collection[str]
    refusals: dict[str, int] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    _alive: dict[str, tuple[str, float]] = field(default_factory=dict)

    def issue(self, tenant: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        """Status and answer of a token request."""
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        number = self.refusals.get(tenant)
        if tenant in self.once:
            self.refusals.pop(tenant, None)
        if number is None and tenant not in self.known:
            number = UNKNOWN_TENANT
        if number is None and form.get("client_id") != self.client_id:
            number = 700016
        if number is None and form.get("client_secret") != self.secret:
            number = 7000215
        if number is not None:
            return refusal(number)
        if form.get("grant_type") != "client_credentials":
            return refusal(70003)
        if not form.get("scope", "").endswith("/.default") or "resource" in form:
            return refusal(901002)
        token = f"sandbox.{secrets.token_urlsafe(24)}"
        self._alive[token] = tenant, self.monotonic() + self.lifetime
        return 200, {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": token,
        }

    def tenant(self, authorization: str) -> str | None:
        """Whose living token the header holds."""
        kind, _, token = authorization.partition(" ")
        tenant, end = self._alive.get(token, ("", 0.0))
        return tenant if kind.lower() == "bearer" and self.monotonic() < end else None

    def revoke(self) -> None:
        """End every token."""
        self._alive.clear()


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
