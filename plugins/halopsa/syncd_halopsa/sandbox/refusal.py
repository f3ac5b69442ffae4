"""Errors in the shapes that HaloPSA's errors are known to have, one after the other."""

from __future__ import annotations

from itertools import cycle

import msgspec
from starlette.requests import Request
from starlette.responses import Response


class Refusal(Exception):
    """A call that HaloPSA refuses.

    Attributes:
        status: HTTP status.
        text: its explanation.
        retry_after: seconds for a `Retry-After` header, None for no header.
    """

    def __init__(self, status: int, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after


class Refusals:
    """Starlette's handler of `Refusal`: the shape of the body rotates."""

    def __init__(self) -> None:
        self._shapes = cycle(range(5))

    def __call__(self, request: Request, error: Exception) -> Response:  # noqa: ARG002
        assert isinstance(error, Refusal)
        headers = {}
        if error.retry_after is not None:
            headers["Retry-After"] = f"{error.retry_after:.0f}"
        if error.status == 429:
            return Response(error.text, 429, headers, media_type="text/plain")
        body = _shaped(next(self._shapes), error)
        return Response(msgspec.json.encode(body), error.status, headers, "application/json")


def _shaped(shape: int, error: Refusal) -> object:
    match shape:
        case 0:
            return {"resultCode": error.status, "errorMessage": error.text}
        case 1:
            return {"ClassName": "System.Exception", "Message": error.text, "Data": None}
        case 2:
            return {"Message": error.text}
        case 3:
            return {"error": error.text}
        case _:
            return error.text
