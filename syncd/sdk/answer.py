"""What a vendor answered: status, headers and the whole body, decoded on demand into typed values.

Messages made here name where the answer came from and where it breaks, never what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from syncd.sdk.errors import ProtocolError

T = TypeVar("T")

REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-ms-request-id",
    "ms-requestid",
    "x-correlation-id",
    "correlation-id",
    "x-trace-id",
    "intuit_tid",
)
"""Headers in which vendors name an exchange for their support, the commonest first."""


class Answer:
    """An answer read to its end; from `ApiClient` always a successful one.

    Attributes:
        status: HTTP status.
        url: full address asked, its query included; never put it into a message.
        headers: by lower-case name.
        body: decompressed bytes.
        request_id: the vendor's name for the exchange, None if it gave none.
        method: HTTP method.
        connection: name of the connection, for messages.
    """

    __slots__ = ("body", "connection", "headers", "method", "request_id", "status", "url")

    def __init__(
        self,
        *,
        status: int,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        request_id: str | None,
        method: str = "GET",
        connection: str = "",
    ) -> None:
        self.status = status
        self.url = url
        self.headers = headers
        self.body = body
        self.request_id = request_id
        self.method = method
        self.connection = connection

    def __repr__(self) -> str:
        return f"<Answer {self.status} to {self.method} {self._path}, {len(self.body)} bytes>"

    def decode(self, type_: type[T]) -> T:
        """The body as `type_`, by msgspec: unknown fields are skipped, types are strict.

        After a write, translate a ProtocolError into an unknown outcome: the vendor accepted the
        write, only its receipt is unreadable.

        Args:
            type_: a `msgspec.Struct`, or a container of them such as `list[Device]`.

        Raises:
            ProtocolError: empty, a web page, not JSON, or JSON of another shape; the message holds
                the place in the document and the expected type.
        """
        try:
            return _decoder(type_).decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            flaw = self._flaw(error)
        raise ProtocolError(
            f"{self.connection}: {self.method} {self._path} answered {self.status} with {flaw}",
            remedy="nothing was changed; if it stays, the vendor changed its interface or something"
            " between us and the vendor answers in its place",
            connection=self.connection,
            http_status=self.status,
            request_id=self.request_id,
        )

    @property
    def _path(self) -> str:
        return urlsplit(self.url).path

    def _flaw(self, error: Exception) -> str:
        start = self.body[:512].lstrip().lower()
        if not start:
            return "an empty body instead of JSON"
        if start.startswith(b"<"):
            return "a web page instead of JSON"
        if isinstance(error, msgspec.ValidationError):
            text = str(error)
            what, at, place = text.rpartition(" - at ")
            # An enumeration's message quotes the value it met; that stays out.
            what = re.sub(r"'.*'", "'…'", what if at else text)
            return f"JSON of another shape: {what} at {place if at else '`$`'}"
        if isinstance(error, RecursionError):
            return "JSON that is nested too deep"
        return f"{len(self.body)} bytes that are not whole JSON"


def request_id(headers: Mapping[str, str]) -> str | None:
    """The vendor's name for the exchange, shortened to what a support desk can search."""
    for name in REQUEST_ID_HEADERS:
        value = headers.get(name)
        if value:
            return value[:100]
    return None


_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def _decoder(type_: type[T]) -> msgspec.json.Decoder[T]:
    """Building a decoder costs more than decoding a page: one per type, kept."""
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.json.Decoder(type_)
    return decoder
