"""The simulated sign-in service: tokens per tenant, and refusals with their AADSTS numbers.

An application acts by itself, or for the partner's account, whose refresh token opens every tenant
and is another one after each use.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from syncd_entra.sandbox.assertions import Assertions

ERRORS: Final = {
    7000215: "invalid_client", 7000222: "invalid_client", 700027: "invalid_client",
    700021: "invalid_client", 700023: "invalid_client", 700024: "invalid_client",
    50027: "invalid_client",
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
NOT_THERE: Final = 50020
NEEDS_FACTOR: Final = 50076
ENDED: Final = 70008
REDEEMED: Final = 54005
FOREIGN_CODE: Final = 501481
REFRESHED_BEFORE: Final = "sandbox-refresh-not-a-secret"
"""A refresh token that the service knows from the start, as if somebody had signed in before."""


@dataclass(frozen=True, slots=True)
class Session:
    """What an access token stands for.

    Attributes:
        tenant: whose.
        ends: by the stopwatch.
        by_user: of the partner's account, not of the application alone.
    """

    tenant: str
    ends: float
    by_user: bool


@dataclass(frozen=True, slots=True)
class _Code:
    challenge: str
    redirect: str
    factor: bool


@dataclass(slots=True)
class Logins:
    """Issues and knows bearer tokens.

    Attributes:
        client_id: of the one application.
        secret: its secret.
        lifetime: seconds a token lives.
        monotonic: the clock by which it dies.
        now: seconds since 1970, for statements.
        known: ids of the tenants there are.
        partner: the partner's own tenant.
        lets_in: whether a relationship opens a tenant.
        rights: the delegated rights of a tenant's token, separated by spaces.
        assertions: which proofs by certificate are believed.
        refusals: tenant → AADSTS number that it answers with.
        once: tenants whose refusal ends after one answer.
        factor: the person signs in with a second factor.
        factor_tenants: tenants that ask for one.
        revokes: a refresh token works once; otherwise it stays valid.
        denies: AADSTS number with which the person's sign-in ends.
        living: refresh tokens that are accepted → whether a second factor made them.
        exchanges: refresh tokens that were sent, in order.
    """

    client_id: str
    secret: str
    lifetime: int
    monotonic: Callable[[], float]
    now: Callable[[], float]
    known: Collection[str]
    partner: str
    lets_in: Callable[[str], bool]
    rights: Callable[[str], str]
    assertions: Assertions = field(default_factory=Assertions)
    refusals: dict[str, int] = field(default_factory=dict)
    once: set[str] = field(default_factory=set)
    factor: bool = True
    factor_tenants: Collection[str] = ()
    revokes: bool = False
    denies: int | None = None
    living: dict[str, bool] = field(default_factory=dict)
    exchanges: list[str] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _alive: dict[str, Session] = field(default_factory=dict)

    def issue(self, tenant: str, body: bytes, audience: str) -> tuple[int, Mapping[str, Any]]:
        """Status and answer of a token request.

        Args:
            tenant: of the address.
            body: the form.
            audience: the address that was asked.
        """
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        number = self.refusals.get(tenant)
        if tenant in self.once:
            self.refusals.pop(tenant, None)
        if number is None and tenant not in self.known and tenant != self.partner:
            number = UNKNOWN_TENANT
        number = number or self._of_application(form, audience)
        if number is not None:
            return refusal(number)
        scopes = form.get("scope", "").split()
        if not any(one.endswith("/.default") for one in scopes) or "resource" in form:
            return refusal(901002)
        kind = form.get("grant_type")
        if kind == "client_credentials":
            return 200, self._granted(tenant, by_user=False)
        if kind == "refresh_token":
            return self._refreshed(tenant, form.get("refresh_token", ""))
        if kind == "authorization_code":
            return self._redeemed(tenant, form, offline="offline_access" in scopes)
        return refusal(70003)

    def _of_application(self, form: Mapping[str, str], audience: str) -> int | None:
        if form.get("client_id") != self.client_id:
            return 700016
        if "client_assertion" in form:
            return self.assertions.refusal(form, audience, self.now())
        return None if form.get("client_secret") == self.secret else 7000215

    def _granted(self, tenant: str, *, by_user: bool) -> dict[str, Any]:
        token = f"sandbox.{secrets.token_urlsafe(24)}"
        self._alive[token] = Session(tenant, self.monotonic() + self.lifetime, by_user)
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": token,
        }

    # the partner's account

    def _refreshed(self, tenant: str, value: str) -> tuple[int, Mapping[str, Any]]:
        self.exchanges.append(value)
        factor = self.living.get(value)
        if factor is None:
            return refusal(ENDED)
        if tenant != self.partner and not self.lets_in(tenant):
            return refusal(NOT_THERE)
        if tenant in self.factor_tenants and not factor:
            return refusal(NEEDS_FACTOR)
        if self.revokes:
            del self.living[value]
        return 200, self._with_refresh(tenant, factor=factor)

    def _with_refresh(self, tenant: str, *, factor: bool) -> dict[str, Any]:
        fresh = f"0.sandbox.{secrets.token_urlsafe(24)}"
        self.living[fresh] = factor
        granted = self._granted(tenant, by_user=True)
        return {**granted, "refresh_token": fresh, "scope": self.rights(tenant)}

    def authorize(self, tenant: str, query: Mapping[str, str]) -> str | None:
        """Where the browser goes after the person signed in; None where the request is refused."""
        redirect = query.get("redirect_uri", "")
        right = (
            tenant == self.partner
            and query.get("client_id") == self.client_id
            and query.get("response_type") == "code"
            and query.get("code_challenge_method") == "S256"
            and redirect.startswith(("http://localhost", "http://127.0.0.1", "https://"))
        )
        if not right:
            return None
        back = {"state": query.get("state", "")}
        if self.denies is not None:
            back |= {"error": "access_denied", "error_description": f"AADSTS{self.denies}: no"}
        else:
            code = back["code"] = secrets.token_urlsafe(24)
            self._codes[code] = _Code(query.get("code_challenge", ""), redirect, self.factor)
        return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(back)}"

    def _redeemed(
        self, tenant: str, form: Mapping[str, str], *, offline: bool
    ) -> tuple[int, Mapping[str, Any]]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or tenant != self.partner:
            return refusal(REDEEMED)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if shown != code.challenge or form.get("redirect_uri") != code.redirect:
            return refusal(FOREIGN_CODE)
        if not offline:
            return 200, self._granted(tenant, by_user=True)
        return 200, self._with_refresh(tenant, factor=code.factor)

    # bearers

    def session(self, authorization: str) -> Session | None:
        """What a living token stands for that the header holds."""
        kind, _, token = authorization.partition(" ")
        found = self._alive.get(token)
        lives = found is not None and self.monotonic() < found.ends
        return found if kind.lower() == "bearer" and lives else None

    def revoke(self) -> None:
        """End every access token."""
        self._alive.clear()

    def revoke_sign_in(self) -> None:
        """End every refresh token, as an administrator can."""
        self.living.clear()


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
