"""The simulated HaloPSA as an ASGI application: token, lists, records, saves, invoices.

Resource names are matched whatever their case, as the vendor does; faults that any vendor can have
are injected in front of it by the host.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from syncd.sdk.sandbox import World
from syncd_halopsa.sandbox import hand
from syncd_halopsa.sandbox.admission import Quota, Tokens
from syncd_halopsa.sandbox.agreements import with_standing
from syncd_halopsa.sandbox.assets import saved_assets
from syncd_halopsa.sandbox.invoice_saving import (
    links_of,
    saved_invoices,
    saved_links,
    saved_payments,
)
from syncd_halopsa.sandbox.invoices import processed
from syncd_halopsa.sandbox.lists import is_set, listed, presented
from syncd_halopsa.sandbox.modules import require_readable
from syncd_halopsa.sandbox.options import Options
from syncd_halopsa.sandbox.recurring import saved_recurring
from syncd_halopsa.sandbox.refusal import Refusal, Refusals
from syncd_halopsa.sandbox.saving import saved
from syncd_halopsa.sandbox.state import Row, State
from syncd_halopsa.sandbox.wording import encoded

VERSION = "2.228.4"

READ_SCOPES = {
    "client": "read:customers",
    "site": "read:customers",
    "assettype": "read:assets",
    "asset": "read:assets",
    "supplier": "read:suppliers",
    "softwarelicence": "read:softwarelicensing",
    "licencechange": "read:softwarelicensing",
    "recurringinvoice": "read:invoices",
    "invoice": "read:invoices",
    "invoicechange": "read:invoices",
    "invoicedetailprorata": "read:invoices",
    "tax": "read:invoices",
    "currency": "read:invoices",
    "invoicepayment": "read:invoices",
    "externallink": "read:invoices",
    "xerodetails": "read:invoices",
    "quickbooksdetails": "read:invoices",
    "users": "read:customers",
    "clientcontract": "read:contracts",
}


class Simulator:
    """The routes and what they share.

    Attributes:
        state: the tables.
        tokens: issues tokens.
        quota: a test may take calls away as another integration would.
        hand: what a person does.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.options = options
        self.state = State(world, options)
        self.tokens = Tokens(options)
        self.quota = Quota(options)
        self.hand = hand.Hand(self.state, self.tokens)

    def application(self) -> Starlette:
        app = Starlette(
            routes=[
                Route("/auth/token", self.tokens.issue, methods=["POST"]),
                Route("/api/authinfo", self._auth_info),
                Route("/api/instanceinfo", self._instance_info),
                Route("/api/recurringinvoice/process", self._process, methods=["POST"]),
                Route("/api/invoice", self._save_invoices, methods=["POST"]),
                Route("/api/invoicepayment", self._save_payments, methods=["POST"]),
                Route("/api/externallink", self._save_links, methods=["POST"]),
                Route("/api/recurringinvoice", self._save_recurring, methods=["POST"]),
                Route("/api/softwarelicence", self._save, methods=["POST"]),
                Route("/api/asset", self._save_assets, methods=["POST"]),
                Route("/api/{table}", self._list),
                Route("/api/{table}/{id}", self._one),
                *hand.routes(self.hand),
            ],
            exception_handlers={Refusal: Refusals()},
        )
        app.add_middleware(AnyCase)
        app.state.simulator = self
        return app

    async def _auth_info(self, request: Request) -> Response:
        return encoded(
            {
                "auth_url": str(request.base_url) + "auth",
                "tenant_id": self.options.tenant,
                "hostname": request.url.hostname,
            }
        )

    async def _instance_info(self, request: Request) -> Response:
        self._admit(request, "")
        if not self.options.instance_info:
            raise Refusal(403, "Forbidden")
        return encoded({"app_version": VERSION, "database_version": VERSION})

    async def _list(self, request: Request) -> Response:
        table = self._table(request)
        self._admit(request, READ_SCOPES[table])
        require_readable(self.options, table)
        return encoded(listed(self.state, table, request.query_params))

    async def _one(self, request: Request) -> Response:
        table = self._table(request)
        self._admit(request, READ_SCOPES[table])
        try:
            number = int(request.path_params["id"])
        except ValueError:
            raise Refusal(400, "The id is not valid") from None
        row = self.state.row(table, number)
        if table == "clientcontract":
            row = with_standing(row, self.state.world.now())
        if table == "invoice" and not is_set(request.query_params, "includedetails"):
            row = {name: one for name, one in row.items() if name != "lines"}
        elif table == "invoice":
            row = {**row, "external_links": links_of(self.state, number)}
        return encoded(presented(self.options, row))

    async def _save(self, request: Request) -> Response:
        self._admit(request, "edit:softwarelicensing")
        return self._answer(saved(self.state, await _json(request)))

    async def _save_assets(self, request: Request) -> Response:
        self._admit(request, "edit:assets")
        return self._answer(saved_assets(self.state, await _json(request)))

    async def _save_recurring(self, request: Request) -> Response:
        self._admit(request, "edit:invoices")
        return self._answer(saved_recurring(self.state, await _json(request)))

    async def _save_invoices(self, request: Request) -> Response:
        self._admit(request, "edit:invoices")
        rows = saved_invoices(self.state, await _json(request))
        links = [{"external_links": links_of(self.state, row["id"])} for row in rows]
        return self._answer([{**row, **own} for row, own in zip(rows, links, strict=True)])

    async def _save_payments(self, request: Request) -> Response:
        self._admit(request, "edit:invoices")
        return self._answer(saved_payments(self.state, await _json(request)))

    async def _save_links(self, request: Request) -> Response:
        self._admit(request, "edit:invoices")
        return self._answer(saved_links(self.state, await _json(request)))

    def _answer(self, rows: list[Row]) -> Response:
        """What a POST of an array answers, which is not documented."""
        shown = presented(self.options, rows)
        match self.options.multi_answer:
            case "array":
                return encoded(shown, 201)
            case "empty":
                return Response(b"", 201)
            case _:
                return encoded(shown[-1] if shown else {}, 201)

    async def _process(self, request: Request) -> Response:
        self._admit(request, "edit:invoices")
        return encoded(processed(self.state, await _json(request)), 201)

    def _table(self, request: Request) -> str:
        table: str = request.path_params["table"]
        if table not in READ_SCOPES:
            raise Refusal(404, "No resource of that name")
        return table

    def _admit(self, request: Request, scope: str) -> None:
        self.quota.take()
        self.tokens.require(request, scope)
        self.state.follow_world()


class AnyCase:
    """Lower-cases paths before they are routed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["path"].lower()}
        await self._app(scope, receive, send)


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body(), parse_float=Decimal)
    except ValueError:
        raise Refusal(400, "The request body is not valid JSON") from None
