"""Decodes HaloPSA's answers leniently: ids written as 12.0 or "12" are whole numbers all the same.

What cannot be decoded is refused by its place in the document; the body is never quoted.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from syncd.sdk.errors import ProtocolError
from syncd.sdk.http import Answer

T = TypeVar("T")


def lenient(answer: Answer, type_: type[T], raw: bytes | msgspec.Raw | None = None) -> T:
    """A part of the answer, or all of it, as `type_`.

    Raises:
        ProtocolError: not JSON, or JSON of another shape.
    """
    if raw is None:
        answer.decode(msgspec.Raw)  # says what else it is: empty, a web page, cut short
        raw = answer.body
    try:
        return msgspec.json.decode(raw, type=type_, strict=False)
    except msgspec.ValidationError as error:
        flaw = str(error)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        flaw = "not whole JSON"
    raise broken(answer, flaw)


def broken(answer: Answer, flaw: str) -> ProtocolError:
    """The error for an answer of a shape that HaloPSA does not have."""
    return ProtocolError(
        f"{answer.connection}: {answer.method} {urlsplit(answer.url).path} answered"
        f" {answer.status} with JSON of another shape: {flaw}",
        remedy="nothing was changed; HaloPSA changed its interface, or something answers in its"
        " place: check base_url and run it again",
        connection=answer.connection,
        http_status=answer.status,
        request_id=answer.request_id,
    )
