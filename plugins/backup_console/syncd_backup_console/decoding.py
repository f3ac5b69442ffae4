"""Decodes what the console answers, and says what it answered instead of a list.

With status 200 come `null` for what is not known, a text for what went wrong, and field names in
other letters where an instance was set up so; the first two are errors, the last is read.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar, get_args
from urllib.parse import urlsplit

import msgspec

from syncd.sdk.errors import ProtocolError
from syncd.sdk.http import Answer

T = TypeVar("T")

_LOOSE: Final = msgspec.json.Decoder(float_hook=Decimal)


def decoded(answer: Answer, kind: type[T]) -> T:
    """The body as `kind`, whatever the letters of its field names.

    Raises:
        ProtocolError: null, a text, a web page, or anything else than `kind`.
    """
    start = answer.body[:64].lstrip()
    if start.startswith(b"null"):
        _odd(answer, "null, which stands for something unknown, where a list was expected")
    if start.startswith(b'"'):
        _odd(answer, "a text, which stands for an error, where a list was expected")
    try:
        return answer.decode(kind)
    except ProtocolError:
        respelt = _respelt(answer.body, kind)
        if respelt is None:
            raise
        return respelt


def _respelt(body: bytes, kind: type[T]) -> T | None:
    """The body with its field names in documented letters, None if that does not help."""
    try:
        found = _LOOSE.decode(body)
        return msgspec.convert(_renamed(found, spelling(kind)), kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def spelling(kind: Any) -> dict[str, str]:
    """Documented field names by their lower case, of all structs in a type."""
    names: dict[str, str] = {}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for one in msgspec.structs.fields(kind):
            names[one.encode_name.lower()] = one.encode_name
            names |= spelling(one.type)
    for inner in get_args(kind):
        names |= spelling(inner)
    return names


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key.lower(), key): _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value


def _odd(answer: Answer, what: str) -> NoReturn:
    path = urlsplit(answer.url).path
    raise ProtocolError(
        f"{answer.connection}: {answer.method} {path} answered 200 with {what}",
        remedy="nothing was changed; if it stays, check that the API credentials belong to the"
        " main administrator, then ask the vendor",
        connection=answer.connection,
        http_status=answer.status,
        request_id=answer.request_id,
    )
