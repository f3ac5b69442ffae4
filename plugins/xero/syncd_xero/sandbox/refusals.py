"""Refusals in the shapes that Xero has: of a call, and of one element of a write.

There are no machine codes for elements; the texts are those that were seen in the field.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

NOT_UNIQUE: Final = "Invoice # must be unique."
CREDIT_NOT_UNIQUE: Final = "Credit Note # must be unique."
NOT_MODIFIABLE: Final = "Invoice not of valid status for modification"
ARCHIVED_CONTACT: Final = (
    "The contact with the specified contact details has been archived. The contact must be"
    " un-archived before creating new invoices or credit notes."
)
NO_SUCH_CONTACT: Final = "The Contact could not be found."


class Refusal(Exception):
    """A call that is refused as a whole.

    Attributes:
        status: HTTP status.
        body: to be written as JSON, or text.
        headers: of the answer.
    """

    def __init__(
        self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(str(body)[:200])
        self.status = status
        self.body = body
        self.headers = headers or {}


class Invalid(Exception):
    """An element that is refused, with all reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def unauthorized(detail: str) -> Refusal:
    """401: the token is not, or no longer, good."""
    body: dict[str, Any] = {"Type": None, "Title": "Unauthorized", "Status": 401, "Detail": detail}
    body |= {"Instance": _instance(detail), "Extensions": {}}
    return Refusal(401, body, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


def forbidden(detail: str = "AuthenticationUnsuccessful") -> Refusal:
    """403: the organisation is not connected, or the token lacks a scope."""
    body = {"Type": None, "Title": "Forbidden", "Status": 403, "Detail": detail}
    return Refusal(403, body | {"Instance": _instance(detail)})


def not_found() -> Refusal:
    """404, which comes as text."""
    return Refusal(404, "The resource you're looking for cannot be found")


def exception(number: int, kind: str, message: str, elements: list[Any] | None = None) -> Refusal:
    """400 with the body of an exception."""
    body: dict[str, Any] = {"ErrorNumber": number, "Type": kind, "Message": message}
    if elements is not None:
        body["Elements"] = elements
    return Refusal(400, body)


def unreadable(message: str) -> Refusal:
    """400: the call itself makes no sense, e.g. a filter that cannot be parsed."""
    return exception(16, "QueryParseException", message)


def malformed(message: str) -> Refusal:
    """400: the body is not what was expected."""
    return exception(17, "PostDataInvalidException", message)


def _instance(detail: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"sandbox:xero:refusal:{detail}"))
