"""Desk's API over seven clients and an empty list of subscriptions."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SECRET = "made-up-key"
CLIENTS = 7
PAGE = 2


class Simulator:
    def __init__(self) -> None:
        self.clients = [{"id": n, "name": f"Client {n}"} for n in range(1, CLIENTS + 1)]
        self.records: list[dict[str, Any]] = []

    async def list_clients(self, request: Request) -> Response:
        return _refused(request) or _page(request, self.clients)

    async def list_records(self, request: Request) -> Response:
        return _refused(request) or _page(request, self.records)

    async def save(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        given = await request.json()
        if given.get("client", 1) not in range(1, CLIENTS + 1):
            return JSONResponse({"error": "no such client"}, 422)
        if "id" not in request.path_params:
            record = {"id": 100 + len(self.records), **given}
            self.records.append(record)
            return JSONResponse(record, 201)
        for record in self.records:
            if record["id"] == request.path_params["id"]:
                record.update(given)
                return JSONResponse(record)
        return JSONResponse({"error": "no such record"}, 404)


def _refused(request: Request) -> Response | None:
    if request.headers.get("x-api-key") == SECRET:
        return None
    return JSONResponse({"error": "unauthorized"}, 401)


def _page(request: Request, rows: list[dict[str, Any]]) -> Response:
    start = (int(request.query_params["page"]) - 1) * PAGE if request.query_params else 0
    return JSONResponse({"total": len(rows), "rows": rows[start : start + PAGE]})


def build() -> Starlette:
    desk = Simulator()
    return Starlette(
        routes=[
            Route("/clients", desk.list_clients),
            Route("/subscriptions", desk.list_records, methods=["GET"]),
            Route("/subscriptions", desk.save, methods=["POST"]),
            Route("/subscriptions/{id:int}", desk.save, methods=["PUT"]),
        ]
    )
