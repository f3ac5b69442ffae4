"""How the simulator says no: status codes with every error body that was seen in the field.

API errors take the shapes in turn, so that a client which reads only one of them is found out.
"""

from __future__ import annotations

from itertools import cycle

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


class Refusals:
    """Renders errors of API calls."""

    def __init__(self) -> None:
        self._turn = cycle(range(4))
        self._incident = 0

    def __call__(self, request: Request, error: Exception) -> Response:
        """Exception handler of the application."""
        del request
        if not isinstance(error, HTTPException):
            raise error
        return self.render(error.status_code, error.detail, dict(error.headers or {}))

    def render(self, status: int, words: str, headers: dict[str, str] | None = None) -> Response:
        self._incident += 1
        body: object
        match next(self._turn):
            case 0:
                body = {
                    "resultCode": "FAILURE",
                    "errorMessage": words,
                    "incidentId": f"i-{self._incident:06d}",
                }
            case 1:
                body = {"error": words.replace(" ", "_"), "error_description": words}
            case 2:
                body = {"errorMessage": {"code": words.replace(" ", "_"), "params": {}}}
            case _:
                body = words
        return Response(
            msgspec.json.encode(body), status, headers=headers, media_type="application/json"
        )
