"""Reads HaloPSA's explanation out of an error's body, whichever of its shapes it has.

The shapes are those that published clients of the API parse: `resultCode` with `errorMessage`, a
serialised .NET exception, `Message`, `error`, and a bare string.
"""

from __future__ import annotations

import msgspec

_FIELDS = ("errorMessage", "Message", "message", "error_description", "error", "title")
_LONGEST = 200


def error_text(status: int, body: bytes) -> str:  # noqa: ARG001 - the SDK's signature
    """A short sentence in HaloPSA's own words, empty when the body holds none."""
    try:
        content: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        content = body.decode("utf-8", errors="replace")
    return _sentence(content)[:_LONGEST]


def _sentence(content: object) -> str:
    if isinstance(content, list) and content:
        return _sentence(content[0])
    if isinstance(content, dict):
        for name in _FIELDS:
            if found := _sentence(content.get(name)):
                return found
        return ""
    text = content.strip() if isinstance(content, str) else ""
    return "" if text.startswith("<") else text
