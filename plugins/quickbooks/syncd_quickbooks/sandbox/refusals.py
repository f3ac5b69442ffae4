"""Faults as QuickBooks writes them, in the two casings that it is known to use.

The company's side writes `Fault` with capitals; the gateway in front of it writes `fault`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CODES: Final[Mapping[str, tuple[int, str, str]]] = {
    "120": (403, "Authorization Failure", "AuthorizationFault"),
    "600": (400, "Duplicate Request ID", "ValidationFault"),
    "610": (400, "Object Not Found", "ValidationFault"),
    "620": (400, "Transaction cannot be linked", "ValidationFault"),
    "1040": (400, "Too many items in a batch", "ValidationFault"),
    "2010": (400, "Request has invalid or unsupported property", "ValidationFault"),
    "2020": (400, "Required param missing, need to supply the required value", "ValidationFault"),
    "2040": (400, "Invalid String. The string contains invalid characters", "ValidationFault"),
    "2050": (400, "String is too long", "ValidationFault"),
    "2130": (400, "Invalid Request ID format", "ValidationFault"),
    "2500": (400, "Invalid Reference Id", "ValidationFault"),
    "3001": (429, "Throttle Exceeded", "ServiceFault"),
    "3100": (403, "ApplicationAuthorizationFailed", "AUTHORIZATION"),
    "3200": (401, "AuthenticationFailed", "AUTHENTICATION"),
    "4000": (400, "Error parsing query", "ValidationFault"),
    "4001": (400, "Invalid query", "ValidationFault"),
    "5010": (400, "Stale Object Error", "ValidationFault"),
    "5020": (400, "Permission Denied Error", "ValidationFault"),
    "5030": (400, "Feature Not Supported Error", "ValidationFault"),
    "6000": (400, "A business validation error has occurred", "ValidationFault"),
    "6070": (400, "Amount calculation incorrect in the request", "ValidationFault"),
    "6100": (400, "Invalid line tax code", "ValidationFault"),
    "6140": (400, "Duplicate Document Number Error", "ValidationFault"),
    "6190": (400, "Invalid Company Status", "ValidationFault"),
    "6200": (400, "Account Period Closed", "ValidationFault"),
    "6210": (400, "Account Period Closed, password required", "ValidationFault"),
    "6240": (400, "Duplicate Name Exists Error", "ValidationFault"),
    "6250": (400, "Customer missing or inactive", "ValidationFault"),
    "6480": (400, "Transaction cannot be changed, it is matched", "ValidationFault"),
    "10000": (500, "An application error has occurred", "SystemFault"),
}
"""Code → HTTP status, message, type."""

GATEWAY: Final = frozenset({"3200", "3100", "3001"})
"""Codes that come from the gateway, in its own casing."""


class Refusal(Exception):
    """A call, or an item of a batch, that QuickBooks refuses.

    Attributes:
        code: of the fault.
        detail: what is wrong, in words.
        element: name of the property, may be empty.
        message: instead of the code's own.
    """

    def __init__(self, code: str, detail: str, *, element: str = "", message: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.element = element
        self.message = message or CODES[code][1]

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"

    @property
    def status(self) -> int:
        """HTTP status outside of a batch."""
        return CODES[self.code][0]

    def fault(self) -> dict[str, Any]:
        """The value of `Fault`."""
        error = {
            "Message": self.message,
            "Detail": f"{self.message} : {self.detail}",
            "code": self.code,
            "element": self.element,
        }
        return {"Error": [error], "type": CODES[self.code][2]}

    def gateway(self) -> dict[str, Any]:
        """The whole body in the gateway's casing."""
        padded = self.code.rjust(6, "0")
        message = f"message={self.message}; errorCode={padded}; statusCode={self.status}"
        kind = CODES[self.code][2] if self.code != "3001" else "SERVICE"
        error = {"message": message, "detail": self.detail, "code": self.code, "element": None}
        return {
            "warnings": None,
            "intuitObject": None,
            "fault": {"error": [error], "type": kind},
            "report": None,
            "requestId": None,
            "time": 1_730_024_394_085,
        }
