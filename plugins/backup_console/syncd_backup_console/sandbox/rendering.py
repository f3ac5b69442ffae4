"""How the simulated console writes its answers: JSON in its own letters, or XML if asked for.

Names of fields may come in camel case, as consoles with another serializer write them.
"""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_encode = msgspec.json.Encoder(decimal_format="number").encode


def answer(request: Request, value: Any, status: int = 200, *, camel: bool = False) -> Response:
    """A value as JSON, or as XML to a client that asks for nothing else."""
    accept = request.headers.get("accept", "")
    if "xml" in accept and "json" not in accept and "*/*" not in accept:
        body = f"<Answer>{_xml(value)}</Answer>".encode()
        return Response(body, status, media_type="application/xml")
    shown = cased(value) if camel else value
    return Response(_encode(shown), status, media_type="application/json")


def cased(value: Any) -> Any:
    """The value with the names of its fields in camel case."""
    if isinstance(value, dict):
        return {_camel(name): cased(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [cased(inner) for inner in value]
    return value


def _camel(name: str) -> str:
    """`ID` → `id`, `IsTaken` → `isTaken`, `UserID` → `userID`."""
    return re.sub(r"^[A-Z]+(?![a-z])|^[A-Z]", lambda found: found[0].lower(), name)


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items())
    if isinstance(value, list):
        return "".join(f"<Item>{_xml(inner)}</Item>" for inner in value)
    return "" if value is None else escape(str(value))
