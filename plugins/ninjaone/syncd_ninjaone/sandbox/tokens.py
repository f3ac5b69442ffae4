"""The simulator's token endpoint and the check of bearer tokens.

Refusals are what RFC 6749 asks for, with the vendor's `error_code` beside it; the exact status of a
wrong secret is an assumption.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


@dataclass(slots=True)
class Tokens:
    """Issues and knows bearer tokens.

    Attributes:
        client_id: of the one API application.
        client_secret: its secret.
        granted: scopes that the application may have.
        lifetime: seconds a token lives.
        monotonic: the clock by which it dies.
    """

    client_id: str
    client_secret: str
    granted: frozenset[str]
    lifetime: float
    monotonic: Callable[[], float]
    _alive: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)

    async def issue(self, request: Request) -> Response:
        """`POST /ws/oauth/token` with a form."""
        form = {
            name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()
        }
        if form.get("grant_type") != "client_credentials":
            return _refused(400, "unsupported_grant_type")
        known = (form.get("client_id"), form.get("client_secret"))
        if known != (self.client_id, self.client_secret):
            return _refused(401, "invalid_client")
        scopes = frozenset(form.get("scope", "").split()) & self.granted
        token = secrets.token_urlsafe(24)
        self._alive[token] = (self.monotonic() + self.lifetime, scopes)
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "scope": " ".join(sorted(scopes)),
        }
        return Response(msgspec.json.encode(body), media_type="application/json")

    def require(self, request: Request, scope: str) -> None:
        """Raise 401 without a living token and 403 without the scope."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        dies, scopes = self._alive.get(token, (0.0, frozenset()))
        if kind.lower() != "bearer" or self.monotonic() >= dies:
            raise HTTPException(401, "invalid token")
        if scope not in scopes:
            raise HTTPException(403, "insufficient scope")


def _refused(status: int, error: str) -> Response:
    body = {"error": error, "error_description": "Client request is refused", "error_code": 100}
    return Response(msgspec.json.encode(body), status, media_type="application/json")
