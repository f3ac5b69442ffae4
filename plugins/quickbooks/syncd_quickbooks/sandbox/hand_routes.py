"""The hand over HTTP, for a demonstration that runs in another process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd_quickbooks.sandbox.hand import Hand
from syncd_quickbooks.sandbox.refusals import Refusal
from syncd_quickbooks.sandbox.service import encode

PREFIX: Final = "/__hand__"
ACTIONS: Final = (
    "invoice", "pay", "change_payment", "take_back", "use_credit", "edit", "edit_line", "void",
    "delete", "make", "set_active", "close_books", "expire_tokens", "revoke", "forget_requests",
    "reset",
)  # fmt: skip
_DAYS: Final = ("dated", "until")


def routes(hand: Hand) -> Sequence[Route]:
    """`GET /__hand__/documents/KIND`, and `POST /__hand__/ACTION` with a method's arguments."""

    async def documents(request: Request) -> Response:
        return _json(hand.documents(request.path_params["kind"]))

    async def act(request: Request) -> Response:
        name = request.path_params["action"]
        if name not in ACTIONS:
            return _json({"error": f"there is no action {name}"}, 404)
        given: dict[str, Any] = json.loads(await request.body() or b"{}", parse_float=Decimal)
        for day in _DAYS:
            if given.get(day):
                given[day] = date.fromisoformat(given[day])
        action: Callable[..., Any] = getattr(hand, name)
        try:
            return _json({"id": action(**given)})
        except Refusal as refusal:
            return _json({"error": str(refusal)}, refusal.status)

    return [
        Route(f"{PREFIX}/documents/{{kind}}", documents),
        Route(f"{PREFIX}/{{action}}", act, methods=["POST"]),
    ]


def _json(body: Any, status: int = 200) -> Response:
    return Response(encode(body), status, media_type="application/json")
