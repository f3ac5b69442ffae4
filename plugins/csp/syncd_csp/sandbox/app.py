"""The simulated partner's side of Microsoft's cloud at one address: sign-in, Partner Center, Graph.

What it can be made to do stands at `Options` in `options.py`. Faults that any vendor can have are
injected in front of it by the host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from syncd.sdk.sandbox import World
from syncd_csp.sandbox.books import Books
from syncd_csp.sandbox.export import BILLING, Export
from syncd_csp.sandbox.logins import Logins
from syncd_csp.sandbox.names import GRAPH, PARTNER_CENTER
from syncd_csp.sandbox.options import Options
from syncd_csp.sandbox.partner import Partner


class Simulator:
    """The routes, and what answers behind them.

    Attributes:
        options: as it was built.
        books: facts of today; tests edit rows there.
        logins: tokens.
        export: operations and files.
        questions: how often each path was asked for.
        writes: methods that were asked of Partner Center beside GET; there must be none.
    """

    def __init__(self, world: World, options: Options) -> None:
        self.options = options
        self.books = Books(world, options)
        self.logins = Logins(options)
        self.export = Export(self.books, self.logins, options)
        self.questions: Counter[str] = Counter()
        self.writes: list[str] = []
        self._partner = Partner(self.books, self.logins, options)
        self.books.refresh()

    def application(self) -> Starlette:
        token = ["POST"]
        anything = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        routes = [
            Route("/{tenant}/oauth2/v2.0/token", self._token, methods=token),
            Route("/{tenant}/oauth2/token", self._token, methods=token),
            Route("/{tenant}/oauth2/v2.0/authorize", self._authorize, methods=["GET"]),
            *(
                Route(f"{prefix}/v1/{{path:path}}", self._ask_partner, methods=anything)
                for prefix in ("", f"/{PARTNER_CENTER}")
            ),
            *(
                Route(f"{prefix}{BILLING}/{{path:path}}", self._ask_graph, methods=anything)
                for prefix in ("", f"/{GRAPH}")
            ),
            Route("/store/{operation}/{name}", self._fetch, methods=["GET"]),
        ]
        app = Starlette(routes=routes)
        app.state.simulator = self
        return app

    async def _token(self, request: Request) -> Response:
        status, said = self.logins.issue(
            request.path_params["tenant"],
            await request.body(),
            url=str(request.url.replace(query="")),
            v1="v2.0" not in request.url.path,
        )
        return Response(msgspec.json.encode(said), status, media_type="application/json")

    async def _authorize(self, request: Request) -> Response:
        """A person consents at once."""
        asked = request.query_params
        if asked.get("client_id") != self.options.client_id or "redirect_uri" not in asked:
            return Response("AADSTS700016", 400)
        code = self.logins.consent(asked.get("code_challenge", ""))
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _ask_partner(self, request: Request) -> Response:
        self.books.refresh()
        path = request.path_params["path"]
        self.questions[f"/{path}"] += 1
        if request.method != "GET":
            self.writes.append(request.method)
        return self._partner.answer(request, path)

    async def _ask_graph(self, request: Request) -> Response:
        self.books.refresh()
        path = request.path_params["path"]
        self.questions[f"/{path.split('/')[0]}"] += 1
        if request.method == "POST":
            return await self.export.ask(request, path)
        return self.export.look(request, path)

    async def _fetch(self, request: Request) -> Response:
        where = request.path_params
        return self.export.fetch(request, where["operation"], where["name"])


def build(world: World, options: Mapping[str, Any]) -> Starlette:
    """The simulator of one world; the options are the fields of `Options`."""
    return Simulator(world, Options(**options)).application()
