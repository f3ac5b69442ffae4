"""How the simulator writes JSON: amounts as numbers, digit by digit."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

_encode = msgspec.json.Encoder(decimal_format="number").encode


def encoded(content: object, status: int = 200) -> Response:
    return Response(_encode(content), status, media_type="application/json")
