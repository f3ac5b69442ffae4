"""Answers in the shapes of Partner Center and of Graph, errors among them."""

from __future__ import annotations

import codecs
import uuid
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

from syncd_csp.sandbox.options import Options

STATUSES: Final = {
    "900329": (403, "App-only tokens are not supported by this resource."),
    "900308": (403, "The user lacks a role that this needs."),
    "900309": (403, "Blocked by a Conditional Access policy."),
    "20002": (403, "There is no commerce relationship with this customer."),
    "2032": (403, "Access denied."),
    "60003": (404, "The tenant was not found."),
    "20003": (404, "The subscription was not found."),
    "1000": (404, "Not found."),
    "400": (401, "Access denied."),
    "900420": (401, "The audience of the token is not accepted."),
    "3000": (400, "A property is invalid."),
    "900278": (409, "Another operation is pending."),
    "500": (500, "Something went wrong."),
}
"""Partner Center's code → status and description."""


class Replies:
    """Makes answers of one simulator, numbered by their request."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._slow = 0

    def partner(
        self, body: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        """An answer of Partner Center."""
        written = msgspec.json.encode(body)
        if self._options.bom:
            written = codecs.BOM_UTF8 + written
        named = {"MS-RequestId": str(uuid.uuid4()), "MS-CorrelationId": str(uuid.uuid4())}
        return Response(
            written, status, {**named, **(headers or {})}, media_type="application/json"
        )

    def failed(self, code: str, status: int = 0) -> Response:
        """A business error."""
        known, words = STATUSES.get(code, (403, "Refused."))
        body = {"code": code, "description": words, "data": [], "source": "PartnerFD"}
        return self.partner(body, status or known)

    def slow(self) -> Response:
        """A 429 in one of its two shapes."""
        self._slow += 1
        shape = self._options.throttle_shape
        if shape == "business" or (shape == "both" and self._slow % 2 == 0):
            return self.partner({"code": "429", "description": "Too many requests."}, 429)
        wait = self._options.retry_after
        words = f"Rate limit is exceeded. Try again in {wait} seconds."
        return self.partner({"statusCode": 429, "message": words}, 429, {"Retry-After": str(wait)})


def graph(
    body: object | None, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer of Graph."""
    named = {"request-id": str(uuid.uuid4()), **(headers or {})}
    if body is None:
        return Response(b"", status, named)
    return Response(msgspec.json.encode(body), status, named, media_type="application/json")


def graph_failed(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An error of Graph."""
    inner = {"date": "2026-11-20T22:00:00", "request-id": "0", "client-request-id": "0"}
    error = {"code": code, "message": message, "innerError": inner}
    return graph({"error": error}, status, headers)


def store_failed(status: int, code: str) -> Response:
    """An error of the store of files."""
    words = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code></Error>'
    return Response(codecs.BOM_UTF8 + words.encode(), status, media_type="application/xml")


def moment(text: Any) -> str:
    """A day as Partner Center writes it."""
    return f"{text}T00:00:00Z"
