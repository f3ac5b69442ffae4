"""Who may call the simulator and how often: tokens, rights, and the rolling quota of a tenant."""

from __future__ import annotations

import secrets
from collections import deque
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.refusal import Refusal


class Tokens:
    """Issues bearer tokens and knows what each may do."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._alive: dict[str, tuple[float, frozenset[str]]] = {}
        self.issued = 0

    async def issue(self, request: Request) -> Response:
        """`POST /auth/token` with a form and the tenant in the query."""
        options = self._options
        form = {name: one[-1] for name, one in parse_qs((await request.body()).decode()).items()}
        tenant = request.query_params.get("tenant", form.get("tenant"))
        asked = frozenset(form.get("scope", "").split())
        if form.get("grant_type") != "client_credentials":
            return _refused("unsupported_grant_type")
        if tenant != options.tenant and (tenant is not None or options.tenant_required):
            return _refused("invalid_tenant")
        known = (form.get("client_id"), form.get("client_secret"))
        if known != (options.client_id, options.client_secret):
            return _refused("invalid_client")
        if not asked or not asked <= set(options.permissions):
            return _refused("invalid_scope")
        token = secrets.token_urlsafe(24)
        rights = asked & set(options.agent_rights) if options.login_type == "Agent" else frozenset()
        self._alive[token] = (options.monotonic() + options.token_seconds, rights)
        self.issued += 1
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": options.token_seconds,
            "scope": " ".join(sorted(asked)),
        }
        return Response(msgspec.json.encode(body), media_type="application/json")

    def require(self, request: Request, scope: str) -> None:
        """Refuse with 401 without a living token, with 403 without the right."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        dies, rights = self._alive.get(token, (0.0, frozenset[str]()))
        if kind.lower() != "bearer" or self._options.monotonic() >= dies:
            raise Refusal(401, "Unauthorized")
        if scope and scope not in rights:
            raise Refusal(403, "You do not have permission to access this resource")

    def expire_all(self) -> None:
        """End every token now."""
        self._alive.clear()


class Quota:
    """A rolling window of API calls, refused in HaloPSA's words."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._calls: deque[float] = deque()

    def take(self, calls: int = 1) -> None:
        """Count calls; also another integration's, which a test may take away.

        Raises:
            Refusal: 429, the window is full.
        """
        options = self._options
        if not options.quota_calls:
            return
        now = options.monotonic()
        while self._calls and self._calls[0] <= now - options.quota_seconds:
            self._calls.popleft()
        if len(self._calls) + calls > options.quota_calls:
            wait = self._calls[0] + options.quota_seconds - now if self._calls else 0.0
            raise Refusal(
                429,
                f"Rate Limit Reached - {options.quota_calls} Requests per rolling "
                f"{options.quota_seconds / 60:.0f} minute window",
                retry_after=max(1.0, wait) if options.retry_after else None,
            )
        self._calls.extend([now] * calls)


def _refused(error: str) -> Response:
    body = {"error": error, "error_description": "The request was refused"}
    return Response(msgspec.json.encode(body), 400, media_type="application/json")
